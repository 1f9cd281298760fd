"""Every operation of the queue service, through boto3 (spec: control §13)."""

import hashlib
import json
import threading
import time

import harness
from harness import A, B, check, equal, expect_nothing, fails, part, queue_arn, receive

sqs = harness.client("sqs", "a")
other = harness.client("sqs", "b")
MISSING = "AWS.SimpleQueueService.NonExistentQueue"


def life():
    part("create, find, list, tag")
    url = sqs.create_queue(QueueName="work", Attributes={"DelaySeconds": "0"}, tags={"team": "x"})["QueueUrl"]
    equal(url, f"{harness.ENDPOINT}/{A}/work")
    equal(sqs.create_queue(QueueName="work", Attributes={"DelaySeconds": "0"})["QueueUrl"], url)
    fails(
        "QueueAlreadyExists",
        "A queue already exists with the same name and a different value for attribute DelaySeconds",
        sqs.create_queue, QueueName="work", Attributes={"DelaySeconds": "5"},
    )
    fails("InvalidParameterValue", "Can only include alphanumeric", sqs.create_queue, QueueName="no spaces")
    equal(sqs.get_queue_url(QueueName="work")["QueueUrl"], url)
    fails(MISSING, "The specified queue does not exist.", sqs.get_queue_url, QueueName="none")
    try:
        sqs.receive_message(QueueUrl=f"{harness.ENDPOINT}/{A}/none")
        check(False, "a queue that does not exist gives messages")
    except sqs.exceptions.QueueDoesNotExist as failure:
        equal(failure.response["Error"]["Code"], MISSING)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    equal(found["QueueArn"], queue_arn(A, "work"))
    equal((found["VisibilityTimeout"], found["MessageRetentionPeriod"]), ("30", "345600"))
    check("Policy" not in found, found)
    for number in range(5):
        sqs.create_queue(QueueName=f"list-{number}")
    pages = sqs.get_paginator("list_queues").paginate(QueueNamePrefix="list-", PaginationConfig={"PageSize": 2})
    names = [u.rpartition("/")[2] for answer in pages for u in answer.get("QueueUrls", [])]
    equal(names, [f"list-{number}" for number in range(5)])
    for number in range(5):
        sqs.delete_queue(QueueUrl=f"{harness.ENDPOINT}/{A}/list-{number}")
    check(not sqs.list_queues(QueueNamePrefix="list-").get("QueueUrls"))
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "x"})
    sqs.tag_queue(QueueUrl=url, Tags={"team": "y", "cost": "z"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["cost"])
    equal(sqs.list_queue_tags(QueueUrl=url)["Tags"], {"team": "y"})
    fails(
        "InvalidAttributeName", "Unknown Attribute Nonsense.", sqs.set_queue_attributes,
        QueueUrl=url, Attributes={"Nonsense": "1"},
    )
    fails(
        "InvalidAttributeValue", "Invalid value for the parameter VisibilityTimeout.", sqs.set_queue_attributes,
        QueueUrl=url, Attributes={"VisibilityTimeout": "43201"},
    )
    return url


def messages(url):
    part("send and receive")
    body = "h\u00e9llo"
    attributes = {
        "n": {"DataType": "Number.int", "StringValue": "42"},
        "b": {"DataType": "Binary", "BinaryValue": bytes.fromhex("0001ff")},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
    equal(sent["MD5OfMessageBody"], "be50e8478cf24ff3595bc7307fb91b50")
    equal(sent["MD5OfMessageAttributes"], "add0326652e50cfcbf1f4066c99be1c4")
    message = receive(sqs, url)
    equal((message["Body"], message["MessageId"]), (body, sent["MessageId"]))
    equal(message["MD5OfBody"], hashlib.md5(body.encode()).hexdigest())
    equal(message["MessageAttributes"], attributes)
    equal(message["Attributes"]["ApproximateReceiveCount"], "1")
    expect_nothing(sqs, url, wait=0)

    part("batches")
    batch = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(10)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=batch)
    equal(len(answer["Successful"]), 10)
    fails(
        "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "Maximum number of entries per request are 10. You have sent 11.",
        sqs.send_message_batch, QueueUrl=url, Entries=[{"Id": str(n), "MessageBody": "m"} for n in range(11)],
    )
    fails(
        "AWS.SimpleQueueService.BatchEntryIdsNotDistinct", "Id x repeated.", sqs.send_message_batch,
        QueueUrl=url, Entries=[{"Id": "x", "MessageBody": "m"}] * 2,
    )
    bodies = []
    while len(bodies) < 10:
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
        bodies += [m["Body"] for m in got]
        gone = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(got)]
        equal(len(sqs.delete_message_batch(QueueUrl=url, Entries=gone)["Successful"]), len(got))
    equal(sorted(bodies), sorted(f"m{n}" for n in range(10)))

    part("visibility")
    sqs.send_message(QueueUrl=url, MessageBody="again")
    first = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2)["Messages"][0]
    expect_nothing(sqs, url, wait=0)
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    equal(counts["ApproximateNumberOfMessages"], "0")
    equal(counts["ApproximateNumberOfMessagesNotVisible"], "1")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0)
    second = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2, MessageSystemAttributeNames=["All"])["Messages"][0]
    equal((second["MessageId"], second["Attributes"]["ApproximateReceiveCount"]), (first["MessageId"], "2"))
    changed = sqs.change_message_visibility_batch(
        QueueUrl=url, Entries=[{"Id": "1", "ReceiptHandle": second["ReceiptHandle"], "VisibilityTimeout": 0}]
    )
    equal(len(changed["Successful"]), 1)
    receive(sqs, url)
    fails("ReceiptHandleIsInvalid", "is not a valid receipt handle", sqs.delete_message, QueueUrl=url, ReceiptHandle="x")

    part("refusals")
    fails(
        "InvalidParameterValue",
        "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.",
        sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=11,
    )
    fails(
        "InvalidParameterValue", "Value 21 for parameter WaitTimeSeconds is invalid.",
        sqs.receive_message, QueueUrl=url, WaitTimeSeconds=21,
    )
    fails("InvalidParameterValue", "Message must be shorter than", sqs.send_message, QueueUrl=url, MessageBody="x" * 1048577)
    fails("InvalidMessageContents", "Invalid characters found.", sqs.send_message, QueueUrl=url, MessageBody="a\u0001")
    fails("AccessDenied", "is not authorized to perform: sqs:SendMessage", other.send_message, QueueUrl=url, MessageBody="m")


