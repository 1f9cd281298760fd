import EventModel
import SansIO

/// What a node may say about itself and nobody else may say about it.
public struct NodeDescription: Equatable, Sendable {
    /// What part a node plays in gossip.
    public enum Role: UInt8, Sendable {
        /// Probes and is probed.
        case core = 0
        /// Only dials out, so it cannot be probed: the nodes that hold its uplinks speak for its presence.
        case leaf = 1
    }

    /// Where it takes gossip datagrams: an IP address and port.
    public var gossip: NodeEndpoint
    /// Where it takes peer links.
    public var peer: NodeEndpoint
    /// Its part in gossip.
    public var role: Role
    /// How loaded it is, 0 (idle) to 255 (refuses work); coarse steps spare gossip.
    public var pressure: UInt8
    /// The software's version, at most 32 bytes of UTF-8.
    public var version: String
    /// The accounts that its cell hosts, in order and without repeats; at most ``MembershipLimits/accountsPerNode``. In a claim
    /// that was read, the first ``MembershipLimits/accountsPerClaim`` of them.
    public var accounts: [AccountID]
    /// For a leaf: the nodes that it has dialled, at most two.
    public var sponsors: [NodeKey]

    /// Creates a description; accounts are put in order.
    public init(
        gossip: NodeEndpoint,
        peer: NodeEndpoint,
        role: Role = .core,
        pressure: UInt8 = 0,
        version: String = "",
        accounts: [AccountID] = [],
        sponsors: [NodeKey] = []
    ) {
        self.gossip = gossip
        self.peer = peer
        self.role = role
        self.pressure = pressure
        self.version = version
        self.accounts = Array(Set(accounts)).sorted()
        self.sponsors = sponsors
    }

    /// What keeps this from being said in one claim; empty when nothing does.
    public func problems() -> [String] {
        var found: [String] = []
        for (name, endpoint) in [("gossip", gossip), ("peer", peer)] {
            if !(1...MembershipLimits.hostBytes).contains(endpoint.host.utf8.count) {
                found.append("the \(name) host must have 1 to \(MembershipLimits.hostBytes) bytes")
            }
            if endpoint.port == 0 { found.append("the \(name) port must not be 0") }
        }
        if version.utf8.count > MembershipLimits.versionBytes {
            found.append("the version has more than \(MembershipLimits.versionBytes) bytes")
        }
        if accounts.count > MembershipLimits.accountsPerNode {
            found.append("\(accounts.count) accounts: a node announces at most \(MembershipLimits.accountsPerNode)")
        }
        if sponsors.count > MembershipLimits.sponsors {
            found.append("a leaf has at most \(MembershipLimits.sponsors) sponsors")
        }
        return found
    }
}

/// Hard bounds of the message formats, which no configuration changes.
public enum MembershipLimits {
    /// Accounts that a node can announce.
    public static let accountsPerNode = 10_000
    /// Accounts that one claim carries itself, so that it fits a datagram; of a longer list it carries these and the list's
    /// digest.
    public static let accountsPerClaim = 64
    /// Bytes of a host in a claim.
    public static let hostBytes = 64
    /// Bytes of a version in a claim.
    public static let versionBytes = 32
    /// Nodes that a leaf may have dialled.
    public static let sponsors = 2
    /// Bytes of a certificate chain.
    public static let chainBytes = 8192
    /// Bytes of a signature.
    public static let signatureBytes = 80
    /// Bytes of a signed claim: every field at its longest fits, and a datagram of 1,400 bytes takes it.
    public static let claimBytes = 1200
}

/// A node's signed word about itself: whether it is here, and where, hosting what.
public struct NodeClaim: Equatable, Sendable {
    /// Whether the node is here or has left on purpose.
    public enum Life: UInt8, Sendable {
        /// It takes part.
        case alive = 1
        /// It has left and wants to be forgotten.
        case left = 2
    }

    /// A previous certificate's word for the one that signs the claim.
    public struct Endorsement: Equatable, Sendable {
        /// The previous certificate.
        public var previous: CertificateFingerprint
        /// Its signature over ``NodeClaim/endorsedBytes(domain:node:previous:next:)``.
        public var signature: [UInt8]

        /// Creates an endorsement.
        public init(previous: CertificateFingerprint, signature: [UInt8]) {
            self.previous = previous
            self.signature = signature
        }
    }

    /// Digest of ``identity``.
    public var node: NodeKey
    /// Whose claim it is.
    public var identity: NodeIdentity
    /// Whether it is here.
    public var life: Life
    /// Orders the node's claims: the higher one counts. Milliseconds of the node's own clock, raised where needed.
    public var incarnation: UInt64
    /// The incarnation with which the node's process began; datagrams of earlier ones are stale.
    public var epoch: UInt64
    /// The certificate whose key signs the claim.
    public var certificate: CertificateFingerprint
    /// What it says about itself.
    public var description: NodeDescription
    /// Present in the claims after a certificate was renewed.
    public var endorsement: Endorsement?
    /// Names the whole list of accounts when the claim does not carry all of it.
    public var accountList: AccountListName?
}
