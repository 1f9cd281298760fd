"""PutEvents with ten entries, signed, to one rule and one queue, durable.

Starts a release `busbar dev` for each measurement, loads it with h2load from the same machine, and checks in the end by
the node's own counters that every accepted event was delivered. Run by deploy/bench.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

ACCOUNT = "111122223333"
REGION = "us-east-1"
ENTRIES = 10
EVENT_BYTES = 1_200
# A signature is good for five minutes, so a measurement must be shorter.
LONGEST_SECONDS = 240


class Node:
    """A `busbar dev` process on fresh data."""

    def __init__(self, options):
        self.data = os.path.join(options.directory, "data")
        shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(self.data)
        self.log = open(os.path.join(options.directory, "node.log"), "w", encoding="utf-8")
        command = [options.busbar, "dev", "--data", self.data, "--port", "0", "--certs", options.certs, "--log", "warning"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.http = self.https = None
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["HTTP"]:
                self.http = words[1]
            elif words[:1] == ["HTTPS"]:
                self.https = words[1]
            elif "list-event-buses" in line:
                break
        if not self.http or not self.https or not self.https.startswith("https:"):
            self.stop()
            raise SystemExit(f"the node did not start; see {self.log.name}")
        os.environ["AWS_CONFIG_FILE"] = os.path.join(self.data, "aws", "config")
        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.path.join(self.data, "aws", "credentials")
        self.session = boto3.Session(profile_name="a")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def make_route(self):
        events, sqs = self.session.client("events"), self.session.client("sqs")
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:bench"
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
                    "Resource": queue,
                }
            ],
        }
        sqs.create_queue(QueueName="bench", Attributes={"Policy": json.dumps(policy)})
        events.put_rule(Name="bench", EventPattern='{"source":["bench"],"detail":{"kind":["measured"]}}')
        events.put_targets(Rule="bench", Targets=[{"Id": "queue", "Arn": queue}])

    def metrics(self):
        with urllib.request.urlopen(self.http + "/metrics", timeout=30) as answer:
            lines = answer.read().decode().splitlines()
        values = {}
        for line in lines:
            if line and line[0] != "#":
                name, _, value = line.partition("{")[0].rpartition(" ") if "{" not in line else (
                    line.partition("{")[0], "", line.rpartition(" ")[2]
                )
                values[name] = values.get(name, 0) + int(value)
        return values

    def cpu_seconds(self):
        """User and system time of the process so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_megabytes(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1]) / 1024
        return 0


def request_body():
    """Ten entries whose delivered events are about 1.2 KB each."""
    detail = {
        "kind": "measured", "order": 4711, "price": 19.99, "customer": {"id": "c-1234", "tier": "gold"},
        "items": [{"sku": f"sku-{n}", "count": n} for n in range(5)], "note": "",
    }
    envelope = 260
    detail["note"] = "n" * (EVENT_BYTES - envelope - len(json.dumps(detail)))
    entry = {
        "Source": "bench", "DetailType": "measured", "Detail": json.dumps(detail, separators=(",", ":")),
        "Resources": ["bench-resource"],
    }
    return json.dumps({"Entries": [entry] * ENTRIES}, separators=(",", ":")).encode()


def signed_headers(node, url, body):
    request = AWSRequest("POST", url + "/", data=body)
    request.headers["Content-Type"] = "application/x-amz-json-1.1"
    request.headers["X-Amz-Target"] = "AWSEvents.PutEvents"
    SigV4Auth(node.session.get_credentials(), "events", REGION).add_auth(request)
    return {name.lower(): value for name, value in request.headers.items()}


def load(node, options, protocol, connections, seconds, log):
    """Runs h2load, and returns what its log says: start, status and duration of each request in microseconds."""
    url = node.http if protocol == "http/1.1" else node.https
    body = request_body()
    body_file = os.path.join(options.directory, "body.json")
    with open(body_file, "wb") as file:
        file.write(body)
    if os.path.exists(log):
        os.unlink(log)
    command = ["h2load", "-D", str(seconds), "-c", str(connections), "-t", "1", "-d", body_file, "--log-file", log]
    command += ["--h1"] if protocol == "http/1.1" else ["-m", str(options.streams)]
    for name, value in signed_headers(node, url, body).items():
        command += ["-H", f"{name}: {value}"]
    done = subprocess.run(command + [url + "/"], capture_output=True, text=True, timeout=LONGEST_SECONDS + 60)
    if done.returncode != 0:
        raise SystemExit(f"h2load failed: {done.stdout}{done.stderr}")
    rows = []
    with open(log, encoding="ascii") as file:
        for line in file:
            rows.append(tuple(int(word) for word in line.split()))
    if not rows:
        raise SystemExit(f"h2load made no request: {done.stdout}{done.stderr}")
    return rows


