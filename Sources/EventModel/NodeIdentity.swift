import SansIO

/// Who a node is, by the URI of its certificate: `spiffe://<authority>/cell/<cell>/node/<node>` (DESIGN §6).
///
/// Cell and node names are unique per authority. The authority is the trust domain, or a sub-domain of it for a site whose
/// certificates come from a certificate authority of its own.
public struct NodeIdentity: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The host of the URI, in lower case, e.g. `example.com` or `factory.example.com`.
    public let authority: String
    /// The cell's name.
    public let cell: String
    /// The node's name.
    public let node: String

    /// Creates an identity; nil when a part is not valid.
    ///
    /// - Parameters:
    ///   - authority: a host name of at most 253 characters: labels of 1 to 63 characters out of `a-z`, `0-9`, `-`, with
    ///     no `-` at either end.
    ///   - cell: 1 to 64 characters out of `A-Z`, `a-z`, `0-9`, `-`, `_`, `.`; neither `.` nor `..`.
    ///   - node: as `cell`.
    public init?(authority: String, cell: String, node: String) {
        guard Self.isAuthority(authority), Self.isName(cell), Self.isName(node) else { return nil }
        self.authority = authority
        self.cell = cell
        self.node = node
    }

    /// Reads the URI form; nil when the text is not exactly that.
    public init?(uri: String) {
        let scheme = "spiffe://"
        guard uri.hasPrefix(scheme) else { return nil }
        let parts = uri.dropFirst(scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[1] == "cell", parts[3] == "node" else { return nil }
        self.init(authority: String(parts[0]), cell: String(parts[2]), node: String(parts[4]))
    }

    /// Reads a certificate's names; nil unless they hold exactly one URI, and that names a node of the trust domain.
    ///
    /// - Parameters:
    ///   - certificate: a verified certificate's names.
    ///   - trustDomain: the trust domain, in lower case.
    public init?(_ certificate: CertificateIdentity, trustDomain: String) {
        guard certificate.uris.count == 1 else { return nil }
        self.init(uri: certificate.uris[0])
        guard isIn(trustDomain: trustDomain) else { return nil }
    }

    /// The URI form.
    public var uri: String { "spiffe://\(authority)/cell/\(cell)/node/\(node)" }

    /// The URI form.
    public var description: String { uri }

    /// Whether the authority is this trust domain or a sub-domain of it.
    public func isIn(trustDomain: String) -> Bool {
        authority == trustDomain || authority.hasSuffix(".\(trustDomain)")
    }

    /// Orders by authority, then cell, then node.
    public static func < (left: NodeIdentity, right: NodeIdentity) -> Bool {
        (left.authority, left.cell, left.node) < (right.authority, right.cell, right.node)
    }

    private static func isAuthority(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let hyphen = UInt8(ascii: "-")
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != hyphen && label.last != hyphen
                && label.allSatisfy { isLower($0) || isDigit($0) || $0 == hyphen }
        }
    }

    private static func isName(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy { byte in
                isLower(byte) || isDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            }
    }

    private static func isLower(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
