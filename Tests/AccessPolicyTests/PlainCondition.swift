import AccessPolicy

/// Spec: control §8.5, one value against one value, then the quantifiers.
struct PlainCondition {
    var condition: PolicyStatement.Condition
    var expander: PlainExpander

    var holds: Bool {
        let values = expander.values(condition.key)
        let comparison = condition.comparison
        if comparison.comparison == .null { return condition.values.contains(values.isEmpty ? "true" : "false") }
        func holdsFor(_ value: String) -> Bool {
            let matches = condition.values.contains { equal(value, $0) }
            return comparison.isNegated ? !matches : matches
        }
        switch comparison.quantifier {
        case .forAllValues: return values.allSatisfy(holdsFor)
        case .forAnyValue: return values.isEmpty ? comparison.ifExists : values.contains(where: holdsFor)
        case .none:
            if values.isEmpty { return comparison.ifExists || comparison.isNegated }
            return values.count == 1 ? holdsFor(values[0]) : comparison.isNegated
        }
    }

    private func expanded(_ text: String, wildcards: Bool) -> [PlainGlob.Token]? {
        expander.tokens(text, wildcards: wildcards)
    }

    private func equal(_ value: String, _ listed: String) -> Bool {
        switch condition.comparison.comparison {
        case .stringEquals: return expanded(listed, wildcards: false).map { PlainGlob.matches($0, value) } ?? false
        case .stringLike: return expanded(listed, wildcards: true).map { PlainGlob.matches($0, value) } ?? false
        case .stringEqualsIgnoreCase:
            let tokens = expanded(listed.lowercased(), wildcards: false)?.map { token -> PlainGlob.Token in
                guard case .scalar(let scalar) = token else { return token }
                return .scalar(scalar.properties.lowercaseMapping.unicodeScalars.first ?? scalar)
            }
            return tokens.map { PlainGlob.matches($0, value.lowercased()) } ?? false
        case .arnEquals, .arnLike: return equalARN(value, listed)
        case .bool: return ["true", "false"].contains(listed) && value == listed
        case .ipAddress: return inside(value, listed)
        case .binaryEquals: return value == listed
        case .null: return false
        default: return equalNumber(value, listed)
        }
    }

    /// Numbers in tests are small; dates are of one format, in which the order of texts is the order of time.
    private func equalNumber(_ value: String, _ listed: String) -> Bool {
        let order: Int?
        if let left = Double(value), let right = Double(listed) {
            order = left < right ? -1 : left > right ? 1 : 0
        } else if value.hasSuffix("Z"), listed.hasSuffix("Z") {
            order = value < listed ? -1 : value > listed ? 1 : 0
        } else {
            order = nil
        }
        guard let order else { return false }
        switch condition.comparison.comparison {
        case .numericLessThan, .dateLessThan: return order < 0
        case .numericLessThanEquals, .dateLessThanEquals: return order <= 0
        case .numericGreaterThan, .dateGreaterThan: return order > 0
        case .numericGreaterThanEquals, .dateGreaterThanEquals: return order >= 0
        default: return order == 0
        }
    }

    private func equalARN(_ value: String, _ listed: String) -> Bool {
        let parts = value.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        // No variable in the tests' ARN patterns holds a comma or stands before the sixth part.
        let patterns = listed.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, patterns.count == 6 else { return false }
        return zip(parts, patterns).allSatisfy { part, pattern in
            expanded(String(pattern), wildcards: true).map { PlainGlob.matches($0, String(part)) } ?? false
        }
    }

    private func inside(_ value: String, _ listed: String) -> Bool {
        func bits(_ text: some StringProtocol) -> [Bool]? {
            let bytes = text.split(separator: ".").compactMap { UInt8($0) }
            guard bytes.count == 4 else { return nil }
            return bytes.flatMap { byte in (0..<8).reversed().map { byte >> $0 & 1 == 1 } }
        }
        let sides = listed.split(separator: "/")
        guard let address = bits(value), let block = bits(sides[0]) else { return false }
        let length = sides.count == 2 ? Int(sides[1]) ?? 32 : 32
        return address.prefix(length) == block.prefix(length)
    }
}
