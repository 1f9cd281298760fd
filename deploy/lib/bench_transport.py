"""The transport against nghttpd as a server and nghttpx as a hop between nodes, in the same run.

Every comparison runs both sides in turn, many times for a short while each, and takes medians: the machine's speed changes
from second to second with what else it does, and a few long runs would show that more than the servers. What others took
of the processors meanwhile stands beside each comparison. Run by deploy/bench.
"""

import argparse
import json
import os
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

BODY_BYTES = 1_200


class Process:
    """A server that is started, measured from outside, and stopped."""

    running = set()

    def __init__(self, command, port=None, prefix=(), environment=None):
        self.log = open(Bench.path("server.log"), "w", encoding="utf-8")
        self.process = subprocess.Popen(
            list(prefix) + command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True,
            env=dict(os.environ, **(environment or {})),
        )
        self.port = port or self.announced()
        self.wait_until_it_listens()
        Process.running.add(self)

    def announced(self):
        words = self.process.stdout.readline().split()
        if words[:1] != ["listening"]:
            self.stop()
            raise SystemExit(f"the server did not start: {' '.join(words)}; see {self.log.name}")
        return int(words[1])

    def wait_until_it_listens(self):
        pause = threading.Event()
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                pause.wait(0.05)
        self.stop()
        raise SystemExit(f"nothing listens on port {self.port}; see {self.log.name}")

    def cpu_microseconds(self):
        """User and system time of all threads of the process and its children, from the scheduler's nanoseconds."""
        total = 0
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
                    total += int(file.read().split()[0])
        return total / 1000

    def resident_kilobytes(self):
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))
        return total

    def pids(self):
        pid = self.process.pid
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [pid] + [int(word) for word in file.read().split()]

    def run_on(self, processor):
        """Keeps all threads of the process and its children on one processor."""
        for pid in self.pids():
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), {processor})

    def stop(self):
        Process.running.discard(self)
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Bench:
    """What all measurements share."""

    options = None

    @classmethod
    def path(cls, name):
        return os.path.join(cls.options.directory, name)

    @classmethod
    def prepare(cls):
        os.makedirs(cls.path("files"), exist_ok=True)
        with open(cls.path("files/events"), "w", encoding="ascii") as file:
            file.write("accepted\n")
        with open(cls.path("body"), "w", encoding="ascii") as file:
            file.write("x" * BODY_BYTES)
        cls.certificate = os.path.join(cls.options.certs, "node.pem")
        cls.key = os.path.join(cls.options.certs, "node.key")
        cls.authority = os.path.join(cls.options.certs, "ca.pem")

    @staticmethod
    def free_port():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return probe.getsockname()[1]

    @classmethod
    def busbar(cls, role, *arguments, binary=None, prefix=()):
        command = [binary or cls.options.binary, role, "--certificate", cls.certificate, "--key", cls.key]
        return Process(command + list(arguments), prefix=prefix)

    @classmethod
    def nghttpd(cls, *arguments, prefix=()):
        port = cls.free_port()
        command = ["nghttpd", "-a", "127.0.0.1", "-d", cls.path("files"), "-n", "1", "-m", "256", *arguments]
        return Process(command + [str(port), cls.key, cls.certificate], port, prefix)

    @classmethod
    def nghttpx(cls, upstream):
        port = cls.free_port()
        command = [
            "nghttpx", f"-f127.0.0.1,{port}", f"-b127.0.0.1,{upstream};;proto=h2;tls;sni=localhost", "--workers=1",
            "--errorlog-file=/dev/null", "--conf=/dev/null", "--verify-client", f"--verify-client-cacert={cls.authority}",
            f"--client-cert-file={cls.certificate}", f"--client-private-key-file={cls.key}", f"--cacert={cls.authority}",
            "--frontend-http2-max-concurrent-streams=256", "--backend-connections-per-host=2", "--insecure",
            cls.key, cls.certificate,
        ]
        return Process(command, port)


