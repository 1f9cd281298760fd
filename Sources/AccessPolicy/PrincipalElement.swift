import EventModel

/// Reads `Principal` and `NotPrincipal` (spec: control §8.2).
enum PrincipalElement {
    static func names(
        _ value: LocatedJSON,
        element: String,
        parser: PolicyParser
    ) throws(PolicyError) -> [PolicyStatement.Principals.Name] {
        if case .string(let text) = value.content {
            guard text.utf8.elementsEqual("*".utf8) else {
                throw parser.error(.invalidPrincipal(text), at: value.range.lowerBound)
            }
            return [.everyone]
        }
        let members = try parser.object(value, element, known: nil)
        guard !members.isEmpty else { throw parser.error(.emptyList(element), at: value.range.lowerBound) }
        var names: [PolicyStatement.Principals.Name] = []
        for member in members {
            for item in try parser.strings(member.value, member.key) {
                switch member.key {
                case "AWS":
                    guard let name = aws(item.text) else {
                        throw parser.error(.invalidPrincipal(item.text), at: item.offset)
                    }
                    names.append(name)
                case "Service": names.append(.service(item.text))
                case "Federated": names.append(.federated(item.text))
                case "CanonicalUser": names.append(.canonicalUser(item.text))
                default: throw parser.error(.unknownPrincipalType(member.key), at: member.keyOffset)
                }
            }
        }
        return names
    }

    /// An account, or an ARN of `iam` or `sts` in one. Wildcards inside stay literal and so match nobody.
    private static func aws(_ text: String) -> PolicyStatement.Principals.Name? {
        if text.utf8.elementsEqual("*".utf8) { return .everyone }
        if AccountID(text) != nil { return .aws(text) }
        guard let arn = ARN(text), arn.region.isEmpty, AccountID(arn.account) != nil else { return nil }
        let kinds = arn.service == "iam" ? ["user/", "role/"] : ["assumed-role/", "federated-user/"]
        guard arn.service == "iam" || arn.service == "sts" else { return nil }
        if arn.service == "iam", arn.resource.utf8.elementsEqual("root".utf8) { return .aws(text) }
        let isKnown = kinds.contains {
            arn.resource.utf8.starts(with: $0.utf8) && arn.resource.utf8.count > $0.utf8.count
        }
        return isKnown ? .aws(text) : nil
    }
}
