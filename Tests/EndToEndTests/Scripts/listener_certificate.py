"""The certificate of the API's listener is replaced while clients talk: new connections see it, and none fails."""

import http.client
import os
import ssl
import subprocess
import sys
import threading
import urllib.parse

from harness import check, part, until

address = urllib.parse.urlparse(os.environ["BUSBAR_SECURE_ENDPOINT"])
authority = os.environ["BUSBAR_CA"]
certificates = os.path.dirname(authority)
context = ssl.create_default_context(cafile=authority)


def connect():
    connection = http.client.HTTPSConnection(address.hostname, address.port, context=context, timeout=30)
    connection.connect()
    return connection


def ask(connection):
    """One request; an unsigned one gets an orderly refusal."""
    connection.request("POST", "/", "{}", {"X-Amz-Target": "AWSEvents.ListEventBuses"})
    answer = connection.getresponse()
    answer.read()
    check(400 <= answer.status < 500, answer.status)


def shown(connection):
    return connection.sock.getpeercert(binary_form=True)


def replace():
    """A new key and certificate from the same authority, each put in its place in one step."""
    for name in ("node.pem", "node.key"):
        os.rename(os.path.join(certificates, name), os.path.join(certificates, name + ".former"))
    subprocess.run([sys.argv[1], certificates], check=True, capture_output=True)


old = connect()
first = shown(old)
ask(old)
failures = []
counts = {first: 0}
stopped = threading.Event()


def hammer():
    """Opens connection after connection; each must be served with one of the two certificates."""
    while not stopped.is_set():
        try:
            connection = connect()
            ask(connection)
            counts[shown(connection)] = counts.get(shown(connection), 0) + 1
            connection.close()
        except Exception as error:  # noqa: BLE001 - whatever a client may see
            failures.append(repr(error))


hammering = threading.Thread(target=hammer, daemon=True)
hammering.start()
until("connections with the first certificate", lambda: counts[first] > 20, 30)
part("the certificate is replaced")
replace()


def is_new():
    ask(old)
    return any(count > 20 for certificate, count in counts.items() if certificate != first)


until("connections with the new certificate", is_new, 60)
stopped.set()
hammering.join()
check(not failures, failures[:5])
check(len(counts) == 2, "more than two certificates were seen")
check(shown(old) == first, "the first connection was another one")
last = connect()
ask(last)
check(shown(last) != first, "the former certificate is still in use")
print(f"figures connections={sum(counts.values())}")
