import EventModel

/// Reads the members of an SQS request: a wrong JSON type is a serialization error, an absent required member is
/// `MissingParameter` (spec: control §13.6). `null` counts as absent.
struct QueueInput {
    let object: JSONObject

    init(_ object: JSONObject) {
        self.object = object
    }

    private func member(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    static func mistyped(_ name: String, _ expected: String) -> AWSError {
        AWSError(.serialization, "\(name) must be \(expected)")
    }

    static func missing(_ name: String) -> AWSError {
        AWSError(.missingParameter, "The request must contain the parameter \(name).")
    }

    static func invalid(_ value: some CustomStringConvertible, _ name: String, _ reason: String) -> AWSError {
        AWSError(.invalidParameterValue, "Value \(value) for parameter \(name) is invalid. Reason: \(reason)")
    }

    func string(_ name: String) throws(AWSError) -> String? {
        guard let value = member(name) else { return nil }
        guard let text = value.string else { throw Self.mistyped(name, "a string") }
        return text
    }

    func required(_ name: String) throws(AWSError) -> String {
        guard let text = try string(name), !text.isEmpty else { throw Self.missing(name) }
        return text
    }

    /// A whole number between bounds; `reason` is what the error says of them.
    func integer(_ name: String, _ range: ClosedRange<Int>, _ reason: String) throws(AWSError) -> Int? {
        guard let value = member(name) else { return nil }
        guard let number = value.integer else { throw Self.mistyped(name, "an integer") }
        guard range.contains(number) else { throw Self.invalid(number, name, reason) }
        return number
    }

    func strings(_ name: String) throws(AWSError) -> [String]? {
        guard let value = member(name) else { return nil }
        guard let elements = value.array else { throw Self.mistyped(name, "a list of strings") }
        var result: [String] = []
        for element in elements {
            guard let text = element.string else { throw Self.mistyped(name, "a list of strings") }
            result.append(text)
        }
        return result
    }

    /// A map of strings in the order sent; of a repeated name the last value counts.
    func pairs(_ name: String) throws(AWSError) -> [(key: String, value: String)]? {
        guard let value = member(name) else { return nil }
        guard let members = value.object?.members else { throw Self.mistyped(name, "a map of strings") }
        // No map of the service has more than 50 members; a longer one is not worth reading.
        guard members.count <= 200 else { throw Self.mistyped(name, "a map of at most 200 members") }
        var last: [[UInt8]: Int] = [:]
        for (index, member) in members.enumerated() { last[Array(member.key.utf8)] = index }
        var result: [(key: String, value: String)] = []
        for (index, member) in members.enumerated() {
            guard let text = member.value.string else { throw Self.mistyped(name, "a map of strings") }
            if last[Array(member.key.utf8)] == index { result.append((member.key, text)) }
        }
        return result
    }

    func objects(_ name: String) throws(AWSError) -> [JSONObject]? {
        guard let value = member(name) else { return nil }
        guard let elements = value.array else { throw Self.mistyped(name, "a list of objects") }
        var result: [JSONObject] = []
        for element in elements {
            guard let members = element.object else { throw Self.mistyped(name, "a list of objects") }
            result.append(members)
        }
        return result
    }

    func map(_ name: String) throws(AWSError) -> JSONObject? {
        guard let value = member(name) else { return nil }
        guard let members = value.object else { throw Self.mistyped(name, "a map") }
        return members
    }
}
