"""Several nodes on loopback, each a real process of `busbar serve`, for the scripts of the cluster tests.

A node listens on ports that the system chooses at its first start and keeps them when it is started again. All nodes end
with the script, however it ends.
"""

import ctypes
import json
import os
import signal
import subprocess
import urllib.request

import boto3

import harness

BUSBAR = os.environ["BUSBAR_BINARY"]
CERTS = os.environ["BUSBAR_CERTS"]
DOMAIN = "busbar.local"
_libc = ctypes.CDLL("libc.so.6", use_errno=True)
_PR_SET_PDEATHSIG = 1


def _end_with_parent():
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Node:
    """One node; `directory` holds its configuration, data and log."""

    def __init__(self, cell, name, accounts, peers=True, gossip=None, uplink=None, cells=None, extra=None):
        self.cell, self.name, self.accounts = cell, name, accounts
        self.directory = os.path.join(harness.WORK, name)
        self.ports = {"api": 0, "admin": 0, "peers": 0 if peers else None, "gossip": 0}
        self.gossip, self.uplink, self.cells, self.extra = gossip, uplink, cells or [], extra or {}
        self.process = None
        self.starts = 0
        self.uri = f"spiffe://{DOMAIN}/cell/{cell}/node/{name}"
        os.makedirs(self.directory, exist_ok=True)
        if gossip is not None:
            self.ring = os.path.join(self.directory, "gossip.keys")
            with open(self.ring, "w") as file:
                file.write(gossip.get("key", "07" * 32) + "\n")

    @property
    def configuration(self):
        """What the node is started with; YAML is a superset of JSON."""
        files = os.path.join(CERTS, self.name)
        peers = {
            "certificate": files + ".pem", "key": files + ".key", "roots": os.path.join(CERTS, "ca.pem"),
            "revocationLists": [os.path.join(CERTS, "crl.pem")], "reloadSeconds": 1,
        }
        if self.ports["peers"] is not None:
            peers.update(host="127.0.0.1", port=self.ports["peers"])
        value = {
            "cell": self.cell, "node": self.name, "data": os.path.join(self.directory, "data"), "trustDomain": DOMAIN,
            "listeners": [{"host": "127.0.0.1", "port": self.ports["api"]}],
            "admin": {"host": "127.0.0.1", "port": self.ports["admin"]},
            "accounts": [
                {"id": a, "keys": [{"id": f"AKIATEST{a}", "secret": f"a-secret-of-forty-characters-{a}"}]}
                for a in self.accounts
            ],
            "peers": peers,
            "store": {"journalSegmentMegabytes": 4, "journalLimitMegabytes": 64, "minimumFreeMegabytes": 16},
            "log": {"format": "json", "level": "info"},
            "stopTimeoutSeconds": 2,
        }
        if self.gossip is not None:
            value["gossip"] = {
                "host": "127.0.0.1", "port": self.ports["gossip"], "preset": self.gossip.get("preset", "local"),
                "keyRing": self.ring, "seeds": self.gossip.get("seeds", []),
            }
        if self.uplink is not None:
            value["uplink"] = self.uplink
        if self.cells:
            value["cells"] = self.cells
        value.update(self.extra)
        return value

    def start(self):
        """Starts the node and waits until it serves."""
        self.launch()
        harness.until(f"{self.name} serves", self._is_serving, 60)
        return self

    def launch(self):
        """Starts the node; the thread that does must live as long as the node is to."""
        file = os.path.join(self.directory, "busbar.yaml")
        with open(file, "w") as text:
            json.dump(self.configuration, text, indent=1)
        self.starts += 1
        self.log_file = os.path.join(self.directory, f"log-{self.starts}")
        with open(self.log_file, "w") as log:
            self.process = subprocess.Popen(
                [BUSBAR, "serve", "--config", file], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=_end_with_parent,
            )

    def log(self):
        """The lines of the log since the last start, as objects."""
        found = []
        with open(self.log_file) as file:
            for line in file:
                try:
                    found.append(json.loads(line))
                except ValueError:
                    found.append({"message": line})
        return found

    def _is_serving(self):
        if self.process.poll() is not None:
            with open(self.log_file) as file:
                raise AssertionError(f"{self.name} ended with {self.process.returncode}: {file.read()}")
        messages = {
            "api": "serving the API", "admin": "serving health and metrics", "peers": "serving peers",
            "gossip": "gossiping",
        }
        wanted = [k for k in messages if k != "gossip" or self.gossip is not None]
        wanted = [k for k in wanted if self.ports[k] is not None]
        lines = self.log()
        for key in wanted:
            line = next((x for x in lines if x.get("message") == messages[key]), None)
            if line is None:
                return False
            self.ports[key] = int(line["address"].rpartition(":")[2])
        return any(x.get("message") == "the node serves" for x in lines)

    def kill(self):
        """Ends the process as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        """Asks the process to end."""
        self.process.terminate()
        harness.equal(self.process.wait(30), 0, f"status of {self.name}")

    def signal(self, number):
        self.process.send_signal(number)

    @property
    def peer_address(self):
        return f"127.0.0.1:{self.ports['peers']}"

    @property
    def admin_url(self):
        return f"http://127.0.0.1:{self.ports['admin']}"

    @property
    def as_cell(self):
        """The entry of `cells` in another node's configuration."""
        return {
            "name": self.cell, "accounts": self.accounts, "nodes": [{"uri": self.uri, "address": self.peer_address}],
        }

    def client(self, service, account):
        return boto3.client(
            service, endpoint_url=f"http://127.0.0.1:{self.ports['api']}", region_name=harness.REGION,
            aws_access_key_id=f"AKIATEST{account}", aws_secret_access_key=f"a-secret-of-forty-characters-{account}",
            config=harness._once,
        )

    def metrics(self):
        return harness.metrics(self.admin_url)

    def get(self, path):
        with urllib.request.urlopen(self.admin_url + path, timeout=10) as answer:
            return json.load(answer)

    def states(self):
        """The state of each member in this node's view, by node name; empty while the node does not answer."""
        try:
            members = self.get("/cluster")["members"]
        except OSError:
            return {}
        return {m["node"].rpartition("/")[2]: m["state"] for m in members}

    def run(self, *arguments):
        """Runs a busbar command against this node; returns what it printed."""
        result = subprocess.run(
            [BUSBAR, *arguments, "--admin", self.admin_url], capture_output=True, text=True, timeout=60,
        )
        harness.check(result.returncode == 0, arguments, result.stdout, result.stderr)
        return result.stdout


