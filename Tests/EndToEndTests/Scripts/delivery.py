"""Deliveries: input shaping, dead letters, buses as targets across accounts, loops, HTTPS and HTTP/2."""

import json
import os
import subprocess

import harness
from harness import A, B, bus_arn, check, entry, equal, expect_nothing, fails, part, put, queue_arn, receive, rule_arn

events_a, events_b = harness.client("events", "a"), harness.client("events", "b")
sqs_a, sqs_b = harness.client("sqs", "a"), harness.client("sqs", "b")


def shaping():
    part("input shaping")
    url = harness.make_queue(sqs_a, A, "shaped")
    dead = harness.make_queue(sqs_a, A, "shaped-dead")
    events_a.put_rule(Name="shape", EventPattern='{"source":["shape"]}')
    event = {
        "id": "A1", "n": 7, "ok": True, "q": 'say "hi"', "o": {"k": "v"}, "l": ["p", "q"], "z": None
    }
    paths = {name: f"$.detail.{name}" for name in event} | {"m": "$.detail.none"}
    rule = rule_arn(A, "shape")
    cases = [
        ({"Input": '{ "fixed" : 1 }'}, '{ "fixed" : 1 }'),
        ({"InputPath": "$.detail.o"}, '{"k":"v"}'),
        ({"InputPath": "$.detail.l[1]"}, '"q"'),
        ({"InputPath": "$.detail.l[*]"}, '["p","q"]'),
        ({"InputPath": "$.detail.none"}, "{}"),
    ]
    # Spec: patterns §4.6.
    templates = [
        ('{"x": <id>, "n": <n>}', '{"x": "A1", "n": 7}'), ('{"x":"<id>-<n>"}', '{"x":"A1-7"}'),
        ('{"x":<o>,"y":<l>}', '{"x":{"k":"v"},"y":["p","q"]}'), ('{"x":<q>}', '{"x":"say \\"hi\\""}'),
        ('{"x":"<q>"}', '{"x":"say \\"hi\\""}'), ('{"x":<m>,"y":"<m>"}', '{"x":"","y":""}'), ('{"x":<z>}', '{"x":null}'),
        ('"id <id>, n <n>, ok <ok>"', '"id A1, n 7, ok true"'), ('"got <o> and <l>"', '"got {k:v} and [p,q]"'),
        ('["<id>",<n>]', '["A1",7]'), ('"a <id>"\n"b <n>"', '"a A1"\n"b 7"'),
        ('{"r":"<aws.events.rule-name>","a":<aws.events.rule-arn>}', f'{{"r":"shape","a":"{rule}"}}'),
    ]
    cases += [
        ({"InputTransformer": {"InputPathsMap": paths, "InputTemplate": template}}, out) for template, out in templates
    ]
    for shape, expected in cases:
        events_a.put_targets(Rule="shape", Targets=[{"Id": "t", "Arn": queue_arn(A, "shaped"), **shape}])
        put(events_a, {"Source": "shape", "DetailType": "d", "Detail": json.dumps(event)})
        equal(receive(sqs_a, url)["Body"], expected, shape)

    part("a template that gives no JSON")
    broken = {"InputTransformer": {"InputPathsMap": paths, "InputTemplate": '{"x":"<o>"}'}}
    target = {"Id": "t", "Arn": queue_arn(A, "shaped"), "DeadLetterConfig": {"Arn": queue_arn(A, "shaped-dead")}}
    events_a.put_targets(Rule="shape", Targets=[target | broken])
    put(events_a, {"Source": "shape", "DetailType": "d", "Detail": json.dumps(event)})
    letter = receive(sqs_a, dead)
    equal(letter["Body"], '{"x":"{"k":"v"}"}')
    equal(attributes(letter)["ERROR_CODE"], "INVALID_JSON")
    equal(attributes(letter)["ERROR_MESSAGE"], "Invalid input for target.")
    expect_nothing(sqs_a, url, wait=0)


