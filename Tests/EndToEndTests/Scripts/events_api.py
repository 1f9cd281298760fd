"""Every operation of the events service, through boto3: results, pagination, exceptions by class (spec: control §3, §4)."""

import json

import harness
from harness import A, B, bus_arn, check, equal, fails, part, queue_arn, rule_arn

events = harness.client("events", "a")
other = harness.client("events", "b")


def buses():
    part("buses")
    made = events.create_event_bus(Name="orders", Description="first", Tags=[{"Key": "team", "Value": "x"}])
    equal(made["EventBusArn"], bus_arn(A, "orders"))
    equal(made["Description"], "first")
    fails("ResourceAlreadyExistsException", "Event bus orders already exists.", events.create_event_bus, Name="orders")
    fails("ResourceAlreadyExistsException", "Event bus default already exists.", events.create_event_bus, Name="default")
    fails(
        "ValidationException",
        "1 validation error detected: Value 'Bad Name!' at 'name' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [/\\.\\-_A-Za-z0-9]+",
        events.create_event_bus, Name="Bad Name!",
    )
    found = events.describe_event_bus(Name="orders")
    equal((found["Name"], found["Arn"], found["Description"]), ("orders", bus_arn(A, "orders"), "first"))
    check("Policy" not in found and found["CreationTime"] and found["LastModifiedTime"], found)
    equal(events.describe_event_bus()["Name"], "default")
    equal(events.describe_event_bus(Name=bus_arn(A, "orders"))["Name"], "orders")
    updated = events.update_event_bus(Name="orders", Description="second")
    equal((updated["Name"], updated["Arn"]), ("orders", bus_arn(A, "orders")))
    equal(events.describe_event_bus(Name="orders")["Description"], "second")
    events.update_event_bus(Name="orders", Description="")
    check("Description" not in events.describe_event_bus(Name="orders"))
    try:
        events.describe_event_bus(Name="nowhere")
        check(False, "a bus that does not exist is described")
    except events.exceptions.ResourceNotFoundException as failure:
        equal(failure.response["Error"]["Message"], "Event bus nowhere does not exist.")
        equal(failure.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        check(failure.response["ResponseMetadata"]["RequestId"], "no request id")
    fails("ResourceNotFoundException", "Event bus nowhere does not exist.", events.update_event_bus, Name="nowhere")
    fails("ValidationException", "Cannot delete event bus default.", events.delete_event_bus, Name="default")
    events.delete_event_bus(Name="nowhere")

    part("pages of buses")
    for number in range(7):
        events.create_event_bus(Name=f"page-{number}")
    names, token = [], {}
    while True:
        answer = events.list_event_buses(NamePrefix="page-", Limit=3, **token)
        names += [bus["Name"] for bus in answer["EventBuses"]]
        if "NextToken" not in answer:
            break
        equal(len(answer["EventBuses"]), 3)
        token = {"NextToken": answer["NextToken"]}
    equal(names, [f"page-{number}" for number in range(7)])
    equal(events.list_event_buses(NamePrefix="none")["EventBuses"], [])
    for number in range(7):
        events.delete_event_bus(Name=f"page-{number}")


def rules():
    part("rules")
    pattern = '{ "source" : ["shop"] }'
    made = events.put_rule(Name="r1", EventPattern=pattern, Description="d", Tags=[{"Key": "k", "Value": "v"}])
    equal(made["RuleArn"], rule_arn(A, "r1"))
    made = events.put_rule(Name="r1", EventBusName="orders", EventPattern=pattern, State="DISABLED")
    equal(made["RuleArn"], rule_arn(A, "r1", "orders"))
    found = events.describe_rule(Name="r1", EventBusName="orders")
    equal((found["EventPattern"], found["State"], found["CreatedBy"]), (pattern, "DISABLED", A))
    equal((found["EventBusName"], found["Arn"]), ("orders", rule_arn(A, "r1", "orders")))
    events.enable_rule(Name="r1", EventBusName="orders")
    equal(events.describe_rule(Name="r1", EventBusName="orders")["State"], "ENABLED")
    events.disable_rule(Name="r1", EventBusName="orders")
    equal(events.describe_rule(Name="r1", EventBusName="orders")["State"], "DISABLED")
    events.put_rule(Name="r1", EventPattern=pattern)
    check("Description" not in events.describe_rule(Name="r1"), "an omitted attribute stays set")
    fails("ResourceNotFoundException", "Rule no does not exist on EventBus default.", events.describe_rule, Name="no")
    fails(
        "ResourceNotFoundException", "Rule no does not exist on EventBus orders.",
        events.enable_rule, Name="no", EventBusName="orders",
    )
    fails(
        "ValidationException", "Parameter(s) EventPattern or ScheduleExpression must be specified.",
        events.put_rule, Name="empty",
    )
    fails(
        "ResourceNotFoundException", "Event bus nowhere does not exist.",
        events.put_rule, Name="r", EventBusName="nowhere", EventPattern=pattern,
    )
    try:
        events.put_rule(Name="bad", EventPattern='["x"]')
        check(False, "a bad pattern is taken")
    except events.exceptions.InvalidEventPatternException as failure:
        check("Event pattern is not valid. Reason: Filter is not an object" in str(failure), failure)
    events.delete_rule(Name="no")

    part("pages of rules")
    for number in range(12):
        events.put_rule(Name=f"many-{number:02}", EventBusName="orders", EventPattern=pattern)
    pages = events.get_paginator("list_rules").paginate(
        EventBusName="orders", NamePrefix="many-", PaginationConfig={"PageSize": 5}
    )
    listed = [rule for answer in pages for rule in answer["Rules"]]
    equal([rule["Name"] for rule in listed], [f"many-{number:02}" for number in range(12)])
    check(all("CreatedBy" not in rule and rule["EventBusName"] == "orders" for rule in listed), listed)
    fails(
        "ResourceNotFoundException", "Event bus nowhere does not exist.", events.list_rules, EventBusName="nowhere"
    )


def targets():
    part("targets")
    where = {"Rule": "many-00", "EventBusName": "orders"}
    full = {
        "Id": "one", "Arn": queue_arn(A, "q1"),
        "InputTransformer": {"InputPathsMap": {"n": "$.detail.number"}, "InputTemplate": '{"n": <n>}'},
        "DeadLetterConfig": {"Arn": queue_arn(A, "dead")},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 120},
    }
    answer = events.put_targets(**where, Targets=[full, {"Id": "two", "Arn": queue_arn(A, "q2")}])
    equal((answer["FailedEntryCount"], answer["FailedEntries"]), (0, []))
    equal(events.list_targets_by_rule(**where)["Targets"], [full, {"Id": "two", "Arn": queue_arn(A, "q2")}])
    fails(
        "LimitExceededException", "The requested resource exceeds the maximum number allowed.", events.put_targets,
        **where, Targets=[{"Id": f"t{n}", "Arn": queue_arn(A, "q")} for n in range(4)],
    )
    equal(len(events.list_targets_by_rule(**where)["Targets"]), 2)
    fails(
        "ValidationException", "Only one of Input, InputPath, or InputTransformer must be provided for target x.",
        events.put_targets, **where,
        Targets=[{"Id": "x", "Arn": queue_arn(A, "q"), "Input": "{}", "InputPath": "$.detail"}],
    )
    fails(
        "ValidationException", "Parameter not-an-arn is not valid. Reason: Provided Arn is not in correct format.",
        events.put_targets, **where, Targets=[{"Id": "x", "Arn": "not-an-arn"}],
    )
    fails(
        "ResourceNotFoundException", "Rule no does not exist on EventBus orders.", events.put_targets,
        Rule="no", EventBusName="orders", Targets=[{"Id": "x", "Arn": queue_arn(A, "q")}],
    )
    for number in range(1, 5):
        events.put_targets(
            Rule=f"many-{number:02}", EventBusName="orders", Targets=[{"Id": "t", "Arn": queue_arn(A, "q1")}]
        )
    pages = events.get_paginator("list_rule_names_by_target").paginate(
        TargetArn=queue_arn(A, "q1"), EventBusName="orders", PaginationConfig={"PageSize": 2}
    )
    names = [name for answer in pages for name in answer["RuleNames"]]
    equal(names, [f"many-{number:02}" for number in range(5)])
    pages = events.get_paginator("list_targets_by_rule").paginate(**where, PaginationConfig={"PageSize": 1})
    equal([target["Id"] for answer in pages for target in answer["Targets"]], ["one", "two"])
    fails(
        "ValidationException", "Rule can't be deleted since it has targets.",
        events.delete_rule, Name="many-00", EventBusName="orders",
    )
    equal(events.remove_targets(**where, Ids=["one", "two"])["FailedEntryCount"], 0)
    equal(events.list_targets_by_rule(**where)["Targets"], [])


