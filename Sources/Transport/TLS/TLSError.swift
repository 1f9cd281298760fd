import COpenSSL

/// Why a context could not be made, or a connection could not go on.
public struct TLSError: Error, Hashable, CustomStringConvertible {
    /// What was being done, e.g. `handshake`.
    public var operation: String
    /// OpenSSL's reasons, oldest first, or the transport's own when OpenSSL gave none.
    public var reason: String

    /// Creates an error.
    public init(operation: String, reason: String) {
        self.operation = operation
        self.reason = reason
    }

    /// The operation and the reason.
    public var description: String { "\(operation): \(reason)" }

    /// Makes an error of everything in this thread's OpenSSL error queue, and empties the queue.
    static func fromQueue(_ operation: String) -> TLSError {
        var reasons: [String] = []
        while reasons.count < 8 {
            let code = ERR_get_error()
            if code == 0 { break }
            if let text = ERR_reason_error_string(code) {
                reasons.append(String(cString: text))
            } else {
                reasons.append("error \(busbar_ERR_reason(code))")
            }
        }
        ERR_clear_error()
        return TLSError(
            operation: operation,
            reason: reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; ")
        )
    }
}
