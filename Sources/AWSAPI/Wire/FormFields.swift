import EventModel

/// The fields of a query-protocol request: a form body or a query string (spec: control §1.5).
enum FormFields {
    /// Fields that a request may have; the operations that are here need a handful.
    static let maximumFields = 200

    /// Reads `name=value` pairs joined with `&`; `+` is a space and `%XX` a byte. Names that come twice count once, the
    /// last.
    ///
    /// - Throws: ``AWSErrorKind/serialization`` when there are more than ``maximumFields``.
    static func parse(_ bytes: some Collection<UInt8>) throws(AWSError) -> JSONObject {
        let pairs = bytes.split(separator: UInt8(ascii: "&"), maxSplits: maximumFields)
        guard pairs.count <= maximumFields else {
            throw AWSError(.serialization, "The request has more than \(maximumFields) fields.")
        }
        var object = JSONObject()
        for pair in pairs {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = decode(parts[0])
            object[name] = .string(parts.count > 1 ? decode(parts[1]) : "")
        }
        return object
    }

    private static func decode(_ bytes: some Collection<UInt8>) -> String {
        var decoded: [UInt8] = []
        var pending: [UInt8] = []
        for byte in bytes {
            if !pending.isEmpty {
                pending.append(byte)
                guard pending.count == 3 else { continue }
                if let value = UInt8(String(decoding: pending[1...2], as: UTF8.self), radix: 16) {
                    decoded.append(value)
                } else {
                    decoded.append(contentsOf: pending)
                }
                pending = []
            } else if byte == UInt8(ascii: "%") {
                pending = [byte]
            } else {
                decoded.append(byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
            }
        }
        decoded.append(contentsOf: pending)
        return String(decoding: decoded, as: UTF8.self)
    }
}
