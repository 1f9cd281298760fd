/// An error as an AWS client sees it: one row of ``AWSErrorKind`` and a message.
public struct AWSError: Error, Equatable, Sendable {
    /// The row of the error table.
    public var kind: AWSErrorKind
    /// The text for a person.
    public var message: String

    /// Creates an error.
    public init(_ kind: AWSErrorKind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// `ValidationException` with the given text.
    public static func validation(_ message: String) -> AWSError {
        AWSError(.validation, message)
    }
}

/// A row of the error table: how one error goes over the wire.
public struct AWSErrorKind: Hashable, Sendable {
    /// Whose fault an error is.
    public enum Fault: String, Sendable {
        /// The caller's.
        case sender = "Sender"
        /// The service's.
        case receiver = "Receiver"
    }

    /// The code in `__type`, or in the query protocol's `Code`.
    public var code: String
    /// The HTTP status.
    public var status: Int
    /// The code that query-compatible clients expect, when it differs (spec: control §1.6).
    public var legacyCode: String?
    /// Whose fault it is.
    public var fault: Fault

    /// Creates a row.
    public init(_ code: String, status: Int = 400, legacyCode: String? = nil, fault: Fault = .sender) {
        self.code = code
        self.status = status
        self.legacyCode = legacyCode
        self.fault = fault
    }
}