def attributes(message):
    check(all(v["DataType"] == "String" for v in message["MessageAttributes"].values()), message)
    return {k: v["StringValue"] for k, v in message["MessageAttributes"].items()}


def dead_letters():
    part("a queue of another account without a policy")
    sqs_b.create_queue(QueueName="shut")
    dead = harness.make_queue(sqs_a, A, "dead", rule_arn(A, "to-b"))
    events_a.put_rule(Name="to-b", EventPattern='{"source":["letters"]}')
    target = {"Id": "q", "Arn": queue_arn(B, "shut"), "DeadLetterConfig": {"Arn": queue_arn(A, "dead")}}
    events_a.put_targets(Rule="to-b", Targets=[target])
    [event_id] = put(events_a, entry(1, source="letters"))
    letter = receive(sqs_a, dead)
    equal(json.loads(letter["Body"])["id"], event_id)
    found = attributes(letter)
    equal((found["RULE_ARN"], found["TARGET_ARN"]), (rule_arn(A, "to-b"), queue_arn(B, "shut")))
    equal(found["ERROR_CODE"], "NO_PERMISSIONS")
    check("sqs:sendmessage" in found["ERROR_MESSAGE"].lower() and queue_arn(B, "shut") in found["ERROR_MESSAGE"], found)
    # Spec: patterns §5.5: only the first four when nothing was retried.
    equal(sorted(found), ["ERROR_CODE", "ERROR_MESSAGE", "RULE_ARN", "TARGET_ARN"])

    part("the same queue with a policy")
    sqs_b.set_queue_attributes(
        QueueUrl=f"{harness.ENDPOINT}/{B}/shut",
        Attributes={"Policy": harness.events_may_send(queue_arn(B, "shut"), rule_arn(A, "to-b"))},
    )
    [event_id] = put(events_a, entry(2, source="letters"))
    equal(json.loads(receive(sqs_b, f"{harness.ENDPOINT}/{B}/shut")["Body"])["id"], event_id)
    expect_nothing(sqs_a, dead, wait=0)

    part("a queue that is not there")
    events_a.put_targets(Rule="to-b", Targets=[target | {"Arn": queue_arn(A, "gone")}])
    put(events_a, entry(3, source="letters"))
    equal(attributes(receive(sqs_a, dead))["ERROR_CODE"], "NO_RESOURCE")


def buses_as_targets():
    part("a bus of another account as target, allowed")
    events_b.create_event_bus(Name="inbox")
    events_b.put_permission(EventBusName="inbox", StatementId="a", Action="events:PutEvents", Principal=A)
    url = harness.make_queue(sqs_b, B, "inbox", rule_arn(B, "all", "inbox"))
    events_b.put_rule(Name="all", EventBusName="inbox", EventPattern='{"account":["111122223333"]}')
    events_b.put_targets(Rule="all", EventBusName="inbox", Targets=[{"Id": "q", "Arn": queue_arn(B, "inbox")}])
    dead = harness.make_queue(sqs_a, A, "forward-dead", rule_arn(A, "forward"))
    events_a.put_rule(Name="forward", EventPattern='{"source":["forward"]}')
    target = {"Id": "bus", "Arn": bus_arn(B, "inbox"), "DeadLetterConfig": {"Arn": queue_arn(A, "forward-dead")}}
    events_a.put_targets(Rule="forward", Targets=[target])
    [event_id] = put(events_a, entry(1, source="forward"))
    event = json.loads(receive(sqs_b, url)["Body"])
    # Spec: patterns §6.1: the id and the account stay.
    equal((event["id"], event["account"], event["source"]), (event_id, A, "forward"))

    part("and denied, once the owner takes the permission back")
    events_b.remove_permission(EventBusName="inbox", StatementId="a")
    [event_id] = put(events_a, entry(2, source="forward"))
    letter = receive(sqs_a, dead)
    equal(json.loads(letter["Body"])["id"], event_id)
    equal(attributes(letter)["ERROR_CODE"], "NO_PERMISSIONS")
    expect_nothing(sqs_b, url, wait=0)
    fails("AccessDeniedException", bus_arn(B, "inbox"), events_a.put_targets, Rule="forward", Targets=[target])


