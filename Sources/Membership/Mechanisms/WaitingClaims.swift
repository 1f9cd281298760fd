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
struct WaitingClaims: Sendable {
    private struct Entry: Sendable {
        var fingerprint: CertificateFingerprint
        var claims: [[UInt8]]
        var source: NodeEndpoint
        var attempts = 1
        var refusals = 0
        var assembly = ChainAssembly()
    }

    /// How often a chain is asked for before its claims are dropped; gossip or a sync brings them again.
    private static let attempts = 6
    /// Claims kept for one certificate: the newest of its node and little more.
    private static let claimsPerCertificate = 2

    private var entries: [Entry] = []
    var isScheduled = false

    var isEmpty: Bool { entries.isEmpty }

    /// Adds a claim; true when its certificate was not waited for before.
    mutating func add(
        _ claim: [UInt8],
        for fingerprint: CertificateFingerprint,
        from source: NodeEndpoint,
        limit: Int
    ) -> Bool {
        if let index = entries.firstIndex(where: { $0.fingerprint == fingerprint }) {
            // Another node that has the certificate is as good, and may be the one that can be reached.
            entries[index].source = source
            guard !entries[index].claims.contains(claim) else { return false }
            if entries[index].claims.count >= Self.claimsPerCertificate { entries[index].claims.removeFirst() }
            entries[index].claims.append(claim)
            return false
        }
        if entries.count >= limit { entries.removeFirst() }
        entries.append(Entry(fingerprint: fingerprint, claims: [claim], source: source))
        return true
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
        return entries.map { ($0.fingerprint, $0.source) }
    }
}
