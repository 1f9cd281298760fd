# Buses, a rule, a target, a queue and policies of account b, as the unmodified AWS provider makes them.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "endpoint" {
  type = string
}

variable "description" {
  type    = string
  default = "first"
}

provider "aws" {
  profile = "b"
  region  = "us-east-1"

  endpoints {
    eventbridge = var.endpoint
    sqs         = var.endpoint
    sts         = var.endpoint
  }
}

resource "aws_cloudwatch_event_bus" "orders" {
  name        = "tf-orders"
  description = var.description
  tags        = { team = "shop" }
}

resource "aws_cloudwatch_event_bus" "other" {
  name = "tf-other"
}

resource "aws_cloudwatch_event_permission" "account_a" {
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  principal      = "111122223333"
  statement_id   = "account-a"
}

resource "aws_cloudwatch_event_bus_policy" "other" {
  event_bus_name = aws_cloudwatch_event_bus.other.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "account-a"
      Effect    = "Allow"
      Principal = { AWS = "arn:aws:iam::111122223333:root" }
      Action    = ["events:PutEvents"]
      Resource  = aws_cloudwatch_event_bus.other.arn
    }]
  })
}

resource "aws_cloudwatch_event_rule" "shop" {
  name           = "shop"
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  description    = var.description
  event_pattern  = jsonencode({ source = ["shop"], detail = { price = [{ numeric = [">", 10] }] } })
  tags           = { team = "shop" }
}

resource "aws_sqs_queue" "orders" {
  name                       = "tf-orders"
  visibility_timeout_seconds = 45
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = 4
  })
  tags = { team = "shop" }
}

resource "aws_sqs_queue" "dead" {
  name = "tf-dead"
}

resource "aws_sqs_queue_policy" "orders" {
  queue_url = aws_sqs_queue.orders.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = aws_sqs_queue.orders.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.shop.arn } }
    }]
  })
}

resource "aws_cloudwatch_event_target" "orders" {
  rule           = aws_cloudwatch_event_rule.shop.name
  event_bus_name = aws_cloudwatch_event_bus.orders.name
  target_id      = "queue"
  arn            = aws_sqs_queue.orders.arn

  input_transformer {
    input_paths    = { price = "$.detail.price" }
    input_template = "{\"price\": <price>}"
  }

  retry_policy {
    maximum_retry_attempts       = 5
    maximum_event_age_in_seconds = 600
  }

  dead_letter_config {
    arn = aws_sqs_queue.dead.arn
  }
}

output "queue_url" {
  value = aws_sqs_queue.orders.id
}

output "bus_arn" {
  value = aws_cloudwatch_event_bus.orders.arn
}
