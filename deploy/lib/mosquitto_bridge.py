"""Messages over a Mosquitto bridge, QoS 1 with mutual TLS: what the hop between two nodes is compared with.

Two brokers run on loopback; the edge broker forwards everything to the centre broker. Neither keeps anything on disk.
Publisher and subscriber speak just enough MQTT 3.1.1 to send prepared packets and to count equal ones, so that the
brokers, not they, set the pace.
"""

import os
import shutil
import socket
import struct
import subprocess
import threading
import time

TOPIC = b"bench/hop"
# Packet identifiers of one window; a window is sent whole and then acknowledged whole.
WINDOW = 500


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cpu_seconds(pid):
    """User and system time of a process so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def remaining_length(count):
    """MQTT's variable-length integer."""
    encoded = bytearray()
    while True:
        count, digit = divmod(count, 128)
        encoded.append(digit | (0x80 if count else 0))
        if not count:
            return bytes(encoded)


def connect(port, client):
    """A connected MQTT session; raises OSError while the broker is not there."""
    link = socket.create_connection(("127.0.0.1", port), timeout=60)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = client.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + struct.pack(">H", len(name)) + name
    link.sendall(b"\x10" + remaining_length(len(body)) + body)
    answer = read_exactly(link, 4)
    if answer[:2] != b"\x20\x02" or answer[3] != 0:
        raise OSError(f"the broker refused the session: {answer.hex()}")
    return link


def read_exactly(link, count):
    received = bytearray()
    while len(received) < count:
        part = link.recv(min(count - len(received), 1 << 20))
        if not part:
            raise OSError("the broker closed the connection")
        received += part
    return bytes(received)


class MosquittoBridge:
    """Two brokers and the bridge between them."""

    def __init__(self, directory, certs, mosquitto):
        shutil.rmtree(directory, ignore_errors=True)
        os.makedirs(directory)
        self.edge_port, self.center_port = free_port(), free_port()
        tls_port = free_port()
        common = "persistence false\nallow_anonymous true\nlog_type error\nlog_type warning\nset_tcp_nodelay true\n"
        common += "max_inflight_messages 1000\nmax_queued_messages 0\n"
        if os.getuid() == 0:
            # The broker would change to a user that may not read the private key.
            common += "user root\n"
        ca, pem, key = (os.path.join(certs, name) for name in ("ca.pem", "node.pem", "node.key"))
        center = common + f"per_listener_settings false\nlistener {self.center_port} 127.0.0.1\n"
        center += f"listener {tls_port} 127.0.0.1\ncafile {ca}\ncertfile {pem}\nkeyfile {key}\nrequire_certificate true\n"
        edge = common + f"listener {self.edge_port} 127.0.0.1\n"
        edge += f"connection center\naddress localhost:{tls_port}\ntopic # out 1\ncleansession true\nnotifications false\n"
        edge += f"bridge_cafile {ca}\nbridge_certfile {pem}\nbridge_keyfile {key}\nbridge_protocol_version mqttv311\n"
        edge += "try_private false\nrestart_timeout 1\n"
        self.processes = []
        self.logs = []
        for name, text in (("center", center), ("edge", edge)):
            path = os.path.join(directory, name + ".conf")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            log = open(os.path.join(directory, name + ".log"), "w", encoding="utf-8")
            self.logs.append(log)
            self.processes.append(subprocess.Popen([mosquitto, "-c", path], stdout=log, stderr=log))
            self._await_port(self.center_port if name == "center" else self.edge_port)

    def _await_port(self, port):
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("a broker did not start; see its log")

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()
        for log in self.logs:
            log.close()

    def measure(self, count, payload_bytes):
        """Publishes `count` messages at the edge and waits until the centre's subscriber has them all.

        Returns messages a second, and CPU microseconds a message of each broker.
        """
        payload = b"m" * payload_bytes
        body = struct.pack(">H", len(TOPIC)) + TOPIC
        packets = b"".join(
            b"\x32" + remaining_length(len(body) + 2 + len(payload)) + body + struct.pack(">H", number) + payload
            for number in range(1, WINDOW + 1)
        )
        received_size = len(b"\x30" + remaining_length(len(body) + len(payload)) + body + payload)
        subscriber = connect(self.center_port, "subscriber")
        filters = struct.pack(">HH", 1, 1) + b"#\x00"
        subscriber.sendall(b"\x82" + remaining_length(len(filters)) + filters)
        read_exactly(subscriber, 5)
        publisher = connect(self.edge_port, "publisher")
        self._await_bridge(publisher, subscriber, received_size, packets)
        finished = []

        def drain():
            read_bytes = 0
            buffer = bytearray(1 << 20)
            while read_bytes < count * received_size:
                part = subscriber.recv_into(buffer)
                if not part:
                    return
                read_bytes += part
            finished.append(time.perf_counter())

        before = [cpu_seconds(process.pid) for process in self.processes]
        reader = threading.Thread(target=drain)
        reader.start()
        start = time.perf_counter()
        for _ in range(count // WINDOW):
            publisher.sendall(packets)
            read_exactly(publisher, 4 * WINDOW)
        reader.join(60)
        if not finished:
            raise SystemExit("the bridge lost messages")
        seconds = finished[0] - start
        center, edge = (
            (cpu_seconds(process.pid) - used) / count * 1e6 for process, used in zip(self.processes, before)
        )
        publisher.close()
        subscriber.close()
        return {"per_second": count / seconds, "sender_cpu": edge, "receiver_cpu": center}

    def _await_bridge(self, publisher, subscriber, size, packets):
        """Sends windows until one has come through: before that the bridge may not be connected."""
        subscriber.settimeout(1)
        for _ in range(30):
            publisher.sendall(packets)
            read_exactly(publisher, 4 * WINDOW)
            received = 0
            try:
                while received < WINDOW * size:
                    received += len(subscriber.recv(1 << 20))
            except TimeoutError:
                if received == 0:
                    continue
            if received % size == 0 and received >= WINDOW * size:
                subscriber.settimeout(60)
                return
        raise SystemExit("the bridge did not connect; see the brokers' logs")
