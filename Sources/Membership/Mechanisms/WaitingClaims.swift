import SansIO

/// A chain that arrives in parts, in any order.
struct ChainAssembly: Sendable {
    /// Bytes of a part: with its header, signature and seal it fits a datagram of 1,400 bytes.
    static let partBytes = 1100

    private var total = 0
    private var parts: [[UInt8]?] = []

    /// Adds a part; the whole chain once it is complete.
    mutating func add(_ bytes: ArraySlice<UInt8>, offset: Int, total: Int) -> [UInt8]? {
        guard total > 0, total <= MembershipLimits.chainBytes, offset % Self.partBytes == 0, offset < total,
            bytes.count == min(Self.partBytes, total - offset)
        else { return nil }
        if total != self.total {
            self.total = total
            parts = Array(repeating: nil, count: (total + Self.partBytes - 1) / Self.partBytes)
        }
        parts[offset / Self.partBytes] = Array(bytes)
        guard parts.allSatisfy({ $0 != nil }) else { return nil }
        return parts.flatMap { $0 ?? [] }
    }
}

/// Claims whose certificate is not known yet, by certificate, oldest first.
///
/// A claim whose certificate is unknown cannot be checked, so whoever passes it on answers for it: each has a quarter of the
/// places at most, and when all are taken, one of those with the most gives one up.
struct WaitingClaims: Sendable {
    /// Who passed a claim on, and is asked for its certificate; nobody when this node kept the claim itself.
    struct Sender: Equatable, Sendable {
        var node: NodeKey?
        var endpoint: NodeEndpoint
    }

    private struct Entry: Sendable {
        var fingerprint: CertificateFingerprint
        var claims: [[UInt8]]
        /// The first one's places are counted.
        var senders: [Sender]
        var attempts = 1
        var refusals = 0
        var assembly = ChainAssembly()

        var owner: NodeKey? { senders[0].node }
    }

    /// What became of a claim.
    enum Outcome {
        /// Its certificate was not waited for before.
        case new
        /// Its certificate is waited for already.
        case known
        /// Its sender has its share of the places.
        case refused
    }

    /// How often a chain is asked for before its claims are dropped; gossip or a sync brings them again.
    private static let attempts = 6
    /// Claims kept for one certificate: the newest of its node and little more.
    private static let claimsPerCertificate = 2
    /// Senders that are asked in turn for one certificate: one that lies, or cannot be reached, does not hold it up.
    private static let sendersPerCertificate = 4

    private var entries: [Entry] = []
    var isScheduled = false

    var isEmpty: Bool { entries.isEmpty }
    var count: Int { entries.count }

    func contains(_ fingerprint: CertificateFingerprint) -> Bool {
        entries.contains { $0.fingerprint == fingerprint }
    }

    mutating func add(
        _ claim: [UInt8],
        for fingerprint: CertificateFingerprint,
        from sender: Sender,
        limit: Int
    ) -> Outcome {
        if let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) {
            if entries[index].senders.count < Self.sendersPerCertificate, !entries[index].senders.contains(sender) {
                entries[index].senders.append(sender)
            }
            guard !entries[index].claims.contains(claim) else { return .known }
            if entries[index].claims.count >= Self.claimsPerCertificate { entries[index].claims.removeFirst() }
            entries[index].claims.append(claim)
            return .known
        }
        guard entries.count(where: { $0.owner == sender.node }) < max(1, limit / 4) else { return .refused }
        if entries.count >= limit { giveOneUp() }
        entries.append(Entry(fingerprint: fingerprint, claims: [claim], senders: [sender]))
        return .new
    }

    /// Gives up the oldest certificate of the sender that has the most.
    private mutating func giveOneUp() {
        var counts: [NodeKey?: Int] = [:]
        for entry in entries { counts[entry.owner, default: 0] += 1 }
        let most = counts.values.max() ?? 0
        guard let index = entries.firstIndex(where: { counts[$0.owner] == most }) else { return }
        entries.remove(at: index)
    }

    mutating func received(
        _ bytes: ArraySlice<UInt8>,
        of fingerprint: CertificateFingerprint,
        offset: Int,
        total: Int
    ) -> [UInt8]? {
        guard let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) else { return nil }
        return entries[index].assembly.add(bytes, offset: offset, total: total)
    }

    /// Begins a chain anew whose parts did not make one; gives it up with the third.
    mutating func restart(_ fingerprint: CertificateFingerprint) {
        guard let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) else { return }
        entries[index].assembly = ChainAssembly()
        entries[index].refusals += 1
        if entries[index].refusals >= 3 { entries.remove(at: index) }
    }

    /// Removes and returns the claims of a certificate.
    mutating func take(_ fingerprint: CertificateFingerprint) -> [[UInt8]] {
        guard let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) else { return [] }
        return entries.remove(at: index).claims
    }

    /// What to ask for again, and of whom; drops what was asked for often enough.
    mutating func retry() -> [(CertificateFingerprint, NodeEndpoint)] {
        entries.removeAll { $0.attempts >= Self.attempts }
        for index in entries.indices { entries[index].attempts += 1 }
        return entries.map { ($0.fingerprint, $0.senders[($0.attempts - 1) % $0.senders.count].endpoint) }
    }
}
