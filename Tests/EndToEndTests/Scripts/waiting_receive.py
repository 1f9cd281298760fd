"""Waits for a message of an empty queue while the node is stopped; any end of the wait is good."""

import threading

import harness

sqs = harness.client("sqs", "a")
url = sqs.create_queue(QueueName="empty")["QueueUrl"]


def receive():
    try:
        answer = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        harness.check("Messages" not in answer, answer)
    except Exception as failure:  # The connection may end without an answer.
        print(type(failure).__name__, flush=True)


thread = threading.Thread(target=receive)
thread.start()
harness.until("the receive waits", lambda: harness.metrics()["busbar_queue_waiters"] == 1)
print("waiting", flush=True)
thread.join(25)
harness.check(not thread.is_alive(), "the receive did not end with the node")
