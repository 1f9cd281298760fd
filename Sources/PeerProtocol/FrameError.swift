/// Why bytes are not a frame.
public struct FrameError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The kinds of fault.
    public enum Code: String, Hashable, Sendable {
        /// The bytes end within a value.
        case truncated
        /// They do not begin like a frame of this kind.
        case notAFrame
        /// A version that this side does not speak.
        case unsupportedVersion
        /// A length or a count is beyond its limit.
        case tooLarge
        /// Something else is wrong; the message says what.
        case malformed
    }

    /// The kind of fault.
    public var code: Code
    /// What is wrong, for a person.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}
