"""A node of `busbar serve` with two accounts: both keys work, limits hold, and the admin address is apart."""

import json
import os

import boto3

import harness
from harness import B, bus_arn, check, equal, fails

keys = {
    "a": ("AKIATESTACCOUNTA", "an-account-a-secret-of-forty-characters!"),
    "b": ("AKIATESTACCOUNTB", "an-account-b-secret-of-forty-characters!"),
}


def client(service, name):
    key, secret = keys[name]
    return boto3.client(
        service, endpoint_url=harness.ENDPOINT, region_name=harness.REGION, aws_access_key_id=key,
        aws_secret_access_key=secret,
    )


equal(client("sts", "a").get_caller_identity()["Account"], harness.A)
equal(client("sts", "b").get_caller_identity()["Account"], B)
events, sqs = client("events", "b"), client("sqs", "b")
events.create_event_bus(Name="orders")
events.put_permission(EventBusName="orders", StatementId="a", Action="events:PutEvents", Principal=harness.A)
for number in range(3):
    events.put_rule(Name=f"r{number}", EventBusName="orders", EventPattern='{"source":["shop"]}')
fails(
    "LimitExceededException", "The requested resource exceeds the maximum number allowed.", events.put_rule,
    Name="r3", EventBusName="orders", EventPattern='{"source":["shop"]}',
)
url = harness.make_queue(sqs, B, "orders")
events.put_targets(Rule="r0", EventBusName="orders", Targets=[{"Id": "q", "Arn": harness.queue_arn(B, "orders")}])
[event_id] = harness.put(client("events", "a"), harness.entry(1, bus=bus_arn(B, "orders")))
equal(json.loads(harness.receive(sqs, url)["Body"])["id"], event_id)

admin = os.environ["BUSBAR_ADMIN"]
equal(harness.page("/livez", admin), (200, "ok\n"))
equal(harness.page("/readyz", admin), (200, "ok\n"))
check('busbar_events_accepted_total{account="444455556666"' in harness.page("/metrics", admin)[1])
for path in ("/livez", "/readyz", "/metrics"):
    status, text = harness.page(path)
    check(status >= 400 and "busbar_" not in text, f"{path} is served on the API address: {status}")
