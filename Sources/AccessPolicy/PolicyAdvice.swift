import EventModel

/// A warning about a policy that is valid but probably does not do what its author wants.
public struct PolicyAdvice: Sendable, Hashable, CustomStringConvertible {
    /// The kinds of warning.
    public enum Warning: Sendable, Hashable {
        /// No action has that condition key.
        case unknownConditionKey(String)
        /// None of the statement's actions gives that condition key a value.
        case conditionKeyWithoutAction(String)
        /// A text that no ARN can match.
        case impossibleARN(String)
        /// An account id that has not twelve digits.
        case accountIDLength(String)
        /// A wildcard in a principal's ARN is literal there.
        case wildcardInPrincipal(String)
        /// A value that the operator cannot read, so that it never matches.
        case unreadableValue(name: String, value: String)
        /// A policy variable in a policy whose version does not have them.
        case variableIsLiteral(String)
        /// No action of the statement is ever used with one of its resources.
        case noActionForResource
        /// The statement can never match, because of the condition on that key.
        case conditionNeverHolds(key: String)
    }

    /// The statement's place in the policy, from zero.
    public var statementIndex: Int
    /// What to look at.
    public var warning: Warning

    /// The warning in words.
    public var description: String {
        let text =
            switch warning {
            case .unknownConditionKey(let key): "unknown condition key \(key)"
            case .conditionKeyWithoutAction(let key): "condition key \(key) has no value with any of these actions"
            case .impossibleARN(let arn): "no ARN can match \"\(arn)\""
            case .accountIDLength(let id): "account id \"\(id)\" has not twelve digits"
            case .wildcardInPrincipal(let name): "the wildcard in principal \"\(name)\" is literal"
            case .unreadableValue(let name, let value): "\(name) cannot read \"\(value)\", which so never matches"
            case .variableIsLiteral(let value): "\"\(value)\" is literal in this Version; variables need 2012-10-17"
            case .noActionForResource: "none of the actions is used with any of the resources"
            case .conditionNeverHolds(let key): "the statement never matches: its conditions on \(key) cannot hold"
            }
        return "statement \(statementIndex + 1): \(text)"
    }
}

extension PolicyDocument {
    /// Warnings about the policy, by statement in order.
    public var advice: [PolicyAdvice] {
        var advice: [PolicyAdvice] = []
        for (index, statement) in statements.enumerated() {
            let advisor = StatementAdvisor(statement: statement, version: version)
            var seen: Set<PolicyAdvice.Warning> = []
            for warning in advisor.warnings() where seen.insert(warning).inserted {
                advice.append(PolicyAdvice(statementIndex: index, warning: warning))
            }
        }
        return advice
    }
}
