import EventModel
import EventTransform
import Router

/// The business rules of PutTargets for one target (spec: patterns §4.7, control §4.3).
enum TargetRules {
    static func check(
        _ definition: JSONObject,
        id: String,
        arn: String,
        rule: String,
        bus: BusAddress
    ) throws(AWSError) {
        guard let parsed = ARN(arn) else {
            throw .validation("Parameter \(arn) is not valid. Reason: Provided Arn is not in correct format.")
        }
        switch parsed.service {
        case "sqs":
            try checkQueue(definition, id: id, arn: parsed)
        case "events" where parsed.resource.utf8.starts(with: "event-bus/".utf8):
            try checkBus(definition, id: id, arn: arn, bus: bus)
        default:
            throw .validation(
                "Parameter \(arn) is not valid. Reason: Busbar cannot deliver to targets of service "
                    + "'\(parsed.service)' yet; it delivers to queues (sqs) and event buses (events)."
            )
        }
        if let letters = definition["DeadLetterConfig"]?.object?["Arn"]?.string {
            try checkDeadLetterQueue(letters, region: bus.region)
        }
        do throws(TargetInputError) {
            _ = try TargetRevision.input(of: definition)
        } catch {
            throw .validation(error.message(targetID: id))
        }
    }

    private static func checkQueue(_ definition: JSONObject, id: String, arn: ARN) throws(AWSError) {
        guard AccountID(arn.account) != nil, !arn.region.isEmpty else {
            throw .validation("Parameter \(arn) is not valid. Reason: Provided Arn is not in correct format.")
        }
        guard !arn.resource.hasSuffix(".fifo") else {
            let group = definition["SqsParameters"]?.object?["MessageGroupId"]?.string ?? ""
            guard !group.isEmpty else {
                throw .validation("Parameter(s) SqsParameters must be specified for target: \(id).")
            }
            throw AWSError(.unsupported, "Busbar has no FIFO queues yet: \(arn).")
        }
    }

    private static func checkBus(
        _ definition: JSONObject,
        id: String,
        arn: String,
        bus: BusAddress
    ) throws(AWSError) {
        guard let destination = BusAddress(arn: arn) else {
            throw .validation("Parameter \(arn) is not valid. Reason: Provided Arn is not in correct format.")
        }
        guard destination != bus else {
            throw .validation("Parameter \(arn) is not valid. Reason: A rule's own event bus cannot be its target.")
        }
        for member in ["Input", "InputPath", "InputTransformer"] where definition[member] != nil {
            throw .validation("\(member) is not supported for target \(id): an event bus gets the event unchanged.")
        }
        guard definition["RetryPolicy"] == nil else {
            throw .validation("RetryPolicy is not supported for target \(id): its Arn is an event bus.")
        }
    }

    private static func checkDeadLetterQueue(_ text: String, region: String) throws(AWSError) {
        guard let arn = ARN(text), arn.service == "sqs", AccountID(arn.account) != nil, arn.region == region,
            !arn.resource.hasSuffix(".fifo")
        else {
            throw .validation(
                "Parameter DeadLetterConfig.Arn is not valid. Reason: "
                    + "It must be the Arn of a standard SQS queue in the rule's region: \(text)."
            )
        }
    }
}
