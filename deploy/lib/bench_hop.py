"""The hop between two cells: events of 1.2 KB over mutual TLS, durable on both sides, beside a Mosquitto bridge.

Two processes of the cells and two brokers take turns, three rounds each; the medians are told. Run by deploy/bench.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

from mosquitto_bridge import MosquittoBridge

EVENT_BYTES = 1_200
# Half of the throughput that is the goal.
CALM_RATE = 25_000


class Cells:
    """The two processes, on fresh data."""

    def __init__(self, options):
        self.directory = os.path.join(options.directory, "cells")
        shutil.rmtree(self.directory, ignore_errors=True)
        os.makedirs(self.directory)
        self.log = open(os.path.join(options.directory, "cells.log"), "w", encoding="utf-8")
        self.receiver = self._start(options, "receive", [])
        port = self._answer(self.receiver, "listening ").split()[1]
        self.sender = self._start(options, "send", ["--port", port])
        self._answer(self.sender, "ready")

    def _start(self, options, role, more):
        command = [options.hop, role, "--directory", os.path.join(self.directory, role), "--certs", options.certs] + more
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True, bufsize=1
        )

    def _answer(self, process, start):
        line = process.stdout.readline()
        if not line.startswith(start):
            raise SystemExit(f"a cell said {line.strip()!r}; see {self.log.name}")
        return line

    def run(self, events, rate):
        """Sends events, waits until the receiving queue has them all, and returns what both ends say of them."""
        before = self._report()
        start = time.perf_counter()
        self.sender.stdin.write(f"{events} {rate}\n")
        sent = json.loads(self._answer(self.sender, "{"))
        received = self._report()
        while received["delivered"] - before["delivered"] < events:
            if time.perf_counter() - start > 120:
                raise SystemExit(f"of {events} events {received['delivered'] - before['delivered']} reached the queue")
            time.sleep(0.01)
            later = self._report()
            received.update(delivered=later["delivered"], accepted=later["accepted"])
            received["cpu_us"] += later["cpu_us"]
        sent["seconds"] = time.perf_counter() - start
        accepted = received["accepted"] - before["accepted"]
        if sent["delivered"] != events or accepted != events:
            raise SystemExit(f"of {events} events {sent['delivered']} were delivered and {accepted} accepted")
        return sent, received

    def _report(self):
        self.receiver.stdin.write("report\n")
        return json.loads(self._answer(self.receiver, "{"))

    def stop(self):
        for process in (self.sender, self.receiver):
            process.stdin.close()
            process.wait(60)
        self.log.close()
        shutil.rmtree(self.directory, ignore_errors=True)


def measure(options):
    cells = Cells(options)
    bridge = MosquittoBridge(os.path.join(options.directory, "mosquitto"), options.certs, options.mosquitto)
    rounds, bridges = [], []
    try:
        # The journals' segments are laid out meanwhile, and used again from then on.
        cells.run(2 * options.events, 0)
        for number in range(options.rounds):
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
            sent, received = cells.run(options.events, 0)
            rounds.append(
                {
                    "per_second": options.events / sent["seconds"],
                    "sender_cpu": sent["cpu_us"] / options.events,
                    "receiver_cpu": received["cpu_us"] / options.events,
                    "events_per_request": options.events / max(1, received["requests"]),
                }
            )
            bridges.append(bridge.measure(options.messages, EVENT_BYTES))
        rate = int(statistics.median(one["per_second"] for one in rounds) / 2)
        half = [latencies(cells, rate) for _ in range(options.rounds)]
        calm = [latencies(cells, CALM_RATE) for _ in range(options.rounds)]
    finally:
        bridge.stop()
        cells.stop()
    return median(rounds), median(bridges), median(half), median(calm)


def latencies(cells, rate):
    """Three seconds at a rate. An event's own excess is its way less the commits that it waited for itself."""
    sent, received = cells.run(rate * 3, rate)
    commits = dict(sent["commits"])
    own = sorted(journey - commits[put] - answer for put, journey, answer in received["samples"] if put in commits)
    quantile = lambda share: own[min(len(own) - 1, int(len(own) * share))]
    names = ("put_p50", "put_p99"), ("answer_p50", "answer_p99", "journey_p50", "journey_p99")
    return {
        "rate": rate,
        **{name: sent[name] for name in names[0]},
        **{name: received[name] for name in names[1]},
        "own_p50": quantile(0.5),
        "own_p99": quantile(0.99),
        "samples": len(own),
    }


def median(rows):
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def show(hop, bridge, half, calm):
    throughput = hop["per_second"] / bridge["per_second"]
    cpu = (hop["sender_cpu"] + hop["receiver_cpu"]) / (bridge["sender_cpu"] + bridge["receiver_cpu"])
    print("| measure | hop | Mosquitto bridge | goal |")
    print("|---|---|---|---|")
    print(f"| events/s | {hop['per_second']:,.0f} | {bridge['per_second']:,.0f} | at least 50,000 |")
    print(f"| throughput against the bridge | {throughput:.2f} | 1 | at least 3 |")
    print(f"| sender, CPU µs/event | {hop['sender_cpu']:.1f} | {bridge['sender_cpu']:.1f} | at most 15 |")
    print(f"| receiver, CPU µs/event | {hop['receiver_cpu']:.1f} | {bridge['receiver_cpu']:.1f} | at most 15 |")
    print(f"| CPU against the bridge | {cpu:.2f} | 1 | at most 0.5 |")
    print(f"| events a request | {hop['events_per_request']:.1f} | | |")
    for row in (half, calm):
        show_latencies(row)


def show_latencies(row):
    milliseconds = {name: value / 1000 for name, value in row.items()}
    at = lambda name: f"{milliseconds[name + '_p50']:.2f} / {milliseconds[name + '_p99']:.2f}"
    medians = milliseconds["put_p50"] + milliseconds["answer_p50"]
    added = f"{milliseconds['journey_p50'] - medians:.2f} / {milliseconds['journey_p99'] - medians:.2f}"
    tails = milliseconds["journey_p99"] - milliseconds["put_p99"] - milliseconds["answer_p99"]
    print(f"| at {row['rate']:,.0f} events/s: put to durable there, p50 / p99 ms | {at('journey')} | | |")
    print(f"| the commit here, p50 / p99 ms | {at('put')} | | |")
    print(f"| the commit there, p50 / p99 ms | {at('answer')} | | |")
    print(f"| added, the way less the medians of both commits, p50 / p99 ms | {added} | | at most 2 / 5 |")
    print(f"| p99 less the p99 of both commits, ms | {tails:.2f} | | |")
    print(f"| added, each event's way less its own commits, p50 / p99 ms | {at('own')} | | |")


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench hop")
    parser.add_argument("--hop", required=True)
    parser.add_argument("--mosquitto", required=True)
    parser.add_argument("--certs", required=True)
    parser.add_argument("--directory", required=True)
    parser.add_argument("--events", type=int, default=150_000)
    parser.add_argument("--messages", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.makedirs(options.directory, exist_ok=True)
    hop, bridge, half, calm = measure(options)
    if options.json:
        for name, row in (("hop", hop), ("mosquitto", bridge), ("hop-half-load", half), ("hop-25000", calm)):
            print(json.dumps({"name": name, **row}))
    else:
        show(hop, bridge, half, calm)


if __name__ == "__main__":
    main()
