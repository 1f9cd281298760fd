"""Ten processes on loopback find each other; one is killed and noticed, one is paused and resumed without a lasting false death."""

import signal
import time

import cluster
import harness
from harness import check, until

COUNT = 10
first = cluster.Node("cell-0", "node-0", ["100000000000"], gossip={}).start()
seeds = [first.peer_address]
others = [
    cluster.Node(f"cell-{n}", f"node-{n}", [f"10000000000{n}"], gossip={"seeds": seeds}) for n in range(1, COUNT)
]
cluster.start_all(others)
nodes = [first, *others]


def all_see(watchers, expected):
    return all(node.states() == expected for node in watchers)


harness.part("ten processes converge")
began = time.monotonic()
alive = {node.name: "alive" for node in nodes}
until("everyone is alive in every view", lambda: all_see(nodes, alive), 60)
print(f"figures converged after {time.monotonic() - began:.1f} s")
check("10 members" in first.run("cluster", "members"), first.run("cluster", "members"))

harness.part("one is killed, and all notice")
victim = nodes[3]
rest = [node for node in nodes if node is not victim]
began = time.monotonic()
victim.kill()
until("the killed node is dead in every view", lambda: all_see(rest, alive | {victim.name: "dead"}), 60)
print(f"figures death noticed by all after {time.monotonic() - began:.1f} s")

for node in rest:
    harness.equal(harness.page("/readyz", node.admin_url), (200, "ok\n"), "gossip makes no node unready")

harness.part("it comes back")
victim.start()
until("it is alive in every view", lambda: all_see(nodes, alive), 60)

harness.part("one is paused until some view suspects it, and resumed")
sleeper = nodes[5]
rest = [node for node in nodes if node is not sleeper]
sleeper.signal(signal.SIGSTOP)
until("someone misses it", lambda: any(node.states().get(sleeper.name) != "alive" for node in rest), 60)
sleeper.signal(signal.SIGCONT)
until("it is alive in every view, and so is everyone in its own", lambda: all_see(nodes, alive), 60)
for node in rest:
    others_lost = [e for e in node.get("/cluster/events?after=0")["events"] if e["kind"] == "died"]
    names = {e["text"].partition(" ")[0].rpartition("/")[2] for e in others_lost}
    check(names <= {victim.name, sleeper.name}, node.name, others_lost)
equal_own = sleeper.states()
check(equal_own == alive, equal_own)

harness.part("a key ring is replaced on all nodes, without a suspicion")


def suspicions():
    return sum(node.metrics()['busbar_membership_suspicions_total{step="raised"}'] for node in nodes)


before = suspicions()
admins = [word for node in nodes[1:] for word in ("--admin", node.admin_url)]
rotated = first.run("cluster", "keys", "rotate", *admins)
check("10 nodes" in rotated, rotated)
keys = {tuple(node.get("/cluster")["keys"]) for node in nodes}
check(len(keys) == 1 and len(next(iter(keys))) == 1, keys)
until("another round of probes went well", lambda: all_see(nodes, alive), 30)
harness.equal(suspicions(), before, "suspicions during the rotation")

harness.part("the authority is replaced under all nodes, without a suspicion")


def deaths():
    return sum(node.metrics()["busbar_membership_deaths_total"] for node in nodes)


def unheard():
    """Datagrams and claims that were dropped for the certificate that signed them."""
    reasons = ("unentitled", "stranger", "forged")
    pages = [node.metrics() for node in nodes]
    return {r: sum(p[f'busbar_membership_dropped_total{{reason="{r}"}}'] for p in pages) for r in reasons}


before = (suspicions(), deaths(), unheard())


def certificates():
    """What each node holds each other's certificate to be."""
    return [{m["node"]: m["certificate"] for m in node.get("/cluster")["members"]} for node in nodes]


def await_reload(change):
    """Changes files, and waits until every node has taken them into use."""
    series = "busbar_certificate_reloads_total"
    counts = [node.metrics()[series] for node in nodes]
    change()
    until("new files are in use", lambda: all(n.metrics()[series] > c for n, c in zip(nodes, counts)), 60)


former = certificates()[0]
await_reload(lambda: cluster.rotate_authority("begin"))
await_reload(lambda: cluster.renew(nodes))
until(
    "every node knows the new certificates of all",
    lambda: all(v == certificates()[0] and not set(v.values()) & set(former.values()) for v in certificates()),
    60,
)
await_reload(lambda: cluster.rotate_authority("end"))
until("everyone is alive in every view", lambda: all_see(nodes, alive), 60)
until("another round of probes went well", lambda: all_see(nodes, alive), 30)
harness.equal((suspicions(), deaths(), unheard()), before, "suspicions, deaths and drops during the change of authority")

harness.part("one is revoked, and every other one ejects it")
revoked = nodes[9]
rest = [node for node in nodes if node is not revoked]
began = time.monotonic()
cluster.revoke(revoked)
until("it is ejected from every view", lambda: all_see(rest, alive | {revoked.name: "ejected"}), 60)
print(f"figures revoked certificate ejected by all after {time.monotonic() - began:.1f} s")
revoked.kill()
nodes.remove(revoked)
alive[revoked.name] = "ejected"

harness.part("one leaves")
leaver = nodes[7]
leaver.stop()
rest = [node for node in nodes if node is not leaver]
until("it has left in every view", lambda: all_see(rest, alive | {leaver.name: "left"}), 30)
