"""What the scripts of the end-to-end tests share: clients of a running node, and checks."""

import json
import os
import sys
import threading
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

A = "111122223333"
B = "444455556666"
REGION = "us-east-1"
ENDPOINT = os.environ.get("BUSBAR_ENDPOINT", "")
WORK = os.environ["BUSBAR_WORK"]

_once = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=40)


def client(service, profile, endpoint=None, **options):
    """A client of the account `profile`; it does not retry, so that tests see each answer."""
    session = boto3.Session(profile_name=profile)
    return session.client(service, endpoint_url=endpoint or ENDPOINT, config=_once, **options)


def bus_arn(account, name):
    return f"arn:aws:events:{REGION}:{account}:event-bus/{name}"


def rule_arn(account, rule, bus="default"):
    path = rule if bus == "default" else f"{bus}/{rule}"
    return f"arn:aws:events:{REGION}:{account}:rule/{path}"


def queue_arn(account, name):
    return f"arn:aws:sqs:{REGION}:{account}:{name}"


def events_may_send(queue, *rules):
    """A queue policy that lets rules send; any rule when none is given."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    if rules:
        statement["Condition"] = {"ArnEquals": {"aws:SourceArn": list(rules)}}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def make_queue(sqs, account, name, *rules, policy=True, **attributes):
    """Creates a queue that rules may send to; returns its URL."""
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    if policy:
        text = events_may_send(queue_arn(account, name), *rules)
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
    return url


def entry(number, bus=None, source="shop", detail_type="order", **detail):
    """One entry of PutEvents."""
    value = {"Source": source, "DetailType": detail_type, "Detail": json.dumps({"number": number, **detail})}
    if bus:
        value["EventBusName"] = bus
    return value


def put(events, *entries):
    """Puts entries that must all be accepted; returns their ids."""
    answer = events.put_events(Entries=list(entries))
    check(answer["FailedEntryCount"] == 0, answer)
    return [e["EventId"] for e in answer["Entries"]]


def receive(sqs, url, wait=10, **options):
    """One message, which is deleted; fails when none comes."""
    answer = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=wait, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"], **options
    )
    check("Messages" in answer, f"no message in {url} within {wait} s")
    message = answer["Messages"][0]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def expect_nothing(sqs, url, wait=1):
    answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=wait)
    check("Messages" not in answer, f"unexpected in {url}: {answer.get('Messages')}")


def drain(sqs, url, wait=2, progress=None):
    """Receives and deletes until the queue stays empty for `wait` seconds; returns the bodies."""
    bodies = []
    while True:
        messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=wait).get("Messages")
        if not messages:
            return bodies
        bodies += [m["Body"] for m in messages]
        gone = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        failed = sqs.delete_message_batch(QueueUrl=url, Entries=gone).get("Failed")
        check(not failed, failed)


def check(condition, *details):
    if not condition:
        raise AssertionError(" ".join(str(d) for d in details) or "check failed")


def equal(found, expected, what=""):
    check(found == expected, f"{what}: found {found!r}, expected {expected!r}")


def fails(code, text, call, **arguments):
    """Calls, and checks the code and a part of the text of the failure; returns the failure."""
    try:
        answer = call(**arguments)
    except ClientError as failure:
        error = failure.response["Error"]
        check(error["Code"] == code, f"code {error['Code']}, expected {code}; message: {error.get('Message')}")
        check(text in error["Message"], f"message {error['Message']!r}, expected {text!r}")
        return failure
    raise AssertionError(f"expected {code}, got {answer}")


def page(path, endpoint=None):
    """Status and text of a page such as /readyz."""
    try:
        with urllib.request.urlopen((endpoint or ENDPOINT) + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as failure:
        return failure.code, failure.read().decode()


def metrics(endpoint=None):
    """The metrics page as a dictionary from series to number."""
    lines = page("/metrics", endpoint)[1].splitlines()
    return {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in lines if line and line[0] != "#"}


def until(what, condition, seconds=20):
    """Asks again and again until `condition` gives something true, and returns it."""
    pause = threading.Event()
    tries = int(seconds / 0.05)
    for _ in range(tries):
        value = condition()
        if value:
            return value
        pause.wait(0.05)
    raise AssertionError(f"{what}: not within {seconds} s")


def part(name):
    """Announces a part of a script; the last one tells where a failure is."""
    print(f"- {name}", file=sys.stderr)
