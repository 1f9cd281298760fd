"""An edge that only dials out: events reach it through its uplink, and wait on both sides while the link is down."""

import json
import os

import cluster
import harness
from harness import bus_arn, check, entry, equal, part, put, queue_arn, receive, until

EDGE, CENTRE, PARTNER = "111122223333", "444455556666", "777788889999"

centre = cluster.Node("central", "central-1", [CENTRE], gossip={}).start()
partner = cluster.Node("partner", "partner-1", [PARTNER], gossip={"seeds": [centre.peer_address]}).start()
edge = cluster.Node(
    "edge", "edge-1", [EDGE], peers=False, cells=[centre.as_cell],
    uplink={"seeds": [centre.peer_address], "drainEventsPerSecond": 500, "queueEvents": 40, "compression": "always"},
).start()
until("the uplink is up", lambda: [u["accounts"] for u in centre.get("/cluster")["uplinks"]] == [[EDGE]], 30)
equal(edge.get("/cluster")["role"], "edge")


def bus_in(node, account, source):
    """A bus `in` that lets the other account in, and a queue that keeps what comes."""
    events, sqs = node.client("events", account), node.client("sqs", account)
    events.create_event_bus(Name="in")
    events.put_permission(EventBusName="in", StatementId="other", Action="events:PutEvents", Principal=source)
    url = harness.make_queue(sqs, account, "in")
    cluster.route(events, account, "in", "keep", queue_arn(account, "in"))
    return sqs, url


def queue_of(node, account):
    """The queue again, after the node has other ports or other connections."""
    sqs = node.client("sqs", account)
    return sqs, sqs.get_queue_url(QueueName="in")["QueueUrl"]


def arrive(sqs, url, ids):
    """Receives until all of these are there."""
    found = set()
    while not ids <= found:
        found.add(json.loads(receive(sqs, url, wait=20)["Body"])["id"])


at_edge = bus_in(edge, EDGE, CENTRE)
at_centre = bus_in(centre, CENTRE, EDGE)
down = centre.client("events", CENTRE)
up = edge.client("events", EDGE)
cluster.route(down, CENTRE, "default", "down", bus_arn(EDGE, "in"))
cluster.route(up, EDGE, "default", "up", bus_arn(CENTRE, "in"))

part("through the uplink, and over a link that the edge dials")
arrive(*at_edge, set(put(down, entry(1))))
arrive(*at_centre, set(put(up, entry(2))))
check("edge-1 through its uplink" in centre.run("map"), centre.run("map"))

part("what is sent is compressed once the centre has said that it takes that")
arrive(*at_centre, set(put(up, *[entry(n) for n in range(60, 70)])))
figures = edge.metrics()
before, after = (figures[f'busbar_forward_compression_bytes_total{{side="{side}"}}'] for side in ("before", "after"))
check(0 < after < before, before, after)
equal(centre.metrics()["busbar_peer_frames_compressed_total"], figures["busbar_forward_compressed_requests_total"])

part("a walk asks the other cell, over the link and through the uplink")
event_file = os.path.join(harness.WORK, "event.json")
with open(event_file, "w") as file:
    json.dump({"source": "shop", "detail-type": "order", "detail": {"number": 1}}, file)


def walk(node, account, bus):
    return node.run("policy", "simulate", "--event", event_file, "--from", account, "--bus", bus)


for node, account in ((edge, EDGE), (centre, CENTRE)):
    tree = walk(node, account, bus_arn(account, "default"))
    check("accepted there" in tree, tree)
equal([node.metrics()["busbar_peer_questions_total"] for node in (edge, centre)], [1, 1])
refused = walk(edge, EDGE, bus_arn(CENTRE, "default"))
check("refused there" in refused and "not authorized" in refused, refused)
for node, principal, owner in ((edge, EDGE, CENTRE), (centre, CENTRE, EDGE)):
    question = ["--principal", principal, "--action", "events:PutEvents", "--resource", bus_arn(owner, "in")]
    told = node.run("policy", "explain", *question)
    check(told.startswith("that cell was asked: its policy lets the event in"), told)

part("the centre has gossip say that the edge is there, and how it is reached")


def edges(node):
    """The state of each edge in this node's view, with the nodes that hold its uplinks."""
    return {
        e["node"].rpartition("/")[2]: (e["state"], [s.rpartition("/")[2] for s in e["sponsors"]])
        for e in node.get("/cluster")["edges"]
    }


attached = {"edge-1": ("attached", ["central-1"])}
until("the partner hears of the edge", lambda: edges(partner) == attached, 60)
table = partner.run("cluster", "members")
check("2 members, 1 edge" in table and "via central-1" in table and EDGE in table, table)
answer = partner.client("events", PARTNER).put_events(Entries=[entry(3, bus=bus_arn(EDGE, "in"))])["Entries"][0]
check("reached only through central-1 of cell central" in answer.get("ErrorMessage", ""), answer)
tree = walk(partner, PARTNER, bus_arn(EDGE, "in"))
check("decided there" in tree and "reached only through central-1 of cell central" in tree, tree)

part("the edge is away: events for it wait at the centre, and arrive when it is back")
edge.kill()
until("the centre knows", lambda: not centre.get("/cluster")["uplinks"], 60)
until("the partner knows", lambda: edges(partner) == {"edge-1": ("away", [])}, 60)
ids = {put(down, entry(n))[0] for n in range(10, 15)}
edge.start()
arrive(*queue_of(edge, EDGE), ids)
until("the partner hears that it is back", lambda: edges(partner) == attached, 60)

part("the centre is away: the edge takes events until its queue is full, and then says so")
up = edge.client("events", EDGE)
centre.kill()
ids = {put(up, entry(n))[0] for n in range(20, 40)}


def is_refused():
    answer = up.put_events(Entries=[entry(99)])["Entries"][0]
    if "EventId" in answer:
        ids.add(answer["EventId"])
        return None
    return answer


refusal = until("a refusal of the full queue", is_refused, 30)
check(refusal["ErrorCode"] and refusal["ErrorMessage"], refusal)

part("the centre is back, and the backlog drains")
centre.start()
arrive(*queue_of(centre, CENTRE), ids)
print(f"figures queued={len(ids)} refusal={refusal['ErrorCode']}")
