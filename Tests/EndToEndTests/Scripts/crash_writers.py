"""Writers that go on while the node is killed and restarted.

Standard input has a line for every change: `down` (the node is gone), `up ENDPOINT` (it serves again), `stop`.
Standard output has a line `acknowledged N` now and then. At the end the queue is read, and every acknowledged event must
be in it; a line of figures is printed.
"""

import collections
import json
import sys
import threading

import harness
from harness import B, REGION, bus_arn, queue_arn, rule_arn

WRITERS = 4


class Node:
    """Where the node is, or None while it is away."""

    def __init__(self):
        self.condition = threading.Condition()
        self.endpoint = harness.ENDPOINT
        self.generation = 0
        self.stopped = False
        self.acknowledged = {}
        self.put = 0
        self.failures = collections.Counter()

    def change(self, endpoint=None, stopped=False):
        with self.condition:
            self.endpoint = endpoint
            self.generation += 1
            self.stopped = stopped
            self.condition.notify_all()

    def await_endpoint(self, after):
        """The endpoint of a generation later than `after`, or the same when the node is there; None at the end."""
        with self.condition:
            self.condition.wait_for(lambda: self.stopped or (self.endpoint and self.generation > after), timeout=120)
            return (None, self.generation) if self.stopped else (self.endpoint, self.generation)


node = Node()


def write(writer):
    """Puts numbered events; an entry counts as acknowledged only when its answer came."""
    number, seen = 0, -1
    while True:
        endpoint, seen = node.await_endpoint(seen)
        if endpoint is None:
            return
        events = harness.client("events", "a", endpoint)
        while not node.stopped:
            keys = [f"{writer}-{number + i}" for i in range(5)]
            number += 5
            entries = [
                {
                    "Source": "crash", "DetailType": "numbered", "EventBusName": bus_arn(B, "crash"),
                    "Detail": json.dumps({"key": key, "filling": "x" * 300}),
                }
                for key in keys
            ]
            try:
                answer = events.put_events(Entries=entries)
            except Exception as failure:  # Whatever a client sees when its server dies.
                with node.condition:
                    node.failures[type(failure).__name__] += 1
                    node.put += len(keys)
                break  # The news of the node's end is on its way.
            with node.condition:
                node.put += len(keys)
                for key, result in zip(keys, answer["Entries"]):
                    if "EventId" in result:
                        node.acknowledged[key] = result["EventId"]
                    else:
                        node.failures[result["ErrorCode"]] += 1
                count = len(node.acknowledged)
            if count % 20 < 5:
                print(f"acknowledged {count}", flush=True)


def listen():
    for line in sys.stdin:
        words = line.split()
        if words[0] == "down":
            node.change()
        elif words[0] == "up":
            node.change(words[1])
        elif words[0] == "stop":
            final = node.endpoint
            node.change(stopped=True)
            return final
    raise AssertionError("standard input ended early")


def prepare():
    events, sqs = harness.client("events", "b"), harness.client("sqs", "b")
    events.create_event_bus(Name="crash")
    events.put_permission(EventBusName="crash", StatementId="a", Action="events:PutEvents", Principal=harness.A)
    harness.make_queue(sqs, B, "crash", rule_arn(B, "all", "crash"))
    events.put_rule(EventBusName="crash", Name="all", EventPattern='{"source":["crash"]}')
    events.put_targets(EventBusName="crash", Rule="all", Targets=[{"Id": "q", "Arn": queue_arn(B, "crash")}])


def settled(endpoint):
    """All deliveries are over."""
    waiting = f'busbar_deliveries_waiting{{account="{B}",region="{REGION}",bus="crash"}}'
    return harness.metrics(endpoint).get(waiting) == 0


def judge(endpoint):
    harness.until("deliveries end", lambda: settled(endpoint), seconds=60)
    sqs = harness.client("sqs", "b", endpoint)
    bodies = [json.loads(body) for body in harness.drain(sqs, f"{endpoint}/{B}/crash")]
    copies = collections.Counter(event["detail"]["key"] for event in bodies)
    ids = {event["detail"]["key"]: event["id"] for event in bodies}
    lost = sorted(key for key in node.acknowledged if key not in copies)
    repeats = sum(count - 1 for count in copies.values())
    figures = {
        "put": node.put, "acknowledged": len(node.acknowledged), "received": len(bodies), "lost": len(lost),
        "repeats": repeats, "unacknowledged but delivered": len(set(copies) - set(node.acknowledged)),
        "failures": dict(node.failures),
    }
    print("figures " + json.dumps(figures), flush=True)
    harness.check(not lost, f"{len(lost)} acknowledged events are lost, for example {lost[:5]}")
    other = [key for key, event_id in node.acknowledged.items() if ids[key] != event_id]
    harness.check(not other, f"{len(other)} events came with another id, for example {other[:5]}")
    # A repeat is a delivery whose note of success a crash outran: the last fractions of a second before each.
    harness.check(repeats <= len(node.acknowledged) // 4 + 100, f"{repeats} repeats")


def main():
    prepare()
    writers = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    endpoint = listen()
    for writer in writers:
        writer.join(60)
        harness.check(not writer.is_alive(), "a writer hangs")
    harness.check(len(node.acknowledged) > 100, f"only {len(node.acknowledged)} acknowledged")
    harness.check("ClientError" not in node.failures, node.failures)
    judge(endpoint)


main()
