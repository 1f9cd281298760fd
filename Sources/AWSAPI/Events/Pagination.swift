import EventModel

/// Pages of lists ordered by name (spec: control §1.9).
struct Page {
    private let limit: Int
    private let after: String?

    /// Reads `Limit` and `NextToken`; the token is the base-16 form of the last name of the page before.
    init(_ checker: inout ConstraintChecker) throws(AWSError) {
        limit = checker.integer("Limit", range: 1...100) ?? 100
        guard let token = checker.string("NextToken", length: 1...2_048) else {
            after = nil
            return
        }
        guard let name = Self.decode(token) else {
            throw .validation("Parameter NextToken is not valid. Reason: The token was not issued by this service.")
        }
        after = name
    }

    /// Cuts the page out of names in UTF-8 order; `token` is nil on the last page.
    func cut(_ names: [String]) -> (names: ArraySlice<String>, token: String?) {
        var start = 0
        if let after {
            start = names.firstIndex { after.utf8.lexicographicallyPrecedes($0.utf8) } ?? names.count
        }
        let end = min(names.count, start + limit)
        let page = names[start..<end]
        guard end < names.count, let last = page.last else { return (page, nil) }
        return (page, Self.encode(last))
    }

    private static func encode(_ name: String) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        for byte in name.utf8 {
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func decode(_ token: String) -> String? {
        let bytes = Array(token.utf8)
        guard bytes.count % 2 == 0 else { return nil }
        var name: [UInt8] = []
        for index in stride(from: 0, to: bytes.count, by: 2) {
            guard let byte = UInt8(String(decoding: bytes[index...(index + 1)], as: UTF8.self), radix: 16) else {
                return nil
            }
            name.append(byte)
        }
        return String(validating: name, as: UTF8.self)
    }
}

extension JSONObject {
    /// Sets a string member unless the value is nil.
    mutating func put(_ key: String, _ value: String?) {
        if let value { members.append(Member(key: key, value: .string(value))) }
    }

    /// Sets a member unless the value is nil.
    mutating func put(_ key: String, _ value: JSONValue?) {
        if let value { members.append(Member(key: key, value: value)) }
    }
}