def loops():
    part("two buses that send to each other")
    for events, account, here, there in ((events_a, A, "ping", "pong"), (events_b, B, "pong", "ping")):
        events.create_event_bus(Name=here)
        other = B if account == A else A
        events.put_permission(EventBusName=here, StatementId="o", Action="events:PutEvents", Principal=other)
    url = harness.make_queue(sqs_b, B, "seen", rule_arn(B, "on", "pong"))
    dead = harness.make_queue(sqs_b, B, "loop-dead", rule_arn(B, "on", "pong"))
    events_a.put_rule(Name="on", EventBusName="ping", EventPattern='{"source":["loop"]}')
    events_b.put_rule(Name="on", EventBusName="pong", EventPattern='{"source":["loop"]}')
    events_a.put_targets(Rule="on", EventBusName="ping", Targets=[{"Id": "bus", "Arn": bus_arn(B, "pong")}])
    back = {"Id": "bus", "Arn": bus_arn(A, "ping"), "DeadLetterConfig": {"Arn": queue_arn(B, "loop-dead")}}
    events_b.put_targets(Rule="on", EventBusName="pong", Targets=[back, {"Id": "q", "Arn": queue_arn(B, "seen")}])
    [event_id] = put(events_a, entry(1, bus="ping", source="loop"))
    equal(json.loads(receive(sqs_b, url)["Body"])["id"], event_id)
    letter = receive(sqs_b, dead)
    equal(attributes(letter)["ERROR_CODE"], "LOOP_DETECTED")
    expect_nothing(sqs_b, url, wait=1)
    equal(harness.metrics()["busbar_event_loops_total"], 1)


def secure():
    part("HTTPS with the development authority")
    endpoint, authority = os.environ["BUSBAR_SECURE_ENDPOINT"], os.environ["BUSBAR_CA"]
    events = harness.client("events", "a", endpoint, verify=authority)
    check(events.list_event_buses()["EventBuses"])
    sqs = harness.client("sqs", "a", endpoint, verify=authority)
    check(sqs.list_queues()["QueueUrls"][0].startswith(endpoint))
    part("HTTP/2 and HTTP/1.1 with curl")
    for option, version in (("--http2", "2"), ("--http1.1", "1.1")):
        command = ["curl", "-sS", option, "--cacert", authority, "-w", " %{http_version} %{http_code}", endpoint + "/readyz"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
        equal((done.returncode, done.stdout), (0, f"ok\n {version} 200"), done.stderr)
    part("HTTPS refuses what is no TLS, and a client without the authority refuses the node")
    bare = subprocess.run(["curl", "-sS", endpoint.replace("https", "http") + "/readyz"], capture_output=True, timeout=30)
    check(bare.returncode != 0, bare)
    unknown = subprocess.run(["curl", "-sS", endpoint + "/readyz"], capture_output=True, text=True, timeout=30)
    equal(unknown.returncode, 60, unknown)


def books():
    part("the books balance")
    # Design §2: accepted deliveries are delivered, dead-lettered, expired, dropped or waiting.
    def balanced():
        found = harness.metrics()

        def total(name):
            return sum(value for key, value in found.items() if key.startswith(name + "{"))

        ends = ["delivered_total", "dead_lettered_total", "dropped_total", "expired_total"]
        made = total("busbar_deliveries_created_total") + total("busbar_deliveries_recovered_total")
        ended = sum(total("busbar_deliveries_" + end) for end in ends)
        events = total("busbar_events_matched_total") + total("busbar_events_unmatched_total")
        return (
            made == ended + total("busbar_deliveries_waiting") and total("busbar_deliveries_waiting") == 0
            and events == total("busbar_events_accepted_total")
        )

    harness.until("the books balance", balanced)


for step in [shaping, dead_letters, buses_as_targets, loops, secure, books]:
    step()
