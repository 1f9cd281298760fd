"""Attacks on the API listener of a real process over TLS: it stays small, spends little, and serves others meanwhile.

usage: abuse.py PROCESS
"""

import os
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

import boto3

import harness
from harness import check, metrics, part

process = sys.argv[1]
address = urllib.parse.urlparse(os.environ["BUSBAR_SECURE_ENDPOINT"])
context = ssl.create_default_context(cafile=os.environ["BUSBAR_CA"])
context.set_alpn_protocols(["h2"])
MEGABYTE = 1 << 20
SECONDS = 3
# Static table: GET, https, / (RFC 7541 appendix A), and `host` as a literal :authority.
REQUEST = bytes([0x82, 0x87, 0x84, 0x41, 9]) + b"localhost"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    """A frame (RFC 9113 §4.1)."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def rapid_reset(number):
    stream = 2 * number + 1
    return frame(1, 5, stream, REQUEST) + frame(3, 0, stream, struct.pack(">I", 8))


def ping_flood(number):
    return frame(6, 0, 0, struct.pack(">Q", number))


def settings_flood(number):
    return frame(4, 0, 0)


def resident():
    """Bytes of memory that the process has."""
    with open(f"/proc/{process}/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds():
    with open(f"/proc/{process}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def attack(frames):
    """One connection that sends until the node ends it; returns how many rounds were sent."""
    plain = socket.create_connection((address.hostname, address.port), timeout=20)
    with context.wrap_socket(plain, server_hostname="localhost") as connection:
        check(connection.selected_alpn_protocol() == "h2", "HTTP/2 was not chosen")
        connection.sendall(PREFACE + frame(4, 0, 0))
        rounds = 0
        try:
            while rounds < 1_000_000:
                connection.sendall(b"".join(frames(rounds + n) for n in range(200)))
                rounds += 200
        except (OSError, ssl.SSLError):
            return rounds
    raise AssertionError(f"{frames.__name__}: {rounds} rounds, and the connection lives")


def attack_again_and_again(frames, limit):
    """Attacks over one connection after the other; returns connections and the other client's answers."""
    over = threading.Event()
    served, failures = [], []

    def serve():
        events = boto3.Session(profile_name="a").client("events", endpoint_url=harness.ENDPOINT)
        while not over.is_set():
            started = time.monotonic()
            try:
                events.list_event_buses()
            except Exception as failure:
                failures.append(failure)
                return
            served.append(time.monotonic() - started)

    other = threading.Thread(target=serve)
    other.start()
    connections = 0
    end = time.monotonic() + SECONDS
    try:
        while time.monotonic() < end:
            attack(frames)
            connections += 1
    finally:
        over.set()
        other.join()
    check(not failures, failures)
    check(metrics()[f'busbar_http_limit_hits_total{{limit="{limit}"}}'] >= connections, limit, "was not counted")
    return connections, served


# What a node takes once for its first connections is no attack's doing.
attack_again_and_again(ping_flood, "pings")
for frames, limit in [
    (rapid_reset, "resets_received"), (ping_flood, "pings"), (settings_flood, "settings_frames"),
]:
    memory, spent = resident(), processor_seconds()
    connections, served = attack_again_and_again(frames, limit)
    grown, spent = resident() - memory, processor_seconds() - spent
    part(
        f"{frames.__name__}: {connections} connections; {grown / MEGABYTE:.1f} MB more, {spent:.2f} s of processor; "
        f"{len(served)} answers for the other client, the slowest after {max(served):.2f} s"
    )
    check(grown < 64 * MEGABYTE, "memory grew by", grown)
    # The other client's requests included, in as many seconds: not all of one processor.
    check(spent < SECONDS, "processor seconds:", spent)
    check(len(served) >= 5, "the other client got", len(served), "answers")
    check(harness.page("/readyz")[0] == 200, "not ready")
