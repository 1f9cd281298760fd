"""Two cells: an event crosses from one account to another if and only if the receiving side's policy says so."""

import json

import cluster
import harness
from harness import bus_arn, check, entry, equal, part, put, queue_arn, receive, until

SHOP, BOOKS = "111122223333", "444455556666"

part("two nodes that know each other by configuration")
books = cluster.Node("books", "books-1", [BOOKS]).start()
shop = cluster.Node("shop", "shop-1", [SHOP], cells=[books.as_cell]).start()
sender, receiver = shop.client("events", SHOP), books.client("events", BOOKS)
queues = books.client("sqs", BOOKS)

receiver.create_event_bus(Name="in")
url = harness.make_queue(queues, BOOKS, "in")
cluster.route(receiver, BOOKS, "in", "all", queue_arn(BOOKS, "in"))
dead = shop.client("sqs", SHOP)
dead_url = harness.make_queue(dead, SHOP, "dead")
sender.put_rule(Name="out", EventPattern='{"source":["shop"]}')
sender.put_targets(
    Rule="out",
    Targets=[{"Id": "t", "Arn": bus_arn(BOOKS, "in"), "DeadLetterConfig": {"Arn": queue_arn(SHOP, "dead")}}],
)

part("without a policy the event is refused, and comes back with the reason")
put(sender, entry(1))
letter = receive(dead, dead_url, wait=20)
attributes = {k: v["StringValue"] for k, v in letter["MessageAttributes"].items()}
check("not authorized" in attributes["ERROR_MESSAGE"], attributes)
harness.expect_nothing(queues, url)

part("with a policy the next event crosses, bytes untouched")
receiver.put_permission(EventBusName="in", StatementId="shop", Action="events:PutEvents", Principal=SHOP)
[event_id] = put(sender, entry(2))
body = json.loads(receive(queues, url, wait=20)["Body"])
equal((body["id"], body["account"], body["detail"]["number"]), (event_id, SHOP, 2))

part("a direct put to the other cell's bus is decided there")
[direct] = put(sender, entry(3, bus=bus_arn(BOOKS, "in")))
body = json.loads(receive(queues, url, wait=20)["Body"])
equal((body["id"], body["detail"]["number"]), (direct, 3))
receiver.remove_permission(EventBusName="in", StatementId="shop")
harness.fails("AccessDeniedException", "not authorized", sender.put_events, Entries=[entry(4, bus=bus_arn(BOOKS, "in"))])
receiver.put_permission(EventBusName="in", StatementId="shop", Action="events:PutEvents", Principal=SHOP)

part("the map shows who may, by which statement, over which link")
drawing = books.run("map")
check('from 111122223333' in drawing and '"shop"' in drawing, drawing)
check("cell books: books-1" in shop.run("map"), shop.run("map"))

part("the receiver is killed; events wait at the sender and arrive when it is back")
books.kill()
ids = {put(sender, entry(10 + n))[0] for n in range(5)}
until("events wait", lambda: shop.metrics().get(f'busbar_deliveries_waiting{{account="{SHOP}",region="us-east-1",bus="default"}}') == 5)
books.start()
queues = books.client("sqs", BOOKS)
url = queues.get_queue_url(QueueName="in")["QueueUrl"]
found = set()
while not ids <= found:
    found.add(json.loads(receive(queues, url, wait=20)["Body"])["id"])
# The crash may have repeated what was delivered just before it, and nothing else.
check(found <= ids | {event_id, direct}, found)

part("the books of both sides balance")
for node, account, bus in ((shop, SHOP, "default"), (books, BOOKS, "in")):
    labels = f'{{account="{account}",region="us-east-1",bus="{bus}"}}'
    m = {k: v for k, v in node.metrics().items() if labels in k}
    total = lambda *names: sum(m.get(f"busbar_deliveries_{n}{labels}", 0) for n in names)
    equal(
        total("created_total", "recovered_total"),
        total("delivered_total", "dead_lettered_total", "expired_total", "dropped_total", "waiting"),
        f"books of {bus}",
    )