def long_polling(url):
    part("a waiting receive is answered when a message comes")
    sender = harness.client("sqs", "a")
    started = time.monotonic()
    answers = []
    waiter = threading.Thread(target=lambda: answers.append(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)))
    waiter.start()
    harness.until("the receive waits", lambda: harness.metrics()["busbar_queue_waiters"] == 1)
    sender.send_message(QueueUrl=url, MessageBody="at last")
    waiter.join(10)
    check(not waiter.is_alive(), "the receive did not end when a message came")
    check(time.monotonic() - started < 10, "the receive waited on")
    message = answers[0]["Messages"][0]
    equal(message["Body"], "at last")
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    part("and empty-handed after its time")
    started = time.monotonic()
    expect_nothing(sqs, url, wait=1)
    check(0.9 <= time.monotonic() - started < 5, time.monotonic() - started)
    harness.until("no receive waits", lambda: harness.metrics()["busbar_queue_waiters"] == 0)


def dead_letters():
    part("redrive")
    dead = sqs.create_queue(QueueName="dead")["QueueUrl"]
    policy = json.dumps({"deadLetterTargetArn": queue_arn(A, "dead"), "maxReceiveCount": "1"})
    source = sqs.create_queue(QueueName="source", Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    source = source["QueueUrl"]
    found = sqs.get_queue_attributes(QueueUrl=source, AttributeNames=["RedrivePolicy"])["Attributes"]
    equal(found["RedrivePolicy"], policy, "a policy is kept byte for byte")
    equal(sqs.list_dead_letter_source_queues(QueueUrl=dead)["queueUrls"], [source])
    sqs.send_message(QueueUrl=source, MessageBody="poison")
    check("Messages" in sqs.receive_message(QueueUrl=source, WaitTimeSeconds=2))
    expect_nothing(sqs, source, wait=0)
    message = sqs.receive_message(
        QueueUrl=dead, WaitTimeSeconds=5, VisibilityTimeout=0, MessageSystemAttributeNames=["All"]
    )["Messages"][0]
    equal(message["Body"], "poison")
    equal(message["Attributes"]["DeadLetterQueueSourceArn"], queue_arn(A, "source"))
    task = sqs.start_message_move_task(SourceArn=queue_arn(A, "dead"))
    check(task["TaskHandle"], task)
    harness.until(
        "the move completes",
        lambda: sqs.list_message_move_tasks(SourceArn=queue_arn(A, "dead"))["Results"][0]["Status"] == "COMPLETED",
    )
    equal(receive(sqs, source)["Body"], "poison")

    part("purge and delete")
    sqs.send_message(QueueUrl=dead, MessageBody="m")
    sqs.purge_queue(QueueUrl=dead)
    expect_nothing(sqs, dead, wait=0)
    fails(
        "AWS.SimpleQueueService.PurgeQueueInProgress", "Only one PurgeQueue operation on dead is allowed every 60 seconds",
        sqs.purge_queue, QueueUrl=dead,
    )
    for url in (dead, source):
        sqs.delete_queue(QueueUrl=url)
    fails(MISSING, "does not exist", sqs.send_message, QueueUrl=dead, MessageBody="m")


def across_accounts(url):
    part("another account, when the policy allows it")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow", "Principal": {"AWS": B}, "Action": ["sqs:SendMessage", "sqs:GetQueueUrl"],
                "Resource": queue_arn(A, "work"),
            }
        ],
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    equal(other.get_queue_url(QueueName="work", QueueOwnerAWSAccountId=A)["QueueUrl"], url)
    other.send_message(QueueUrl=url, MessageBody="from b")
    equal(receive(sqs, url)["Body"], "from b")
    fails("AccessDenied", "sqs:ReceiveMessage", other.receive_message, QueueUrl=url)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    fails("AccessDenied", "sqs:SendMessage", other.send_message, QueueUrl=url, MessageBody="m")


work = life()
messages(work)
long_polling(work)
dead_letters()
across_accounts(work)
