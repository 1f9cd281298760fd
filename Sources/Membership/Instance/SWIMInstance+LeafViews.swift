import EventModel
import SansIO

/// A leaf as a node sees it.
public struct LeafView: Equatable, Sendable {
    /// Who it is.
    public var identity: NodeIdentity
    /// The accounts that it hosts and that its certificate covers, in order.
    public var accounts: [AccountID]
    /// The present nodes that hold its uplink, in order; none while it is away.
    public var sponsors: [NodeIdentity]
    /// Its software's version.
    public var version: String
    /// The certificate that signs its claim, and when that ends.
    public var certificate: CertificateFingerprint
    /// The end of that certificate's validity.
    public var notAfter: Timestamp

    /// Whether it can be reached through somebody.
    public var isAttached: Bool { !sponsors.isEmpty }
}

/// What became of a leaf that opened its uplink to this node.
public enum LeafOutcome: Equatable, Sendable {
    /// This node tells the others that it holds the uplink.
    case attached(NodeKey)
    /// The leaf's claim is believed and names other nodes, so nothing is told of this uplink. A claim has room for
    /// ``MembershipLimits/sponsors`` of them.
    case unnamed(NodeKey)
    /// The claim is not believed, or not yet.
    case refused

    /// The leaf, unless its claim was refused.
    public var leaf: NodeKey? {
        switch self {
        case .attached(let leaf), .unnamed(let leaf): leaf
        case .refused: nil
        }
    }
}

extension SWIMInstance {
    /// Every leaf that is held and is no member, by identity. One whose certificate does not entitle it has no sponsors that count.
    public var leafViews: [LeafView] {
        leaves.leaves.indices.compactMap { place in
            let leaf = leaves.leaves[place]
            guard slots[leaf.claim.node] == nil else { return nil }
            let held = leaf.isEntitled && leaf.claim.life == .alive ? standing(place) : []
            return LeafView(
                identity: leaf.claim.identity,
                accounts: leaf.hosting.accounts,
                sponsors: held.compactMap { slots[$0.sponsor].map { records[$0].identity } }.sorted(),
                version: leaf.claim.description.version,
                certificate: leaf.facts.fingerprint,
                notAfter: leaf.facts.notAfter
            )
        }.sorted { $0.identity < $1.identity }
    }

    /// Whether a leaf with an uplink to this node has to be presented anew: it is not known, or it names this node, which does not
    /// vouch for it.
    public func lacksLeaf(_ leaf: NodeKey) -> Bool {
        guard slots[leaf] == nil else { return false }
        guard let place = leaves.place(leaf) else { return true }
        let own = records[0].key
        return leaves.leaves[place].claim.description.sponsors.contains(own)
            && leaves.attachment(place, sponsor: own)?.isAttached != true
    }

    /// Whether some bytes are a leaf's claim under the certificate by which it is held.
    public func holdsLeaf(_ claim: [UInt8]) -> Bool {
        guard let head = NodeClaim.layout(claim, 0..<claim.count)?.head, let place = leaves.place(head.node) else {
            return false
        }
        return leaves.leaves[place].claim.certificate == head.certificate
    }

    /// Whether a claim that a leaf presented is the one that is held of it.
    public func isHeld(_ claim: [UInt8]) -> Bool {
        guard let layout = NodeClaim.layout(claim, 0..<claim.count), let place = leaves.place(layout.head.node) else {
            return false
        }
        return Self.saysTheSame(claim, layout, as: leaves.leaves[place].signed)
    }

    /// The signed claim, and its certificate's chain, that is held of a node instead of one that it presented; nil when the presented
    /// one is held, or newer.
    public func claimHeld(insteadOf claim: [UInt8]) -> (claim: [UInt8], chain: [UInt8])? {
        guard let layout = NodeClaim.layout(claim, 0..<claim.count) else { return nil }
        let head = layout.head
        let held: (claim: NodeClaim, signed: [UInt8])
        if let slot = slots[head.node] {
            held = (records[slot].claim, records[slot].signed)
        } else if let place = leaves.place(head.node) {
            held = (leaves.leaves[place].claim, leaves.leaves[place].signed)
        } else {
            return nil
        }
        guard held.claim.incarnation >= head.incarnation, !Self.saysTheSame(claim, layout, as: held.signed),
            let chain = crypto.chain(of: held.claim.certificate)
        else { return nil }
        return (held.signed, chain)
    }

    /// A node to which this leaf has an uplink holds another claim under its name: goes above it, if it is that of a certificate that
    /// entitles to the name, and not farther ahead than others believe. The claim of a certificate with another key is taken ten
    /// minutes ahead at most (`SWIMInstance+Names.swift`), so whoever tells of one that lies farther ahead would only drive this leaf away from its clock.
    ///
    /// - Parameters:
    ///   - claim: the signed claim.
    ///   - chain: its certificate's chain.
    ///   - now: the wall clock's time.
    ///   - generator: the source of randomness.
    /// - Returns: what to do.
    public mutating func heardHeldClaim(
        _ claim: [UInt8],
        chain: [UInt8],
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        guard let head = NodeClaim.layout(claim, 0..<claim.count)?.head, head.node == records[0].key,
            head.incarnation >= records[0].claim.incarnation,
            head.incarnation <= incarnation(ahead: IncarnationLead.answered)
        else { return left() }
        let isNew = crypto.certificate(head.certificate) == nil
        if isNew { learnChain(chain, of: head.certificate) }
        if crypto.certificate(head.certificate)?.publicKey == records[0].facts.publicKey
            || head.incarnation <= incarnation(ahead: IncarnationLead.ofSuccessor)
        {
            heardClaim(claim, 0..<claim.count, from: nil, sender: nil, &generator)
        }
        if isNew { forgetIfUnused(head.certificate) }
        return left()
    }

    /// Learns the chain that came with a claim; that of another certificate is not kept.
    mutating func learnChain(_ chain: [UInt8], of certificate: CertificateFingerprint) {
        guard let facts = crypto.learn(chain[...]), facts.fingerprint != certificate else { return }
        forgetIfUnused(facts.fingerprint)
    }

    /// Whether some bytes are the claim of a node, as far as they say so themselves.
    public func isClaim(_ claim: [UInt8], of node: NodeIdentity) -> Bool {
        NodeClaim.layout(claim, 0..<claim.count)?.head.node == key(of: node)
    }
}
