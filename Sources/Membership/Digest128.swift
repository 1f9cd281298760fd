/// The first 16 bytes of a SHA-256 digest: short enough for every datagram, too long to find a second text for.
public struct Digest128: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Bytes 0 to 7, big-endian.
    public var high: UInt64
    /// Bytes 8 to 15, big-endian.
    public var low: UInt64

    /// Creates a digest from its halves.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Thirty-two hexadecimal digits.
    public var description: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

    /// Orders as the bytes do.
    public static func < (left: Digest128, right: Digest128) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    private static func hexadecimal(_ half: UInt64) -> String {
        let digits = String(half, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    }
}

/// Names a node on the wire: the digest of its identity's URI.
public struct NodeKey: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The digest of the URI's UTF-8 bytes.
    public var digest: Digest128

    /// Creates a key.
    public init(_ digest: Digest128) {
        self.digest = digest
    }

    /// The digest's digits.
    public var description: String { digest.description }

    /// Orders by digest.
    public static func < (left: NodeKey, right: NodeKey) -> Bool { left.digest < right.digest }
}

/// Names a certificate on the wire: the digest of the leaf certificate's DER bytes.
public struct CertificateFingerprint: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The digest of the certificate.
    public var digest: Digest128

    /// Creates a fingerprint.
    public init(_ digest: Digest128) {
        self.digest = digest
    }

    /// The digest's digits.
    public var description: String { digest.description }

    /// Orders by digest.
    public static func < (left: CertificateFingerprint, right: CertificateFingerprint) -> Bool {
        left.digest < right.digest
    }
}
