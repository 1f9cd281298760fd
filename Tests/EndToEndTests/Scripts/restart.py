"""Everything survives a restart: `restart.py before` makes it, `restart.py after` looks for it."""

import json
import os
import sys

import harness
from harness import A, B, bus_arn, check, entry, equal, part, put, queue_arn, rule_arn

events_a, events_b = harness.client("events", "a"), harness.client("events", "b")
sqs_a, sqs_b = harness.client("sqs", "a"), harness.client("sqs", "b")
notes = os.path.join(harness.WORK, "restart.json")


def without_metadata(answer):
    answer.pop("ResponseMetadata", None)
    return json.loads(json.dumps(answer, default=str))


def picture():
    """Everything that can be asked for."""
    found = {}
    for name, events, account in (("a", events_a, A), ("b", events_b, B)):
        found[name] = without_metadata(events.list_event_buses())
        for bus in found[name]["EventBuses"]:
            key = f"{name}/{bus['Name']}"
            found[key] = without_metadata(events.describe_event_bus(Name=bus["Name"]))
            found[key + " tags"] = without_metadata(events.list_tags_for_resource(ResourceARN=bus["Arn"]))
            for rule in events.list_rules(EventBusName=bus["Name"])["Rules"]:
                at = {"Rule": rule["Name"], "EventBusName": bus["Name"]}
                key = f"{name}/{bus['Name']}/{rule['Name']}"
                found[key] = without_metadata(events.describe_rule(Name=rule["Name"], EventBusName=bus["Name"]))
                found[key + " targets"] = without_metadata(events.list_targets_by_rule(**at))
                found[key + " tags"] = without_metadata(events.list_tags_for_resource(ResourceARN=rule["Arn"]))
    for name, sqs in (("a", sqs_a), ("b", sqs_b)):
        # The port may be another one after a restart.
        urls = sqs.list_queues().get("QueueUrls", [])
        for url in urls:
            key = "queue " + "/".join(url.split("/")[3:])
            found[key] = without_metadata(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"]))
            found[key + " tags"] = without_metadata(sqs.list_queue_tags(QueueUrl=url))
    return found


def before():
    part("making everything")
    events_b.create_event_bus(Name="kept", Description="d", Tags=[{"Key": "k", "Value": "v"}])
    events_b.put_permission(EventBusName="kept", StatementId="a", Action="events:PutEvents", Principal=A)
    for number in range(20):
        events_b.put_rule(
            Name=f"r{number}", EventBusName="kept", EventPattern=json.dumps({"source": ["kept"], "detail": {"r": [number]}}),
            State="DISABLED" if number % 5 == 4 else "ENABLED", Description=f"rule {number}",
            Tags=[{"Key": "n", "Value": str(number)}],
        )
        target = {
            "Id": "t", "Arn": queue_arn(B, "kept"), "InputTransformer": {
                "InputPathsMap": {"n": "$.detail.number"}, "InputTemplate": f'"rule {number}: <n>"',
            },
            "RetryPolicy": {"MaximumRetryAttempts": number, "MaximumEventAgeInSeconds": 60 + number},
        }
        events_b.put_targets(Rule=f"r{number}", EventBusName="kept", Targets=[target])
    events_b.put_rule(Name="whole", EventBusName="kept", EventPattern='{"source":["kept"]}')
    events_b.put_targets(Rule="whole", EventBusName="kept", Targets=[{"Id": "q", "Arn": queue_arn(B, "whole")}])
    harness.make_queue(sqs_b, B, "kept", VisibilityTimeout="0")
    url = harness.make_queue(sqs_b, B, "whole", rule_arn(B, "whole", "kept"))
    sqs_b.tag_queue(QueueUrl=url, Tags={"x": "y"})
    sqs_a.create_queue(QueueName="other", Attributes={"DelaySeconds": "1"})
    for name in ("gone",):
        events_b.create_event_bus(Name=name)
        events_b.delete_event_bus(Name=name)
    ids = []
    for batch in range(10):
        ids += put(events_a, *[entry(batch * 10 + n, bus=bus_arn(B, "kept"), source="kept", r=n) for n in range(10)])
    counted = lambda name: sqs_b.get_queue_attributes(  # noqa: E731
        QueueUrl=f"{harness.ENDPOINT}/{B}/{name}", AttributeNames=["ApproximateNumberOfMessages"]
    )["Attributes"]["ApproximateNumberOfMessages"]
    harness.until("all are delivered", lambda: counted("whole") == "100" and counted("kept") == "80")
    with open(notes, "w", encoding="utf-8") as file:
        json.dump({"ids": ids, "picture": picture()}, file)


def after():
    part("looking for everything")
    with open(notes, encoding="utf-8") as file:
        noted = json.load(file)
    found = picture()
    equal(sorted(found), sorted(noted["picture"]))
    for key, value in noted["picture"].items():
        equal(found[key], value, key)
    part("reading the queues")
    bodies = [json.loads(body) for body in harness.drain(sqs_b, f"{harness.ENDPOINT}/{B}/whole", wait=1)]
    got = [body["id"] for body in bodies]
    equal(sorted(set(got)), sorted(noted["ids"]), "event ids")
    if sys.argv[2:] == ["graceful"]:
        equal(len(got), 100, "a graceful stop repeats nothing")
    part("rules still match")
    [event_id] = put(events_a, entry(1, bus=bus_arn(B, "kept"), source="kept", r=99))
    message = harness.receive(sqs_b, f"{harness.ENDPOINT}/{B}/whole")
    equal(json.loads(message["Body"])["id"], event_id)
    check(event_id not in noted["ids"], event_id)


{"before": before, "after": after}[sys.argv[1]]()
