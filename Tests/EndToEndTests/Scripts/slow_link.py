"""Two cells with a slow link between them: the sender notices, compresses its batches, and every event arrives as it was put."""

import json
import socket
import threading

import cluster
import harness
from harness import bus_arn, check, equal, part, queue_arn, until

SHOP, BOOKS = "111122223333", "444455556666"
BYTES_PER_SECOND = 400_000
CALLS_AT_MOST = 100


class SlowLink:
    """A relay on loopback that passes on so many bytes a second of what a client sends, and answers at full speed."""

    PIECE = 8_192

    def __init__(self, port):
        self.target = port
        self.passed = 0
        self.pause = threading.Event()
        self.listener = socket.socket()
        # What waits must wait at the sender, and not in buffers of this relay.
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * self.PIECE)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self._run(self._accept)

    def _run(self, body, *arguments):
        threading.Thread(target=body, args=arguments, daemon=True).start()

    def _accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.target))
            self._run(self._relay, client, server, BYTES_PER_SECOND)
            self._run(self._relay, server, client, None)

    def _relay(self, source, sink, rate):
        try:
            while piece := source.recv(self.PIECE):
                sink.sendall(piece)
                if rate:
                    self.passed += len(piece)
                    self.pause.wait(len(piece) / rate)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


part("two nodes, with a relay between them that passes on 400 KB a second")
books = cluster.Node("books", "books-1", [BOOKS]).start()
link = SlowLink(books.ports["peers"])
way = books.as_cell
way["nodes"][0]["address"] = f"127.0.0.1:{link.port}"
shop = cluster.Node("shop", "shop-1", [SHOP], cells=[way]).start()
sender, receiver = shop.client("events", SHOP), books.client("events", BOOKS)
queues = books.client("sqs", BOOKS)
receiver.create_event_bus(Name="in")
receiver.put_permission(EventBusName="in", StatementId="shop", Action="events:PutEvents", Principal=SHOP)
url = harness.make_queue(queues, BOOKS, "in")
cluster.route(receiver, BOOKS, "in", "all", queue_arn(BOOKS, "in"))
cluster.route(sender, SHOP, "default", "out", bus_arn(BOOKS, "in"))


def detail(number):
    """20 KB that differ from event to event and that zlib makes smaller."""
    return {"number": number, "lines": [f"order {number * 7919 + n * 104729:012d} of the shop, paid" for n in range(480)]}


def compressed():
    return shop.metrics()["busbar_forward_compressed_requests_total"]


part("more is put than the link can take, until batches are compressed")
put = {}


def fill():
    for call in range(CALLS_AT_MOST):
        numbers = range(call * 10, call * 10 + 10)
        entries = [{"Source": "shop", "DetailType": "order", "Detail": json.dumps(detail(n))} for n in numbers]
        for number, event in zip(numbers, harness.put(sender, *entries)):
            put[event] = number
        if call % 5 == 4 and compressed():
            return
    until("batches are compressed", compressed, 60)


fill()
check(any(c["isCompressing"] for c in shop.get("/cluster")["links"]), shop.get("/cluster"))

part("every event arrives as it was put")
found = {}


def all_arrived():
    for body in harness.drain(queues, url, wait=1):
        event = json.loads(body)
        check(event["id"] in put, "an event that nobody put", event["id"])
        equal(event["detail"], detail(put[event["id"]]), event["id"])
        found[event["id"]] = found.get(event["id"], 0) + 1
    return len(found) == len(put)


until("every event", all_arrived, 10)
equal(sum(found.values()), len(put), "messages")

part("both sides tell of it, and the link carried less than the events weigh")
figures = shop.metrics()
before, after = (figures[f'busbar_forward_compression_bytes_total{{side="{side}"}}'] for side in ("before", "after"))
check(0 < after < before / 2, before, after)
requests = figures["busbar_forward_compressed_requests_total"]
frames = books.metrics()["busbar_peer_frames_compressed_total"]
check(0 < frames <= requests, frames, requests)
print(f"figures events={len(put)} compressed={requests} before={before} after={after} passed={link.passed}")