def h2load(port, shape, *arguments, log=None, mutual=False, processor=None):
    """Runs h2load with the bodies, on one processor if told; returns requests a second and the number of answers."""
    connections, streams = shape
    command = ["h2load", "-t", "1", "-c", str(connections), "-m", str(streams), "-d", Bench.path("body")]
    command += ["--log-file", log] if log else []
    environment = dict(os.environ)
    if mutual:
        environment.update(
            LD_PRELOAD=Bench.options.shim, CLIENT_CERTIFICATE=Bench.certificate, CLIENT_KEY=Bench.key
        )
    command = ([] if processor is None else ["taskset", "-c", str(processor)]) + command
    done = subprocess.run(
        command + list(arguments) + [f"https://127.0.0.1:{port}/events"], capture_output=True, text=True,
        timeout=300, env=environment,
    )
    rate = re.search(r"finished in [\d.]+m?s, ([\d.]+) req/s", done.stdout)
    counts = re.search(r"(\d+) succeeded, (\d+) failed", done.stdout)
    codes = re.search(r"status codes: (\d+) 2xx", done.stdout)
    if not rate or not counts or int(counts[2]) > 0 or counts[1] != codes[1]:
        raise SystemExit(f"h2load failed: {done.stdout}{done.stderr}")
    return float(rate[1]), int(counts[1])


def loaded(server, shape, mutual=False):
    """CPU a request in microseconds, and requests a second, under full load."""
    h2load(server.port, shape, "-n", "5000", mutual=mutual)
    before = server.cpu_microseconds()
    rate, answers = h2load(server.port, shape, "-n", str(Bench.options.requests), mutual=mutual)
    return {"cpu_us": (server.cpu_microseconds() - before) / answers, "rate": rate}


