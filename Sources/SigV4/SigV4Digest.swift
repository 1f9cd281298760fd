/// SHA-256 and HMAC-SHA-256, supplied from outside so that this module needs no cryptography library.
///
/// Both functions write straight into the caller's memory, which lets an implementation pass the pointers on to a C
/// library without a copy. A buffer may be empty, and its base address is then nil.
public protocol SigV4Digest {
    /// Writes the SHA-256 of `message` into `result`, which holds exactly 32 bytes and does not overlap `message`.
    func sha256(_ message: UnsafeRawBufferPointer, into result: UnsafeMutableRawBufferPointer)

    /// Writes the HMAC-SHA-256 of `message` under `key` into `result`, which holds exactly 32 bytes and overlaps neither.
    func hmacSHA256(
        key: UnsafeRawBufferPointer,
        message: UnsafeRawBufferPointer,
        into result: UnsafeMutableRawBufferPointer
    )
}

/// The 32 bytes of a SHA-256 or HMAC-SHA-256, kept without an allocation.
public struct SHA256Hash: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init(filledBy fill: (UnsafeMutableRawBufferPointer) -> Void) {
        withUnsafeMutableBytes(of: &words) { fill($0) }
    }

    /// The bytes in order.
    public var bytes: [UInt8] {
        withBytes { [UInt8]($0) }
    }

    /// The bytes as 64 lower-case hexadecimal digits.
    public var hexadecimal: String {
        var digits: [UInt8] = []
        appendHexadecimal(to: &digits)
        return String(decoding: digits, as: UTF8.self)
    }

    func appendHexadecimal(to out: inout [UInt8]) {
        let base = out.count
        out.append(contentsOf: repeatElement(0, count: 64))
        var digits = out.mutableSpan
        withBytes { bytes in
            for index in 0..<32 {
                digits[base + 2 * index] = hexadecimalDigit(bytes[index] >> 4)
                digits[base + 2 * index + 1] = hexadecimalDigit(bytes[index] & 15)
            }
        }
    }

    /// True when `text` is the hash as 64 lower-case digits. Does not leave early.
    func isHexadecimal(_ text: [UInt8]) -> Bool {
        guard text.count == 64 else { return false }
        var difference: UInt8 = 0
        withBytes { bytes in
            for index in 0..<32 {
                difference |= text[2 * index] ^ hexadecimalDigit(bytes[index] >> 4)
                difference |= text[2 * index + 1] ^ hexadecimalDigit(bytes[index] & 15)
            }
        }
        return difference == 0
    }

    func withBytes<Value>(_ body: (UnsafeRawBufferPointer) -> Value) -> Value {
        withUnsafeBytes(of: words) { body($0) }
    }

    /// Hashes are equal when all bytes are. The time this takes does not depend on where they differ.
    public static func == (left: SHA256Hash, right: SHA256Hash) -> Bool {
        let (a, b) = (left.words, right.words)
        return ((a.0 ^ b.0) | (a.1 ^ b.1) | (a.2 ^ b.2) | (a.3 ^ b.3)) == 0
    }

    /// Feeds the bytes to a hasher.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension SigV4Digest {
    func hash(_ message: [UInt8]) -> SHA256Hash {
        SHA256Hash { result in
            message.withUnsafeBytes { sha256($0, into: result) }
        }
    }

    func authenticate(_ message: [UInt8], key: SHA256Hash) -> SHA256Hash {
        SHA256Hash { result in
            key.withBytes { key in
                message.withUnsafeBytes { hmacSHA256(key: key, message: $0, into: result) }
            }
        }
    }

    func authenticate(_ message: String, key: SHA256Hash) -> SHA256Hash {
        authenticate([UInt8](message.utf8), key: key)
    }

    func authenticate(_ message: String, key: [UInt8]) -> SHA256Hash {
        let message = [UInt8](message.utf8)
        return SHA256Hash { result in
            key.withUnsafeBytes { key in
                message.withUnsafeBytes { hmacSHA256(key: key, message: $0, into: result) }
            }
        }
    }
}
