import EventModel

/// Why a text is not a policy, and where.
public struct PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of fault.
    public enum Reason: Hashable, Sendable {
        /// The text is not JSON.
        case notJSON(JSONError.Reason)
        /// The text has more bytes than a policy may have.
        case tooLong(maximum: Int)
        /// An element has a value of the wrong type.
        case wrongType(element: String, expected: String)
        /// An element that the policy language does not have.
        case unknownElement(String)
        /// An element that stands twice in one object.
        case duplicateElement(String)
        /// An element that must be there.
        case missingElement(String)
        /// Two elements of which only one may be there.
        case exclusiveElements(String, String)
        /// An element that this kind of policy must not have.
        case elementNotAllowed(String)
        /// A list without values.
        case emptyList(String)
        /// A version other than the two there are.
        case invalidVersion(String)
        /// An effect other than `Allow` and `Deny`.
        case invalidEffect(String)
        /// A kind of principal that there is not.
        case unknownPrincipalType(String)
        /// A text that cannot be a principal.
        case invalidPrincipal(String)
        /// A text that is neither `service:Name` nor `*`.
        case invalidAction(String)
        /// A text that is neither an ARN nor `*`.
        case invalidResource(String)
        /// A statement id that another statement has.
        case duplicateStatementID(String)
        /// A condition operator that there is not.
        case unknownOperator(String)
    }

    /// What is wrong.
    public var reason: Reason
    /// Offset of the offending byte.
    public var offset: Int
    /// Its line, from 1.
    public var line: Int
    /// Its place in the line in characters, from 1.
    public var column: Int

    init(_ reason: Reason, at offset: Int, in text: [UInt8]) {
        self.reason = reason
        self.offset = offset
        line = 1
        column = 1
        for byte in text.prefix(offset) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if !Bytes.isContinuation(byte) {
                column += 1
            }
        }
    }

    /// Reason and place.
    public var description: String { "\(reason) (line \(line), column \(column))" }
}

extension PolicyError.Reason: CustomStringConvertible {
    /// The reason in words.
    public var description: String {
        switch self {
        case .notJSON(let reason): "not JSON: \(reason.rawValue)"
        case .tooLong(let maximum): "longer than \(maximum) bytes"
        case .wrongType(let element, let expected): "\(element) must be \(expected)"
        case .unknownElement(let name): "unknown element \"\(name)\""
        case .duplicateElement(let name): "element \"\(name)\" stands twice"
        case .missingElement(let name): "missing element \(name)"
        case .exclusiveElements(let one, let other): "\(one) and \(other) exclude each other"
        case .elementNotAllowed(let name): "\(name) is not allowed in this kind of policy"
        case .emptyList(let element): "\(element) must not be empty"
        case .invalidVersion(let text): "invalid Version \"\(text)\""
        case .invalidEffect(let text): "invalid Effect \"\(text)\""
        case .unknownPrincipalType(let text): "unknown kind of principal \"\(text)\""
        case .invalidPrincipal(let text): "invalid principal \"\(text)\""
        case .invalidAction(let text): "invalid action \"\(text)\""
        case .invalidResource(let text): "invalid resource \"\(text)\": neither an ARN nor *"
        case .duplicateStatementID(let text): "statement id \"\(text)\" stands twice"
        case .unknownOperator(let text): "unknown condition operator \"\(text)\""
        }
    }
}
