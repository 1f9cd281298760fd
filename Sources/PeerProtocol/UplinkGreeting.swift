import EventModel

/// What a node says when it opens an uplink: which accounts it hosts, and what it wants gossip to say of it. The other side
/// takes those accounts that the node's certificate covers.
public struct UplinkGreeting: Sendable, Equatable {
    /// The accounts, in order.
    public var accounts: [AccountID]
    /// What gossip is to say of the node; nil when it speaks for itself there, and from releases that did not know of this.
    public var presence: LeafPresence?

    /// Accounts that one greeting may name.
    public static let maximumAccounts = 10_000

    /// Creates a greeting. Of more accounts than it may name it names the first.
    public init(accounts: [AccountID], presence: LeafPresence? = nil) {
        self.accounts = Array(accounts.sorted().prefix(Self.maximumAccounts))
        self.presence = presence
    }

    /// The greeting's bytes: version 1, the number of accounts (4 bytes), each account's number (8 bytes); then, if there
    /// is a presence, the lengths (2 bytes) and bytes of its claim and its chain.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = [1]
        bytes.appendInteger(UInt32(accounts.count))
        for account in accounts { bytes.appendInteger(account.number) }
        guard let presence, presence.isWithinBounds else { return bytes }
        for part in [presence.claim, presence.chain] {
            bytes.appendInteger(UInt16(part.count))
            bytes.append(contentsOf: part)
        }
        return bytes
    }

    /// Decodes a greeting; what follows the parts that are known is skipped.
    ///
    /// - Throws: ``FrameError`` when it is not one.
    public init(decoding bytes: [UInt8]) throws(FrameError) {
        var reader = FrameReader(bytes)
        let version = try reader.byte()
        guard version >= 1 else { throw FrameError(.unsupportedVersion, "a greeting of version 0") }
        let count = Int(try reader.integer(UInt32.self))
        guard count <= Self.maximumAccounts else { throw FrameError(.tooLarge, "\(count) accounts in a greeting") }
        var accounts: [AccountID] = []
        for _ in 0..<count {
            guard let account = AccountID(number: try reader.integer(UInt64.self)) else {
                throw FrameError(.malformed, "a greeting names an account that is not one")
            }
            accounts.append(account)
        }
        self.init(accounts: accounts)
        guard reader.position < bytes.count else { return }
        let claim = try Self.part(&reader, bytes, atMost: LeafPresence.maximumClaimBytes)
        let chain = try Self.part(&reader, bytes, atMost: LeafPresence.maximumChainBytes)
        presence = LeafPresence(claim: claim, chain: chain)
    }

    private static func part(
        _ reader: inout FrameReader,
        _ bytes: [UInt8],
        atMost limit: Int
    ) throws(FrameError) -> [UInt8] {
        let count = Int(try reader.integer(UInt16.self))
        guard count <= limit else { throw FrameError(.tooLarge, "a presence of \(count) bytes in a greeting") }
        return Array(bytes[try reader.skip(count)])
    }
}

/// What a node that only dials out wants gossip to say of it: its own signed claim, which names those that it has dialled, and
/// the chain of the certificate that signs it. Whoever passes it on verifies both.
public struct LeafPresence: Sendable, Equatable {
    /// The signed claim.
    public var claim: [UInt8]
    /// The certificate's chain.
    public var chain: [UInt8]
    /// The accounts of the greeting that it came with, for the case that its claim only names their list; not encoded.
    public var accounts: [AccountID] = []

    /// Bytes of a claim that are taken.
    public static let maximumClaimBytes = 4_096
    /// Bytes of a chain that are taken.
    public static let maximumChainBytes = 16_384

    /// Creates a presence.
    public init(claim: [UInt8], chain: [UInt8]) {
        self.claim = claim
        self.chain = chain
    }

    var isWithinBounds: Bool { claim.count <= Self.maximumClaimBytes && chain.count <= Self.maximumChainBytes }
}