def settle(node, seconds=120):
    """Waits until all deliveries are over; returns how long that took."""
    started, pause = time.monotonic(), threading.Event()
    while node.metrics()["busbar_deliveries_waiting"] > 0:
        if time.monotonic() - started > seconds:
            raise SystemExit("deliveries do not end")
        pause.wait(0.02)
    return time.monotonic() - started


def measure(options, protocol, connections):
    node = Node(options)
    log = os.path.join(options.directory, "requests.log")
    try:
        node.make_route()
        idle = node.memory_megabytes("VmRSS")
        load(node, options, protocol, connections, 1, log)
        settle(node)
        before, cpu = node.metrics(), node.cpu_seconds()
        rows = load(node, options, protocol, connections, options.seconds, log)
        lag = settle(node)
        after, cpu = node.metrics(), node.cpu_seconds() - cpu
        resident, peak = node.memory_megabytes("VmRSS"), node.memory_megabytes("VmHWM")
    finally:
        node.stop()
    difference = {name: after[name] - before.get(name, 0) for name in after}
    accepted = difference["busbar_events_accepted_total"]
    delivered = difference["busbar_deliveries_delivered_total"]
    bad = [row for row in rows if row[1] != 200]
    if bad:
        raise SystemExit(f"{len(bad)} of {len(rows)} requests failed, for example with status {bad[0][1]}")
    if accepted != delivered or accepted < len(rows) * ENTRIES:
        raise SystemExit(f"{len(rows) * ENTRIES} answered, {accepted} accepted, {delivered} delivered: not the same")
    durations = sorted(row[2] for row in rows)
    span = max(row[0] + row[2] for row in rows) - min(row[0] for row in rows)
    return {
        "benchmark": "put", "protocol": protocol, "tls": protocol == "h2", "connections": connections,
        "streams": options.streams if protocol == "h2" else 1, "entries": ENTRIES, "event_bytes": EVENT_BYTES,
        "seconds": options.seconds, "events": accepted,
        "events_per_second": round(len(rows) * ENTRIES / (span / 1e6)),
        "cpu_us_per_event": round(cpu * 1e6 / accepted, 2),
        "p50_ms": round(durations[len(durations) // 2] / 1000, 2),
        "p99_ms": round(durations[len(durations) * 99 // 100] / 1000, 2),
        "deliveries_after_seconds": round(lag, 2), "idle_mb": round(idle, 1), "resident_mb": round(resident, 1),
        "peak_mb": round(peak, 1),
    }


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench put", description=__doc__)
    parser.add_argument("--busbar", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--certs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--directory", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement (6)")
    parser.add_argument("--connections", default="1,8,32", help="numbers of connections (1,8,32)")
    parser.add_argument("--streams", type=int, default=4, help="requests at a time on an HTTP/2 connection (4)")
    options = parser.parse_args()
    if not 1 <= options.seconds <= LONGEST_SECONDS:
        parser.error(f"--seconds must be from 1 to {LONGEST_SECONDS}")
    os.makedirs(options.directory, exist_ok=True)
    if not options.json:
        print("protocol  connections  events/s  CPU us/event  p50 ms  p99 ms  resident MB  peak MB", flush=True)
    for protocol in ("http/1.1", "h2"):
        for connections in (int(word) for word in options.connections.split(",")):
            print(f"measuring {protocol} with {connections} connections", file=sys.stderr, flush=True)
            found = measure(options, protocol, connections)
            if options.json:
                print(json.dumps(found), flush=True)
            else:
                print(
                    f"{protocol:8}  {connections:11}  {found['events_per_second']:8}  {found['cpu_us_per_event']:12}  "
                    f"{found['p50_ms']:6}  {found['p99_ms']:6}  {found['resident_mb']:11}  {found['peak_mb']:7}",
                    flush=True,
                )


main()
