import EventModel

/// Reads the members of a request and collects every violated constraint of the service model, to answer them together.
///
/// Spec: control §1.10, patterns §1.8. A member of a wrong JSON type is a ``AWSErrorKind/serialization`` error instead.
public struct ConstraintChecker {
    private let object: JSONObject
    private let path: String
    private var violations: [String] = []
    private var typeFault: String?

    /// Creates a checker for the members of `object`; `path` is put before member names, e.g. `targets.1.member`.
    public init(_ object: JSONObject, path: String = "") {
        self.object = object
        self.path = path.isEmpty ? "" : path + "."
    }

    /// Reads a string member.
    public mutating func string(
        _ name: String,
        required: Bool = false,
        length: ClosedRange<Int>? = nil,
        pattern: TextPattern? = nil,
        oneOf values: [String]? = nil
    ) -> String? {
        guard let value = member(name, required: required) else { return nil }
        guard let text = value.string else {
            mistyped(name, "a string")
            return nil
        }
        check(text, at: path + Self.memberName(name), length: length, pattern: pattern, oneOf: values)
        return text
    }

    /// Checks one text against constraints under an explicit member path.
    public mutating func check(
        _ text: String,
        at member: String,
        length: ClosedRange<Int>? = nil,
        pattern: TextPattern? = nil,
        oneOf values: [String]? = nil
    ) {
        if let pattern, !pattern.matches(text) {
            violate(quoted: text, member, "Member must satisfy regular expression pattern: \(pattern.text)")
        }
        if let length {
            let count = text.utf16.count
            if count > length.upperBound {
                violate(quoted: text, member, "Member must have length less than or equal to \(length.upperBound)")
            } else if count < length.lowerBound {
                violate(quoted: text, member, "Member must have length greater than or equal to \(length.lowerBound)")
            }
        }
        if let values, !values.contains(where: { $0.utf8.elementsEqual(text.utf8) }) {
            violate(quoted: text, member, "Member must satisfy enum value set: [\(values.joined(separator: ", "))]")
        }
    }

    /// Notes a violated constraint of a member that is printed as `mapText`.
    public mutating func check(mapText: String, at member: String, constraint: String) {
        violate(quoted: mapText, member, constraint)
    }

    /// Reads a whole-number member.
    public mutating func integer(_ name: String, required: Bool = false, range: ClosedRange<Int>? = nil) -> Int? {
        guard let value = member(name, required: required) else { return nil }
        guard let number = value.integer else {
            mistyped(name, "an integer")
            return nil
        }
        if let range {
            let member = path + Self.memberName(name)
            if number > range.upperBound {
                violate(
                    quoted: String(number),
                    member,
                    "Member must have value less than or equal to \(range.upperBound)"
                )
            } else if number < range.lowerBound {
                violate(
                    quoted: String(number),
                    member,
                    "Member must have value greater than or equal to \(range.lowerBound)"
                )
            }
        }
        return number
    }

    /// Reads a number of seconds since the epoch, or an ISO text that is left for the caller to refuse.
    public mutating func number(_ name: String) -> Double? {
        guard let value = member(name, required: false) else { return nil }
        guard let number = value.double else {
            mistyped(name, "a number")
            return nil
        }
        return number
    }

    /// Reads a truth value.
    public mutating func bool(_ name: String) -> Bool? {
        guard let value = member(name, required: false) else { return nil }
        guard let flag = value.bool else {
            mistyped(name, "a boolean")
            return nil
        }
        return flag
    }

    /// Reads an object member.
    public mutating func object(_ name: String, required: Bool = false) -> JSONObject? {
        guard let value = member(name, required: required) else { return nil }
        guard let members = value.object else {
            mistyped(name, "an object")
            return nil
        }
        return members
    }

    /// Reads a list member. `print` gives the elements' text for a violated length.
    public mutating func list(
        _ name: String,
        required: Bool = false,
        length: ClosedRange<Int>? = nil,
        print: (JSONValue) -> String = { $0.string ?? $0.text }
    ) -> [JSONValue]? {
        guard let value = member(name, required: required) else { return nil }
        guard let elements = value.array else {
            mistyped(name, "a list")
            return nil
        }
        if let length {
            let bound: String?
            if elements.count > length.upperBound {
                bound = "less than or equal to \(length.upperBound)"
            } else if elements.count < length.lowerBound {
                bound = "greater than or equal to \(length.lowerBound)"
            } else {
                bound = nil
            }
            if let bound {
                let text = "[" + elements.map(print).joined(separator: ", ") + "]"
                violate(quoted: text, path + Self.memberName(name), "Member must have length \(bound)")
            }
        }
        return elements
    }

    /// Reads a list of strings, each checked on its own.
    public mutating func strings(
        _ name: String,
        required: Bool = false,
        length: ClosedRange<Int>? = nil,
        element: ClosedRange<Int>? = nil
    ) -> [String]? {
        guard let elements = list(name, required: required, length: length) else { return nil }
        var result: [String] = []
        for (index, value) in elements.enumerated() {
            guard let text = value.string else {
                mistyped(name, "a list of strings")
                return nil
            }
            check(text, at: "\(path)\(Self.memberName(name)).\(index + 1).member", length: element)
            result.append(text)
        }
        return result
    }

    /// Takes over the violations that a nested checker found.
    public mutating func absorb(_ nested: ConstraintChecker) {
        violations += nested.violations
        typeFault = typeFault ?? nested.typeFault
    }

    /// Notes that an element has the wrong JSON type.
    public mutating func mistyped(_ name: String, _ expected: String) {
        typeFault = typeFault ?? "\(path)\(Self.memberName(name)) must be \(expected)"
    }

    /// Throws what was found.
    public func finish() throws(AWSError) {
        if let typeFault { throw AWSError(.serialization, typeFault) }
        guard !violations.isEmpty else { return }
        let noun = violations.count == 1 ? "validation error" : "validation errors"
        throw .validation("\(violations.count) \(noun) detected: " + violations.joined(separator: "; "))
    }

    private func present(_ name: String) -> JSONValue? {
        guard let value = object[name], !value.isNull else { return nil }
        return value
    }

    private mutating func member(_ name: String, required: Bool) -> JSONValue? {
        if let value = present(name) { return value }
        if required {
            violations.append(
                "Value null at '\(path)\(Self.memberName(name))' failed to satisfy constraint: Member must not be null"
            )
        }
        return nil
    }

    private mutating func violate(quoted value: String, _ member: String, _ constraint: String) {
        violations.append("Value '\(value)' at '\(member)' failed to satisfy constraint: \(constraint)")
    }

    /// The member's name with its first letter in lower case; `ARN` at the end keeps its form.
    private static func memberName(_ name: String) -> String {
        guard let first = name.first else { return name }
        return first.lowercased() + name.dropFirst()
    }
}
