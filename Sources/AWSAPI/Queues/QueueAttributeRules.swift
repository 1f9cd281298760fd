import EventModel
import Router

/// What the attributes of a queue may be (spec: control §13.2).
enum QueueAttributeRules {
    /// Names that GetQueueAttributes knows.
    static let readable = settable + computed + onlyFIFO

    /// Names that clients set.
    static let settable = [
        "DelaySeconds", "KmsDataKeyReusePeriodSeconds", "KmsMasterKeyId", "MaximumMessageSize",
        "MessageRetentionPeriod", "Policy", "ReceiveMessageWaitTimeSeconds", "RedriveAllowPolicy", "RedrivePolicy",
        "SqsManagedSseEnabled", "VisibilityTimeout",
    ]

    /// Names whose values the service computes.
    static let computed = [
        "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
        "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
    ]

    static let onlyFIFO = ["ContentBasedDeduplication", "DeduplicationScope", "FifoQueue", "FifoThroughputLimit"]

    /// Texts that the empty string takes off a queue.
    private static let removable = ["KmsMasterKeyId", "Policy", "RedriveAllowPolicy", "RedrivePolicy"]

    private static let ranges: [(name: String, range: ClosedRange<Int>)] = [
        ("DelaySeconds", 0...900),
        ("KmsDataKeyReusePeriodSeconds", 60...86_400),
        ("MaximumMessageSize", 1_024...1_048_576),
        ("MessageRetentionPeriod", 60...1_209_600),
        ("ReceiveMessageWaitTimeSeconds", 0...20),
        ("VisibilityTimeout", 0...43_200),
    ]

    static func contains(_ names: [String], _ name: String) -> Bool {
        names.contains { $0.utf8.elementsEqual(name.utf8) }
    }

    static func unknown(_ name: String) -> AWSError {
        AWSError(.invalidAttributeName, "Unknown Attribute \(name).")
    }

    /// An out-of-range value; `reason` says more where there is more to say.
    static func invalid(_ name: String, _ reason: String? = nil) -> AWSError {
        let text = "Invalid value for the parameter \(name)."
        return AWSError(.invalidAttributeValue, reason.map { "\(text) Reason: \($0)" } ?? text)
    }

    /// Checks attributes one by one and turns them into changes.
    static func changes(
        _ given: [(key: String, value: String)],
        fault faultInPolicy: (String) -> String?
    ) throws(AWSError) -> [QueueAttributeChange] {
        var changes: [QueueAttributeChange] = []
        for (name, value) in given {
            try check(name, value, faultInPolicy)
            changes.append((name, value.isEmpty ? nil : value))
        }
        let kms = given.contains { $0.key == "KmsMasterKeyId" && !$0.value.isEmpty }
        let managed = given.contains { $0.key == "SqsManagedSseEnabled" && $0.value == "true" }
        if kms, managed {
            throw invalid("SqsManagedSseEnabled", "A queue has either a KMS key or SQS-managed encryption, not both.")
        }
        if managed { changes.append(("KmsMasterKeyId", nil)) }
        if kms, !given.contains(where: { $0.key == "SqsManagedSseEnabled" }) {
            changes.append(("SqsManagedSseEnabled", nil))
        }
        return changes
    }

    private static func check(
        _ name: String,
        _ value: String,
        _ faultInPolicy: (String) -> String?
    ) throws(AWSError) {
        if contains(onlyFIFO, name) {
            guard name == "FifoQueue" else {
                throw AWSError(
                    .invalidAttributeName,
                    "You can specify the \(name) only when FifoQueue is set to true."
                )
            }
            throw unknown(name)
        }
        guard contains(settable, name) else { throw unknown(name) }
        if value.isEmpty {
            guard contains(removable, name) else { throw invalid(name) }
            return
        }
        if let range = ranges.first(where: { $0.name == name })?.range {
            guard value.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let number = Int(value), range.contains(number)
            else { throw invalid(name) }
            return
        }
        switch name {
        case "SqsManagedSseEnabled":
            guard value == "true" || value == "false" else { throw invalid(name) }
        case "Policy":
            if let fault = faultInPolicy(value) { throw invalid(name, fault) }
        case "RedrivePolicy":
            guard RedrivePolicy(value) != nil else {
                throw invalid(name, "It needs deadLetterTargetArn, a queue, and maxReceiveCount, from 1 to 1000.")
            }
        case "RedriveAllowPolicy":
            guard RedriveAllowPolicy(value) != nil else {
                throw invalid(
                    name,
                    "It needs redrivePermission, one of allowAll, denyAll and byQueue; byQueue needs up to 10 sourceQueueArns."
                )
            }
        default: break
        }
    }
}
