"""The disk fills up and becomes free again. The first argument is a file that may take all the space."""

import json
import os
import sys

import harness
from harness import B, bus_arn, check, entry, equal, part, queue_arn, rule_arn

filler = sys.argv[1]
events, owner, sqs = harness.client("events", "a"), harness.client("events", "b"), harness.client("sqs", "b")
acknowledged = {}
number = 0


def put():
    """One event; None when it was acknowledged, the error's code when it was refused."""
    global number
    number += 1
    try:
        answer = events.put_events(Entries=[entry(number, bus=bus_arn(B, "full"), source="full", filling="x" * 2_000)])
    except harness.ClientError as failure:
        status = failure.response["ResponseMetadata"]["HTTPStatusCode"]
        equal(status, 500, failure)
        return failure.response["Error"]["Code"]
    if answer["FailedEntryCount"]:
        return answer["Entries"][0]["ErrorCode"]
    acknowledged[number] = answer["Entries"][0]["EventId"]
    return None


def fill():
    """Takes the space there is, and reports how much."""
    taken, block = 0, b"\0" * (1 << 20)
    with open(filler, "wb", buffering=0) as file:
        try:
            while True:
                taken += file.write(block)
        except OSError:
            pass
    return taken


def waiting():
    return harness.metrics()[f'busbar_deliveries_waiting{{account="{B}",region="{harness.REGION}",bus="full"}}']


part("a route that works")
owner.create_event_bus(Name="full")
owner.put_permission(EventBusName="full", StatementId="a", Action="events:PutEvents", Principal=harness.A)
url = harness.make_queue(sqs, B, "full", rule_arn(B, "all", "full"))
owner.put_rule(Name="all", EventBusName="full", EventPattern='{"source":["full"]}')
owner.put_targets(Rule="all", EventBusName="full", Targets=[{"Id": "q", "Arn": queue_arn(B, "full")}])
for _ in range(50):
    equal(put(), None)

for turn in range(2):
    part("the disk fills up")
    print(f"{fill() >> 20} MB of filling", file=sys.stderr)
    code = harness.until("events are refused", put)
    check(code in ("InternalFailure", "InternalException"), code)
    refused = [put() for _ in range(20)]
    check(all(code in ("InternalFailure", "InternalException") for code in refused), refused)
    equal(harness.page("/livez")[0], 200)
    equal(harness.page("/readyz"), (503, "the disk is full\n"))
    check(owner.describe_event_bus(Name="full")["Policy"], "reading is refused too")

    part("space returns")
    os.unlink(filler)
    harness.until("events are taken", lambda: put() is None)
    for _ in range(50):
        equal(put(), None)
    equal(harness.page("/readyz")[0], 200)

part("nothing acknowledged is lost")
harness.until("all are delivered", lambda: waiting() == 0)
bodies = [json.loads(body) for body in harness.drain(sqs, url)]
found = {body["detail"]["number"]: body["id"] for body in bodies}
lost = [key for key, event_id in acknowledged.items() if found.get(key) != event_id]
check(not lost, f"{len(lost)} of {len(acknowledged)} are lost: {lost[:10]}")
print(f"{len(acknowledged)} acknowledged, {number - len(acknowledged)} refused, {len(bodies)} received", flush=True)