def test_patterns():
    part("TestEventPattern")
    event = {
        "id": "1", "source": "shop", "detail-type": "order", "account": A, "region": harness.REGION,
        "time": "2026-01-15T12:34:56Z", "resources": [], "detail": {"n": 5},
    }
    asked = json.dumps(event)
    for pattern, expected in [
        ('{"source":["shop"]}', True), ('{"source":["other"]}', False), ('{"source":[{"prefix":"sh"}]}', True),
        ('{"detail":{"n":[{"numeric":[">",4,"<=",5]}]}}', True), ('{"detail":{"m":[{"exists":false}]}}', True),
        ('{"detail":{"n":[{"anything-but":[5]}]}}', False), ('{"source":[{"wildcard":"s*p"}]}', True),
        ('{"$or":[{"source":["x"]},{"account":["111122223333"]}]}', True),
    ]:
        equal(events.test_event_pattern(EventPattern=pattern, Event=asked)["Result"], expected, pattern)
    fails(
        "InvalidEventPatternException", "Event pattern is not valid. Reason: ",
        events.test_event_pattern, EventPattern='{"source":"x"}', Event=asked,
    )
    fails(
        "ValidationException", "Parameter Event is not valid.",
        events.test_event_pattern, EventPattern='{"source":["x"]}', Event="[]",
    )


