"""Input that no client should send, through raw sockets: the right error, and the node goes on serving."""

import datetime
import json
import random
import socket
import sys
import urllib.parse

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

import harness
from harness import B, bus_arn, check, equal, part

address = urllib.parse.urlparse(harness.ENDPOINT)
host = f"{address.hostname}:{address.port}"
credentials = boto3.Session(profile_name="a").get_credentials()


def exchange(data, close_writing=False, timeout=20):
    """Sends bytes, and returns everything that comes back until the end or a whole answer."""
    with socket.create_connection((address.hostname, address.port), timeout=timeout) as connection:
        try:
            connection.sendall(data)
            if close_writing:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The node may refuse before it has read everything.
        answer = b""
        while not complete(answer):
            try:
                more = connection.recv(65536)
            except ConnectionResetError:
                break
            if not more:
                break
            answer += more
        return answer


def complete(answer):
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


def signed(operation, body, service="events", prefix="AWSEvents", headers=(), region=harness.REGION, when=None, edit=None):
    """The bytes of a signed request; `edit` may change its headers after signing."""
    request = AWSRequest("POST", harness.ENDPOINT + "/", data=body)
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = f"{prefix}.{operation}"
    for name, value in headers:
        request.headers[name] = value
    if when is None:
        SigV4Auth(credentials, service, region).add_auth(request)
    else:
        import botocore.auth

        class Clock(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return when

            @classmethod
            def now(cls, zone=None):
                return when.replace(tzinfo=zone)

        real = botocore.auth.datetime
        real_current = getattr(botocore.auth, "get_current_datetime", None)
        botocore.auth.datetime = type("Module", (), {"datetime": Clock})
        if real_current:
            botocore.auth.get_current_datetime = lambda *a, **k: when
        try:
            SigV4Auth(credentials, service, region).add_auth(request)
        finally:
            botocore.auth.datetime = real
            if real_current:
                botocore.auth.get_current_datetime = real_current
    fields = dict(request.headers.items())
    if edit:
        edit(fields)
    return raw(body, fields)


def raw(body, fields, method="POST", target="/"):
    lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"] + [f"{k}: {v}" for k, v in fields.items()]
    if "Content-Length" not in fields:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def parse(answer):
    """Status and error members of an answer."""
    check(answer.startswith(b"HTTP/1.1 "), f"no HTTP answer: {answer[:200]!r}")
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split(b" ")[1])
    try:
        error = json.loads(body)
    except ValueError:
        error = {}
    code = str(error.get("__type", "")).rpartition("#")[2]
    return status, code, error.get("message", "")


def refused(data, statuses, code, text="", **options):
    status, found, message = parse(exchange(data, **options))
    check(
        status in statuses and (code is None or found == code) and text in message,
        f"got {status} {found!r} {message[:300]!r}, expected {statuses} {code!r} {text!r}",
    )
    alive()


def alive():
    equal(harness.page("/livez"), (200, "ok\n"))


def body_of(*entries):
    return json.dumps({"Entries": list(entries)}).encode()


good = {"Source": "s", "DetailType": "d", "Detail": "{}"}


def malformed_bodies():
    part("malformed JSON")
    for body in [
        b"{", b"}", b"[]", b"nothing", b'{"Entries":', b'{"Entries":[}', b'"text"', b"\xff\xfe", b'{"a":"\xc3\x28"}',
        b'{"a":"\\ud800"', b'{"a":01}', b'{"a":tru}', b"{} {}", b"\x00" * 100,
    ]:
        refused(signed("PutEvents", body), [400], "SerializationException")
    part("deep nesting")
    for body in [
        b'{"Entries":' + b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    ]:
        refused(signed("PutEvents", body), [400], "SerializationException")
    detail = '{"a":' * 100_000 + "1" + "}" * 100_000
    status, _, _ = parse(exchange(signed("PutEvents", body_of({**good, "Detail": detail}))))
    equal(status, 200)
    events = harness.client("events", "a")
    answer = events.put_events(Entries=[{**good, "Detail": detail}, good])
    equal([e.get("ErrorCode") for e in answer["Entries"]], ["MalformedDetail", None])
    pattern = '{"a":' * 400 + "[1]" + "}" * 400
    for text in [pattern, '{"$or":[' * 300 + "{}" + "]}" * 300, "[" * 2000, '{"a":[{"b":' * 200]:
        refused(
            signed("PutRule", json.dumps({"Name": "r", "EventPattern": text}).encode()), [400],
            "InvalidEventPatternException",
        ) if text is not pattern else exchange(signed("PutRule", json.dumps({"Name": "r", "EventPattern": text}).encode()))
        alive()
    part("members of the wrong type")
    for body in [b'{"Entries":{}}', b'{"Entries":[1]}', b'{"Entries":"x"}', b'{"Entries":[{"Source":1}]}', b'{"Entries":[[]]}']:
        refused(signed("PutEvents", body), [400], "SerializationException")
    refused(signed("PutEvents", b"{}"), [400], "ValidationException", "at 'entries' failed to satisfy constraint")
    refused(signed("PutEvents", b'{"Entries":[]}'), [400], "ValidationException", "greater than or equal to 1")
    for name in [b'"\\u0000"', b'"\\ud800"', b'"\xe2\x80\xae"', b'"' + b"a" * 5_000 + b'"']:
        refused(signed("DescribeRule", b'{"Name":' + name + b"}"), [400], None)


