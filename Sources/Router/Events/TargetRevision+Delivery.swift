import EventModel
import EventTransform
import RetryControl

extension TargetRevision {
    /// The input form of a target definition, validated.
    ///
    /// - Parameter definition: the target as PutTargets got it.
    /// - Returns: the compiled form.
    /// - Throws: ``TargetInputError`` with the reason for the client.
    public static func input(of definition: JSONObject) throws(TargetInputError) -> TargetInput {
        var transformer: (variables: [InputVariable], template: String)?
        if let object = definition["InputTransformer"]?.object {
            let variables = (object["InputPathsMap"]?.object?.members ?? []).map { member in
                InputVariable(name: member.key, path: member.value.string ?? "")
            }
            transformer = (variables, object["InputTemplate"]?.string ?? "")
        }
        return try TargetInput(
            input: definition["Input"]?.string,
            inputPath: definition["InputPath"]?.string,
            transformer: transformer
        )
    }

    /// The retry policy of a target definition, with the service's defaults (spec: patterns §5.2).
    static func retryPolicy(of definition: JSONObject) -> RetryPolicy {
        let object = definition["RetryPolicy"]?.object
        return RetryPolicy(
            maximumRetryAttempts: object?["MaximumRetryAttempts"]?.integer ?? 185,
            maximumEventAgeInSeconds: object?["MaximumEventAgeInSeconds"]?.integer ?? 86_400
        ) ?? RetryPolicy()
    }
}

/// A target revision made ready for deliveries.
struct CompiledTarget {
    /// Where events of the target go.
    enum Destination {
        case queue(arn: String)
        case bus(BusAddress)
        case unsupported(String)
    }

    let revision: TargetRevision
    let destination: Destination
    let input: TargetInput
    let retryPolicy: RetryPolicy
    let deadLetterQueue: String?
    let roleARN: String?
    /// Names that every delivery carries.
    let names: Names

    /// ARNs of the rule, of its bus and of the principal that acts, and of the destination when that is a bus.
    struct Names {
        var rule: String
        var bus: String
        var principal: String
        var destination: String
    }

    init(_ revision: TargetRevision) {
        self.revision = revision
        let definition = revision.target.definition
        if let bus = BusAddress(arn: revision.target.arn) {
            destination = .bus(bus)
        } else if ARN(revision.target.arn)?.service == "sqs" {
            destination = .queue(arn: revision.target.arn)
        } else {
            destination = .unsupported(revision.target.arn)
        }
        input = (try? TargetRevision.input(of: definition)) ?? .event
        retryPolicy = TargetRevision.retryPolicy(of: definition)
        deadLetterQueue = definition["DeadLetterConfig"]?.object?["Arn"]?.string
        roleARN = definition["RoleArn"]?.string
        var names = Names(
            rule: revision.ruleARN,
            bus: revision.bus.arn,
            principal: roleARN ?? "arn:aws:iam::\(revision.bus.account):root",
            destination: ""
        )
        if case .bus(let bus) = destination { names.destination = bus.arn }
        self.names = names
    }
}
