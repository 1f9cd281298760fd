/// The host and port of a request: its `host` field, `:authority`, or the authority of its target (RFC 9110 §7.2, RFC 3986
/// §3.2).
enum Authority {
    /// True for a host with or without a port, without user information. It may be empty, as RFC 9112 §3.2 has clients send it
    /// for a target without one.
    static func isValid(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { isValid($0) }
    }

    /// The same of bytes.
    static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let end = hostEnd(bytes) else { return false }
        guard end < bytes.count else { return true }
        guard bytes[end] == UInt8(ascii: ":") else { return false }
        var port = 0
        for index in (end + 1)..<bytes.count {
            guard bytes[index] >= 0x30, bytes[index] <= 0x39 else { return false }
            port = port * 10 + Int(bytes[index] - 0x30)
            if port > 65_535 { return false }
        }
        return true
    }

    /// Takes a target in absolute form apart (RFC 9112 §3.2.2).
    ///
    /// - Returns: its authority, and the rest in origin form; nil when the target is of another form.
    static func split(_ target: String, method: String) -> (authority: String, rest: String)? {
        // Nearly all targets are in origin form.
        guard target.utf8.first != UInt8(ascii: "/"),
            let scheme = ["http://", "https://"].first(where: { starts(target, with: $0) })
        else { return nil }
        let behind = target.utf8.dropFirst(scheme.utf8.count)
        let end = behind.firstIndex { "/?#".utf8.contains($0) } ?? behind.endIndex
        var rest = String(target[end...])
        // RFC 9112 §3.2.4 and RFC 9110 §4.2.3: no path means `/`, or `*` for OPTIONS.
        if rest.isEmpty { rest = method == "OPTIONS" ? "*" : "/" } else if !rest.hasPrefix("/") { rest = "/" + rest }
        return (String(target[behind.startIndex..<end]), rest)
    }

    private static func starts(_ text: String, with lowercase: String) -> Bool {
        text.utf8.count >= lowercase.utf8.count
            && zip(text.utf8, lowercase.utf8).allSatisfy { HeaderRules.lower($0) == $1 }
    }

    /// Where a host ends that is a name or an address; nil when it is neither.
    private static func hostEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        if bytes.first == UInt8(ascii: "[") { return literalEnd(bytes) }
        var index = 0
        while index < bytes.count, bytes[index] != UInt8(ascii: ":") {
            if isNameByte(bytes[index]) {
                index += 1
            } else {
                guard bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, isHex(bytes[index + 1]),
                    isHex(bytes[index + 2])
                else { return nil }
                index += 3
            }
        }
        return index
    }

    /// The same for an IPv6 address in brackets. It may have a zone, which a client should have left out (RFC 6874 §4).
    private static func literalEnd(_ bytes: UnsafeBufferPointer<UInt8>) -> Int? {
        guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
        var address = bytes[1..<close]
        if let percent = address.firstIndex(of: UInt8(ascii: "%")) {
            guard percent + 1 < close, bytes[(percent + 1)..<close].allSatisfy(isUnreserved) else { return nil }
            address = bytes[1..<percent]
        }
        guard address.count(where: { $0 == UInt8(ascii: ":") }) >= 2,
            address.allSatisfy({ isHex($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
        else { return nil }
        return close + 1
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
    }

    /// True for a letter, a digit, or one of -._~ (RFC 3986 §2.3).
    private static func isUnreserved(_ byte: UInt8) -> Bool {
        isNameByte(byte) && !"!$&'()*+,;=".utf8.contains(byte)
    }

    /// True for an unreserved character or a sub-delimiter (RFC 3986 §3.2.2).
    private static func isNameByte(_ byte: UInt8) -> Bool {
        let word = byte < 64 ? nameBytes.low : byte < 128 ? nameBytes.high : 0
        return word >> UInt64(byte & 63) & 1 == 1
    }

    /// One bit for each ASCII byte: digits and !$&'()*+,-.;= below 64, letters, _ and ~ above.
    private static let nameBytes: (low: UInt64, high: UInt64) = (0x2BFF_7FD2_0000_0000, 0x47FF_FFFE_87FF_FFFE)
}