def permissions():
    part("permissions")
    events.put_permission(EventBusName="orders", StatementId="s1", Action="events:PutEvents", Principal=B)
    events.put_permission(EventBusName="orders", StatementId="s2", Action="events:PutEvents", Principal="*")
    policy = json.loads(events.describe_event_bus(Name="orders")["Policy"])
    equal([s["Sid"] for s in policy["Statement"]], ["s1", "s2"])
    equal([s["Principal"] for s in policy["Statement"]], [{"AWS": f"arn:aws:iam::{B}:root"}, "*"])
    events.remove_permission(EventBusName="orders", StatementId="s2")
    fails(
        "ResourceNotFoundException", "Statement with the provided id does not exist.",
        events.remove_permission, EventBusName="orders", StatementId="s2",
    )
    events.remove_permission(EventBusName="orders", RemoveAllPermissions=True)
    check("Policy" not in events.describe_event_bus(Name="orders"))
    text = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "doc", "Effect": "Allow", "Principal": {"AWS": B}, "Action": ["events:PutEvents"],
                    "Resource": bus_arn(A, "orders"),
                }
            ],
        }
    )
    events.put_permission(EventBusName="orders", Policy=text)
    equal(json.loads(events.describe_event_bus(Name="orders")["Policy"]), json.loads(text))
    fails(
        "ResourceNotFoundException", "Event bus nowhere does not exist.", events.put_permission,
        EventBusName="nowhere", StatementId="s", Action="events:PutEvents", Principal=B,
    )
    # Only PutEvents is granted to the other account.
    fails("AccessDeniedException", "events:DescribeEventBus", other.describe_event_bus, Name=bus_arn(A, "orders"))
    events.remove_permission(EventBusName="orders", RemoveAllPermissions=True)