def paced(server, rate):
    """The 50th and 99th percentile of the time to an answer, in microseconds, at a fixed rate."""
    connections, log = 8, Bench.path("requests.log")
    if os.path.exists(log):
        os.unlink(log)
    # Loader and server on a processor each: whether the system puts them on one or on two doubles the times. For a second:
    # h2load sends what is due each 10 ms at once, on each connection in a phase that its handshake left to chance, and how
    # the phases fall together decides about the 99th percentile. Only many runs have many phases.
    processors = sorted(os.sched_getaffinity(0))
    server.run_on(processors[-1])
    h2load(
        server.port, (connections, 32), "-D", "1", "--warm-up-time=300ms", f"--rps={rate // connections}", log=log,
        processor=processors[0],
    )
    with open(log, encoding="ascii") as file:
        times = sorted(int(line.split()[2]) for line in file)
    return {"p50_us": times[len(times) // 2], "p99_us": times[len(times) * 99 // 100]}


def held(server, connections):
    """Resident kilobytes a connection that has made ten requests and is open still."""
    before = server.resident_kilobytes()
    command = ["h2load", "-t", "1", "-c", str(connections), "-m", "1", "-d", Bench.path("body"), "--rps=2", "-D", "6"]
    load = subprocess.Popen(
        command + [f"https://127.0.0.1:{server.port}/events"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    threading.Event().wait(5)
    during = server.resident_kilobytes()
    load.wait(60)
    return {"kb_a_connection": (during - before) / connections}


def instructions(start, shape):
    """Instructions a request by callgrind: the difference of two runs, so that the start does not count."""
    requests, counts = (2_000, 12_000), []
    for number in requests:
        out = Bench.path(f"callgrind.{number}")
        with start(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]) as server:
            h2load(server.port, shape, "-n", str(number))
        with open(out, encoding="utf-8", errors="replace") as file:
            counts.append(next(int(line.split()[1]) for line in file if line.startswith(("summary:", "totals:"))))
    return (counts[1] - counts[0]) / (requests[1] - requests[0])


class Others:
    """What processes that do not belong to this benchmark take of the processors, by the system's clock ticks."""

    def __init__(self):
        self.started, self.busy, self.own = time.monotonic(), self.busy_seconds(), self.own_seconds()

    def cores(self):
        """Processors that others have kept busy since the start."""
        busy, own = self.busy_seconds() - self.busy, self.own_seconds() - self.own
        return max(0, busy - own) / (time.monotonic() - self.started)

    @staticmethod
    def busy_seconds():
        with open("/proc/stat", encoding="ascii") as file:
            user, nice, system, _, _, irq, softirq, steal = (int(word) for word in file.readline().split()[1:9])
        return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def own_seconds():
        uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        servers = sum(process.cpu_microseconds() for process in Process.running) / 1e6
        return servers + sum(use.ru_utime + use.ru_stime for use in uses)


def in_turn(runs, sides):
    """Runs each side in turn, and takes the median of each figure of each side."""
    figures = {name: [] for name in sides}
    others = []
    for _ in range(runs):
        for name, measure in sides.items():
            watch = Others()
            figures[name].append(measure())
            others.append(watch.cores())
    medians = {
        name: {key: statistics.median(run[key] for run in taken) for key in taken[0]}
        for name, taken in figures.items()
    }
    medians["others"] = {"median": statistics.median(others), "most": max(others)}
    return medians


def shapes_of(text):
    return [tuple(int(word) for word in shape.split("x")) for shape in text.split(",") if shape]


class Report:
    """Prints each comparison with its goals."""

    def __init__(self, json_lines):
        self.json_lines = json_lines

    def comparison(self, what, peer, figures, goals):
        row = {"benchmark": "transport", "what": what, "peer": peer}
        text = []
        for key, (name, digits, goal) in goals.items():
            ours, theirs = figures["busbar"][key], figures[peer][key]
            ratio = ours / theirs if theirs else 0
            row[key] = {"busbar": round(ours, digits), peer: round(theirs, digits), "ratio": round(ratio, 3)}
            row[key]["goal"] = goal
            text.append(f"{name} {ours:,.{digits}f} / {theirs:,.{digits}f} = {ratio:.2f} (goal {goal})")
        if others := figures.get("others"):
            row["cores_of_others"] = {key: round(value, 2) for key, value in others.items()}
            text.append(f"others took {others['median']:.2f} processors, at most {others['most']:.2f}")
        self.line(row, f"{what:24} against {peer}: " + ", ".join(text))

    def figure(self, what, value, unit, goal):
        row = {"benchmark": "transport", "what": what, "value": round(value, 1), "unit": unit, "goal": goal}
        self.line(row, f"{what:24} {value:,.1f} {unit} (goal {goal})")

    def line(self, row, text):
        print(json.dumps(row) if self.json_lines else text, flush=True)


def measure_server(report, options):
    for shape in shapes_of(options.shapes):
        name = f"server {shape[0]}x{shape[1]}"
        say(name)
        with Bench.busbar("serve") as ours, Bench.nghttpd() as theirs:
            figures = in_turn(
                options.runs, {"busbar": lambda: loaded(ours, shape), "nghttpd": lambda: loaded(theirs, shape)}
            )
        cpu_goal = "<= 1.1" if shape[1] == 1 else "<= 0.95"
        goals = {"cpu_us": ("CPU us/request", 2, cpu_goal), "rate": ("requests/s", 0, ">= 0.95")}
        report.comparison(name, "nghttpd", figures, goals)


def measure_pace(report, options):
    say(f"{options.rate} requests/s")
    with Bench.busbar("serve") as ours, Bench.nghttpd() as theirs:
        figures = in_turn(
            options.pace_runs,
            {"busbar": lambda: paced(ours, options.rate), "nghttpd": lambda: paced(theirs, options.rate)},
        )
    goals = {"p50_us": ("p50 us", 0, "none"), "p99_us": ("p99 us", 0, "<= 1.25")}
    report.comparison(f"at {options.rate} requests/s", "nghttpd", figures, goals)


def measure_memory(report, options):
    say(f"{options.connections} connections")
    with Bench.busbar("serve") as ours:
        figure = held(ours, options.connections)["kb_a_connection"]
    report.figure("memory a connection", figure, "KB", "<= 100")


def measure_hop(report, options):
    for shape in shapes_of(options.hop_shapes):
        name = f"hop {shape[0]}x{shape[1]}"
        say(name)
        with Bench.nghttpd("-V") as upstream:
            authority = ("--authority", Bench.authority)
            with (
                Bench.busbar("hop", *authority, "--upstream", str(upstream.port)) as ours,
                Bench.nghttpx(upstream.port) as theirs,
            ):
                figures = in_turn(
                    options.runs,
                    {
                        "busbar": lambda: loaded(ours, shape, mutual=True),
                        "nghttpx": lambda: loaded(theirs, shape, mutual=True),
                    },
                )
        cpu_goal = "<= 0.85" if shape[1] > 1 else "none"
        rate_goal = ">= 1.1" if shape[1] > 1 else ">= 0.9"
        goals = {"cpu_us": ("CPU us/request", 2, cpu_goal), "rate": ("requests/s", 0, rate_goal)}
        report.comparison(name, "nghttpx", figures, goals)


def measure_link(report, options):
    for events, goal in ((1, 200_000), (10, 500_000)):
        name = f"link, {events} a request"
        say(name)
        rates = []
        with Bench.busbar("serve", "--authority", Bench.authority) as server:
            for _ in range(options.runs):
                done = subprocess.run(
                    [
                        options.binary, "link", "--certificate", Bench.certificate, "--key", Bench.key, "--authority",
                        Bench.authority, "--upstream", str(server.port), "--bytes", str(BODY_BYTES * events),
                        "--requests", str(options.requests // (1 if events == 1 else 4)),
                    ],
                    capture_output=True, text=True, timeout=300,
                )
                words = done.stdout.split()
                if words[:1] != ["requests-per-second"]:
                    raise SystemExit(f"the link failed: {done.stdout}{done.stderr}")
                rates.append(int(words[1]) * events)
        report.figure(name, statistics.median(rates), "events/s", f">= {goal:,}")


def measure_instructions(report, options):
    # valgrind cannot read the debugging information of Swift.
    bare = Bench.path("TransportBenchmark")
    subprocess.run(["strip", "-g", "-o", bare, options.binary], check=True)
    for shape in shapes_of(options.shapes):
        name = f"instructions {shape[0]}x{shape[1]}"
        say(name)
        figures = {
            "busbar": {
                "count": instructions(lambda prefix: Bench.busbar("serve", binary=bare, prefix=prefix), shape)
            },
            "nghttpd": {"count": instructions(lambda prefix: Bench.nghttpd(prefix=prefix), shape)},
        }
        report.comparison(name, "nghttpd", figures, {"count": ("instructions/request", 0, "none")})


MEASUREMENTS = {
    "server": measure_server, "pace": measure_pace, "memory": measure_memory, "hop": measure_hop,
    "link": measure_link, "instructions": measure_instructions,
}


def say(text):
    print(f"measuring {text}", file=sys.stderr, flush=True)


def main():
    parser = argparse.ArgumentParser(prog="deploy/bench transport", description=__doc__)
    parser.add_argument("--binary", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--certs", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--shim", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--directory", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--only", default=",".join(MEASUREMENTS), help="which of " + ", ".join(MEASUREMENTS))
    parser.add_argument("--runs", type=int, default=9, help="of each side of a comparison (9)")
    parser.add_argument("--pace-runs", type=int, default=24, help="the same at the fixed rate (24)")
    parser.add_argument("--requests", type=int, default=100_000, help="of each run (100000)")
    parser.add_argument("--shapes", default="8x32,16x100,64x1", help="connections x streams (8x32,16x100,64x1)")
    parser.add_argument("--hop-shapes", default="8x32,32x1", help="the same for the hop (8x32,32x1)")
    parser.add_argument("--rate", type=int, default=20_000, help="requests a second for the latency (20000)")
    parser.add_argument("--connections", type=int, default=1_000, help="for the memory of a connection (1000)")
    options = parser.parse_args()
    Bench.options = options
    Bench.prepare()
    report = Report(options.json)
    for name in options.only.split(","):
        if name not in MEASUREMENTS:
            parser.error(f"there is no measurement {name}")
        MEASUREMENTS[name](report, options)


main()