def signatures():
    part("signatures")
    body = b"{}"

    def change(name, old, new):
        def edit(fields):
            check(old in fields[name], fields)
            fields[name] = fields[name].replace(old, new)

        return edit

    def remove(fields):
        del fields["Authorization"]

    def flip(fields):
        last = fields["Authorization"][-1]
        fields["Authorization"] = fields["Authorization"][:-1] + ("0" if last != "0" else "1")

    wrong = "The request signature we calculated does not match the signature you provided."
    refused(signed("ListEventBuses", body, edit=flip), [400], "InvalidSignatureException", wrong)
    tampered = signed("ListEventBuses", body).replace(b"\r\n\r\n{}", b"\r\n\r\n[]")
    refused(tampered, [400], "InvalidSignatureException", wrong)
    refused(
        signed("ListEventBuses", body, edit=remove), [400, 403], "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    )
    refused(
        signed("ListEventBuses", body, edit=change("Authorization", credentials.access_key, "AKIAUNKNOWN")), [400],
        "UnrecognizedClientException", "The security token included in the request is invalid.",
    )
    refused(
        signed("ListEventBuses", body, edit=change("Authorization", "Signature=", "Nothing=")), [400],
        "IncompleteSignatureException", "Authorization header requires 'Signature' parameter.",
    )
    refused(
        signed("ListEventBuses", body, service="lambda"), [400], "InvalidSignatureException",
        "Credential should be scoped to correct service: 'events'.",
    )
    for text in ["", "AWS4-HMAC-SHA256", "Basic eDp5", "AWS4-HMAC-SHA256 " + "Credential=" * 200, "\x7f" * 50]:
        refused(
            signed("ListEventBuses", body, edit=lambda fields: fields.update(Authorization=text)), [400, 403], None
        )
    part("targets in absolute form")
    # A proxy's client names the host in its target (RFC 9112 3.2.2); the signature covers the path and that host.
    for name, target in [("host", harness.ENDPOINT + "/"), ("host", harness.ENDPOINT), ("elsewhere", harness.ENDPOINT + "/")]:
        request = signed("ListEventBuses", body).replace(b"POST / ", f"POST {target} ".encode(), 1)
        if name == "elsewhere":
            request = request.replace(f"Host: {host}".encode(), b"Host: elsewhere.example", 1)
        answer = exchange(request)
        equal(parse(answer)[0], 200, (target, answer[:300]))
        check(b'"EventBuses":[' in answer, answer[:300])
    for target in [harness.ENDPOINT + "/other", harness.ENDPOINT + "/?x=1", "http://elsewhere.example/"]:
        request = signed("ListEventBuses", body).replace(b"POST / ", f"POST {target} ".encode(), 1)
        refused(request, [400], "InvalidSignatureException", wrong)
    part("a skewed clock")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    hour = datetime.timedelta(hours=1)
    refused(signed("ListEventBuses", body, when=now - hour), [400], "InvalidSignatureException", "Signature expired: ")
    refused(
        signed("ListEventBuses", body, when=now + hour), [400], "InvalidSignatureException", "Signature not yet current: "
    )
    refused(signed("ListEventBuses", body, edit=lambda f: f.update({"X-Amz-Date": "yesterday"})), [400], None)


def names():
    part("unknown operations and services")
    refused(signed("Nonsense", b"{}"), [400, 404], "UnknownOperationException", "Nonsense")
    refused(signed("ListEventBuses", b"{}", prefix="Nonsense"), [400, 404], "UnknownOperationException", "Nonsense")
    refused(signed("", b"{}"), [400, 404], "UnknownOperationException")
    part("bad ARNs and names")
    for name in ["arn:", "arn:aws:events", "arn:aws:events:us-east-1:1:event-bus/x", "arn:aws:sqs:us-east-1:1:x", "a b", "\u65e5\u672c", "../..", "a" * 2000, "event-bus/" * 100 + " "]:
        body = body_of({**good, "EventBusName": name})
        status, code, _ = parse(exchange(signed("PutEvents", body)))
        check((status, code) in [(400, "ValidationException"), (200, "")], name, status, code)
        if status == 200:
            check("/" not in name and " " not in name and name.isascii(), f"{name!r} is taken for a bus")
        for arn in [name, name + ":" * 500]:
            target = {"Rule": "r", "Targets": [{"Id": "t", "Arn": arn}]}
            refused(signed("PutTargets", json.dumps(target).encode()), [400], None)
            refused(signed("TagResource", json.dumps({"ResourceARN": arn, "Tags": []}).encode()), [400], None)


def sizes():
    part("too much")
    refused(
        signed("PutEvents", body_of(*[good] * 11)), [400], "ValidationException",
        "Member must have length less than or equal to 10",
    )
    # The text quotes all entries; so long an answer must come out whole and once.
    for _ in range(5):
        refused(
            signed("PutEvents", body_of(*[good] * 5_000)), [400], "ValidationException",
            "Member must have length less than or equal to 10",
        )
    refused(
        signed("PutEvents", body_of({**good, "Detail": json.dumps({"x": "y" * 1_048_576})})), [400],
        "ValidationException", "Total size of the entries in the request is over the limit.",
    )
    refused(signed("PutEvents", b'{"x":"' + b"y" * (40 << 20) + b'"}'), [413], None)
    refused(raw(b"", {"Content-Length": str(1 << 40)}), [413], None)
    refused(raw(b"", {"X-Filling": "y" * 1_000_000}, method="GET", target="/livez"), [400, 431], None)
    refused(raw(b"", {f"X-{n}": "y" for n in range(20_000)}, method="GET", target="/livez"), [400, 431], None)
    refused(raw(b"", {}, method="GET", target="/" + "y" * 1_000_000), [400, 414, 431], None)


def broken_http():
    part("broken HTTP")
    for data in [
        b"GET / HTTP/9.9\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n\r\n", b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: five\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
    ]:
        answer = exchange(data, close_writing=True)
        if answer and not data.startswith(b"PRI "):
            status = parse(answer)[0]
            check(400 <= status < 600, data, answer[:200])
        alive()
    whole = signed("ListEventBuses", b"{}")
    for length in [1, 10, len(whole) // 2, len(whole) - 1]:
        answer = exchange(whole[:length], close_writing=True)
        check(b" 200 " not in answer[:20], f"an answer to {length} of {len(whole)} bytes: {answer[:100]!r}")
        alive()
    part("random bytes")
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}", file=sys.stderr)
    generator = random.Random(seed)
    for _ in range(50):
        exchange(generator.randbytes(generator.randrange(1, 3_000)), close_writing=True)
    for _ in range(50):
        changed = bytearray(whole)
        for _ in range(generator.randrange(1, 6)):
            changed[generator.randrange(len(changed))] = generator.randrange(256)
        exchange(bytes(changed), close_writing=True)
    alive()


def still_serving():
    part("the node still serves")
    events, sqs = harness.client("events", "b"), harness.client("sqs", "b")
    events.create_event_bus(Name="after")
    url = harness.make_queue(sqs, B, "after")
    events.put_rule(Name="all", EventBusName="after", EventPattern='{"source":["shop"]}')
    events.put_targets(Rule="all", EventBusName="after", Targets=[{"Id": "q", "Arn": harness.queue_arn(B, "after")}])
    [event_id] = harness.put(events, harness.entry(1, bus=bus_arn(B, "after")))
    equal(json.loads(harness.receive(sqs, url)["Body"])["id"], event_id)


for step in [malformed_bodies, signatures, names, sizes, broken_http, still_serving]:
    step()