def tags():
    part("tags")
    bus, rule = bus_arn(A, "orders"), rule_arn(A, "r1")
    equal(events.list_tags_for_resource(ResourceARN=bus)["Tags"], [{"Key": "team", "Value": "x"}])
    events.tag_resource(ResourceARN=bus, Tags=[{"Key": "team", "Value": "y"}, {"Key": "cost", "Value": ""}])
    found = {tag["Key"]: tag["Value"] for tag in events.list_tags_for_resource(ResourceARN=bus)["Tags"]}
    equal(found, {"team": "y", "cost": ""})
    events.untag_resource(ResourceARN=bus, TagKeys=["team", "absent"])
    equal(events.list_tags_for_resource(ResourceARN=bus)["Tags"], [{"Key": "cost", "Value": ""}])
    equal(events.list_tags_for_resource(ResourceARN=rule)["Tags"], [{"Key": "k", "Value": "v"}])
    fails(
        "ResourceNotFoundException", "does not exist", events.list_tags_for_resource, ResourceARN=rule_arn(A, "none")
    )


def accepted():
    """Events that all buses took in."""
    return sum(v for k, v in harness.metrics().items() if k.startswith("busbar_events_accepted_total"))


def put_events():
    part("PutEvents, entry by entry")
    good = harness.entry(1)
    answer = events.put_events(
        Entries=[
            good, {"DetailType": "d", "Detail": "{}"}, {"Source": "s", "Detail": "{}"}, {"Source": "s", "DetailType": "d"},
            {"Source": "s", "DetailType": "d", "Detail": "no json"}, {"Source": "s", "DetailType": "d", "Detail": "[1]"},
            {"Source": "aws.ec2", "DetailType": "d", "Detail": "{}"}, harness.entry(2, bus="nowhere"),
        ]
    )
    results = [(e.get("ErrorCode"), e.get("ErrorMessage")) for e in answer["Entries"]]
    required = "Parameter {0} is not valid. Reason: {0} is a required argument."
    equal(
        results,
        [
            (None, None), ("InvalidArgument", required.format("Source")),
            ("InvalidArgument", required.format("DetailType")), ("InvalidArgument", required.format("Detail")),
            ("MalformedDetail", "Detail is malformed."), ("MalformedDetail", "Detail is malformed."),
            ("NotAuthorizedForSourceException", "Not authorized for the source."), (None, None),
        ],
    )
    equal(answer["FailedEntryCount"], 6)
    check(all(("EventId" in e) == ("ErrorCode" not in e) for e in answer["Entries"]), answer)
    equal(harness.metrics()["busbar_events_unknown_bus_total"], 1)
    fails(
        "ValidationException",
        "at 'entries' failed to satisfy constraint: Member must have length less than or equal to 10",
        events.put_events, Entries=[good] * 11,
    )
    fails(
        "ValidationException", "Total size of the entries in the request is over the limit.", events.put_events,
        Entries=[harness.entry(1, filling="x" * 300_000)] * 4,
    )

    part("PutEvents with one entry for a bus that refuses it")
    other.create_event_bus(Name="closed")
    # The whole request is refused, also when other entries would have been allowed (spec: patterns §1.8).
    before = accepted()
    fails(
        "AccessDeniedException",
        f"on resource: {bus_arn(B, 'closed')} because no resource-based policy allows the events:PutEvents action",
        events.put_events, Entries=[good, harness.entry(2, bus=bus_arn(B, "closed"))],
    )
    equal(accepted(), before)


def missing_operations():
    part("operations that are not there")
    failure = fails("UnknownOperationException", "ListReplays", events.list_replays)
    check(failure.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 404), failure.response)


def clean_up():
    part("cleaning up")
    fails(
        "ValidationException", "EventBus can't be deleted since it has rules.", events.delete_event_bus, Name="orders"
    )
    for number in range(12):
        if 1 <= number < 5:
            events.remove_targets(Rule=f"many-{number:02}", EventBusName="orders", Ids=["t"])
        events.delete_rule(Name=f"many-{number:02}", EventBusName="orders")
    events.delete_rule(Name="r1", EventBusName="orders")
    events.delete_rule(Name="r1")
    events.delete_event_bus(Name="orders")
    equal([bus["Name"] for bus in events.list_event_buses()["EventBuses"]], ["default"])


for step in [buses, rules, targets, test_patterns, permissions, tags, put_events, missing_operations, clean_up]:
    step()
