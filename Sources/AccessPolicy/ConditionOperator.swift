/// A condition operator with its modifiers, e.g. `ForAllValues:StringLikeIfExists` (spec: control §8.5).
public struct ConditionOperator: Hashable, Sendable, CustomStringConvertible {
    /// How a value is compared, negation aside.
    public enum Comparison: String, Hashable, Sendable, CaseIterable {
        /// Exact text.
        case stringEquals = "StringEquals"
        /// Text without regard to letter case.
        case stringEqualsIgnoreCase = "StringEqualsIgnoreCase"
        /// Text with `*` and `?`.
        case stringLike = "StringLike"
        /// Equal numbers.
        case numericEquals = "NumericEquals"
        /// A smaller number.
        case numericLessThan = "NumericLessThan"
        /// A number at most as large.
        case numericLessThanEquals = "NumericLessThanEquals"
        /// A larger number.
        case numericGreaterThan = "NumericGreaterThan"
        /// A number at least as large.
        case numericGreaterThanEquals = "NumericGreaterThanEquals"
        /// The same instant.
        case dateEquals = "DateEquals"
        /// An earlier instant.
        case dateLessThan = "DateLessThan"
        /// That instant or an earlier one.
        case dateLessThanEquals = "DateLessThanEquals"
        /// A later instant.
        case dateGreaterThan = "DateGreaterThan"
        /// That instant or a later one.
        case dateGreaterThanEquals = "DateGreaterThanEquals"
        /// Truth values.
        case bool = "Bool"
        /// Bytes, written in base64.
        case binaryEquals = "BinaryEquals"
        /// An address within a block.
        case ipAddress = "IpAddress"
        /// ARNs part by part with wildcards.
        case arnEquals = "ArnEquals"
        /// The same as `arnEquals`.
        case arnLike = "ArnLike"
        /// Whether the key is absent.
        case null = "Null"
    }

    /// How the values of a key with several values count.
    public enum Quantifier: String, Hashable, Sendable {
        /// One value is expected.
        case none = ""
        /// Every value of the request must match.
        case forAllValues = "ForAllValues:"
        /// One value of the request must match.
        case forAnyValue = "ForAnyValue:"
    }

    /// The comparison.
    public var comparison: Comparison
    /// Whether the comparison must fail for every listed value.
    public var isNegated: Bool
    /// Whether an absent key satisfies the condition.
    public var ifExists: Bool
    /// The set modifier.
    public var quantifier: Quantifier

    /// Parses a name as written in policies; nil for an unknown one.
    public init?(_ name: String) {
        var rest = Array(name.utf8)
        quantifier = .none
        for candidate in [Quantifier.forAllValues, .forAnyValue] where rest.starts(with: candidate.rawValue.utf8) {
            quantifier = candidate
            rest.removeFirst(candidate.rawValue.utf8.count)
            break
        }
        let suffix = Array("IfExists".utf8)
        ifExists = rest.count > suffix.count && rest.suffix(suffix.count).elementsEqual(suffix)
        if ifExists { rest.removeLast(suffix.count) }
        let base = String(decoding: rest, as: UTF8.self)
        if let negated = Self.negated(base) {
            comparison = negated
            isNegated = true
        } else if let plain = Comparison(rawValue: base), plain.rawValue.utf8.elementsEqual(rest) {
            comparison = plain
            isNegated = false
        } else {
            return nil
        }
        // `Null` asks about presence itself, so neither modifier has a meaning with it.
        if comparison == .null, ifExists || quantifier != .none { return nil }
    }

    /// The name as written in policies.
    public var description: String {
        quantifier.rawValue + (isNegated ? negatedName : comparison.rawValue) + (ifExists ? "IfExists" : "")
    }

    private static func negated(_ name: String) -> Comparison? {
        switch name {
        case "StringNotEquals": .stringEquals
        case "StringNotEqualsIgnoreCase": .stringEqualsIgnoreCase
        case "StringNotLike": .stringLike
        case "NumericNotEquals": .numericEquals
        case "DateNotEquals": .dateEquals
        case "NotIpAddress": .ipAddress
        case "ArnNotEquals": .arnEquals
        case "ArnNotLike": .arnLike
        default: nil
        }
    }

    private var negatedName: String {
        switch comparison {
        case .stringEquals: "StringNotEquals"
        case .stringEqualsIgnoreCase: "StringNotEqualsIgnoreCase"
        case .stringLike: "StringNotLike"
        case .numericEquals: "NumericNotEquals"
        case .dateEquals: "DateNotEquals"
        case .ipAddress: "NotIpAddress"
        case .arnEquals: "ArnNotEquals"
        case .arnLike: "ArnNotLike"
        default: comparison.rawValue
        }
    }

    /// Whether `${…}` is replaced in values (spec: control §8.6).
    var takesVariables: Bool {
        switch comparison {
        case .stringEquals, .stringEqualsIgnoreCase, .stringLike, .arnEquals, .arnLike, .bool: true
        default: false
        }
    }
}