def _certificates(tool, *arguments):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../certs", tool)
    subprocess.run([path, CERTS, *arguments], check=True, capture_output=True)


def revoke(node):
    """Puts a node's certificate on the revocation list that all nodes read."""
    _certificates("revoke", node.name)


def renew(nodes):
    """New certificates for nodes, from the authority as it is now; each file is replaced in one step."""
    for node in nodes:
        os.rename(os.path.join(CERTS, node.name + ".pem"), os.path.join(CERTS, node.name + ".former"))
    _certificates("make-cluster-certs", *(f"{n.cell}/{n.name}={','.join(n.accounts)}" for n in nodes))


def rotate_authority(step):
    """`begin` or `end` of a change of authority."""
    _certificates("rotate-authority", step)


def start_all(nodes):
    """Starts nodes side by side and waits until all of them serve."""
    for node in nodes:
        node.launch()
    for node in nodes:
        harness.until(f"{node.name} serves", node._is_serving, 60)


def route(events, account, bus, rule, target, pattern='{"source":["shop"]}'):
    """A rule that sends what matches to a bus or a queue."""
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)
    answer = events.put_targets(Rule=rule, EventBusName=bus, Targets=[{"Id": "t", "Arn": target}])
    harness.check(answer["FailedEntryCount"] == 0, answer)
