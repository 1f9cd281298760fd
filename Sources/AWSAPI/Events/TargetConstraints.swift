import EventModel

/// The service model's constraints on a target of PutTargets (spec: control §4.3).
enum TargetConstraints {
    static func check(_ checker: inout ConstraintChecker, path: String) {
        _ = checker.string("Id", required: true, length: 1...64, pattern: .name)
        _ = checker.string("Arn", required: true, length: 1...1_600)
        _ = checker.string("RoleArn", length: 1...1_600)
        _ = checker.string("Input", length: 0...8_192)
        _ = checker.string("InputPath", length: 0...256)
        if let transformer = checker.object("InputTransformer") {
            var nested = ConstraintChecker(transformer, path: "\(path).inputTransformer")
            checkTransformer(&nested, path: "\(path).inputTransformer")
            checker.absorb(nested)
        }
        if let queue = checker.object("SqsParameters") {
            var nested = ConstraintChecker(queue, path: "\(path).sqsParameters")
            _ = nested.string("MessageGroupId", length: 0...100)
            checker.absorb(nested)
        }
        if let letters = checker.object("DeadLetterConfig") {
            var nested = ConstraintChecker(letters, path: "\(path).deadLetterConfig")
            _ = nested.string("Arn", length: 1...1_600)
            checker.absorb(nested)
        }
        if let retry = checker.object("RetryPolicy") {
            var nested = ConstraintChecker(retry, path: "\(path).retryPolicy")
            _ = nested.integer("MaximumRetryAttempts", range: 0...185)
            _ = nested.integer("MaximumEventAgeInSeconds", range: 60...86_400)
            checker.absorb(nested)
        }
    }

    private static func checkTransformer(_ checker: inout ConstraintChecker, path: String) {
        if let map = checker.object("InputPathsMap") {
            if map.members.count > 100 {
                let pairs = map.members.map { "\($0.key)=\($0.value.string ?? $0.value.text)" }
                checker.check(
                    mapText: "{" + pairs.joined(separator: ", ") + "}",
                    at: "\(path).inputPathsMap",
                    constraint: "Member must have length less than or equal to 100"
                )
            }
            for member in map.members {
                checker.check(
                    member.key,
                    at: "\(path).inputPathsMap",
                    length: 1...256,
                    pattern: .inputPathKey
                )
                guard let value = member.value.string else {
                    checker.mistyped("InputPathsMap", "a map of strings")
                    return
                }
                checker.check(value, at: "\(path).inputPathsMap.\(member.key).member", length: 0...256)
            }
        }
        _ = checker.string("InputTemplate", required: true, length: 1...8_192)
    }
}
