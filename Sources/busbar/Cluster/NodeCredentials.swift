import EventModel
import Membership
import SansIO
import Transport

/// Certificates, signatures and sealing for the membership protocol, by OpenSSL.
///
/// A chain that another node hands over is verified once and kept by fingerprint; after a reload of certificates each is
/// verified again before it counts. Belongs to the node's shard.
final class NodeCredentials: MembershipCrypto {
    /// Why a node has no credentials.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private struct Known {
        var chain: [X509Certificate]
        var facts: CertificateFacts
        /// The reload after which `facts.standing` was found.
        var generation: Int
    }

    private struct Own {
        var fingerprint: CertificateFingerprint
        var signer: NodeSigner
    }

    let trustDomain: String
    /// Nil for an edge, which neither sends nor takes datagrams.
    let sealer: GossipSealer?
    private let store: CertificateStore
    private let clock: any ClockPort
    private var verifier: ChainVerifier
    private var generation = 0
    private var own: Own
    /// The certificates before renewals, the newest last: the key of each vouches for the next.
    private var former: [Own] = []
    private static let formerKeys = 3
    private var known: [CertificateFingerprint: Known] = [:]

    /// Takes the certificate that a store holds.
    ///
    /// - Throws: ``Failure`` or ``TLSError`` when it is not a node's of the trust domain, or does not verify.
    init(store: CertificateStore, sealer: GossipSealer?, trustDomain: String, clock: any ClockPort) throws {
        self.store = store
        self.sealer = sealer
        self.trustDomain = trustDomain
        self.clock = clock
        verifier = try ChainVerifier(store)
        let signer = try NodeSigner(store)
        own = Own(fingerprint: Self.fingerprint(signer.chain), signer: signer)
        guard let facts = keep(signer.chain) else {
            throw Failure(description: "the certificate is not that of a node of \(trustDomain)")
        }
        if facts.standing != .trusted {
            throw Failure(description: "this node's own certificate does not verify against its roots")
        }
    }

    /// Hears that the store has read its files again.
    ///
    /// - Throws: ``TLSError`` when the new certificate cannot be used; the present one stays.
    func reloaded() throws {
        verifier = try ChainVerifier(store)
        generation += 1
        let signer = try NodeSigner(store)
        let fingerprint = Self.fingerprint(signer.chain)
        guard fingerprint != own.fingerprint, keep(signer.chain) != nil else { return }
        former = former.suffix(Self.formerKeys - 1) + [own]
        own = Own(fingerprint: fingerprint, signer: signer)
    }

    /// What the node's own certificate says.
    var ownFacts: CertificateFacts? { certificate(own.fingerprint) }

    var ownCertificate: CertificateFingerprint { own.fingerprint }

    var sealOverheadBytes: Int { GossipSealer.overheadBytes }

    func digest(_ bytes: ArraySlice<UInt8>) -> Digest128 { Self.digest(bytes) }

    private static func digest(_ bytes: some Sequence<UInt8>) -> Digest128 {
        let digest = OpenSSLDigest.sha256(Array(bytes))
        func half(_ range: Range<Int>) -> UInt64 { digest[range].reduce(0) { $0 << 8 | UInt64($1) } }
        return Digest128(high: half(0..<8), low: half(8..<16))
    }

    private static func fingerprint(_ chain: [X509Certificate]) -> CertificateFingerprint {
        CertificateFingerprint(digest(chain.first?.der ?? []))
    }

    func sign(_ message: ArraySlice<UInt8>, as certificate: CertificateFingerprint) -> [UInt8]? {
        guard let holder = ([own] + former).first(where: { $0.fingerprint == certificate }) else { return nil }
        return try? holder.signer.sign(message)
    }

    func verify(
        _ signature: ArraySlice<UInt8>,
        of message: ArraySlice<UInt8>,
        by certificate: CertificateFingerprint
    ) -> Bool {
        known[certificate]?.chain.first?.verifies(signature, of: message) ?? false
    }

    func certificate(_ fingerprint: CertificateFingerprint) -> CertificateFacts? {
        guard var entry = known[fingerprint] else { return nil }
        if entry.generation != generation {
            entry.facts.standing = standing(of: entry.chain)
            entry.generation = generation
            known[fingerprint] = entry
        }
        return entry.facts
    }

    func learn(_ chain: ArraySlice<UInt8>) -> CertificateFacts? {
        guard let certificates = ChainBytes.decode(chain) else { return nil }
        if let known = certificate(Self.fingerprint(certificates)) {
            return known.standing == .trusted ? known : nil
        }
        guard standing(of: certificates) == .trusted else { return nil }
        return keep(certificates)
    }

    func chain(of fingerprint: CertificateFingerprint) -> [UInt8]? {
        known[fingerprint].map { ChainBytes.encode($0.chain) }
    }

    func forget(_ fingerprint: CertificateFingerprint) {
        guard fingerprint != own.fingerprint else { return }
        former.removeAll { $0.fingerprint == fingerprint }
        known[fingerprint] = nil
    }

    func seal(_ message: inout [UInt8]) { sealer?.seal(&message) }

    func open(_ datagram: inout [UInt8]) -> Bool { sealer?.open(&datagram) ?? false }

    /// Notes what a chain says; nil when its leaf is not a node's of the trust domain.
    private func keep(_ chain: [X509Certificate]) -> CertificateFacts? {
        guard let leaf = chain.first else { return nil }
        let names = leaf.identity
        let nodes = names.uris.compactMap { NodeIdentity(uri: $0) }.filter { $0.isIn(trustDomain: trustDomain) }
        guard nodes.count == 1, let identity = nodes.first, names.uris.count == 1 else { return nil }
        let facts = CertificateFacts(
            fingerprint: Self.fingerprint(chain),
            publicKey: Self.digest(leaf.publicKeyDER),
            identity: identity,
            scope: AccountScope(names, trustDomain: trustDomain),
            notBefore: chain.map(\.notBefore).max() ?? leaf.notBefore,
            notAfter: chain.map(\.notAfter).min() ?? leaf.notAfter,
            standing: standing(of: chain)
        )
        known[facts.fingerprint] = Known(chain: chain, facts: facts, generation: generation)
        return facts
    }

    private func standing(of chain: [X509Certificate]) -> CertificateFacts.Standing {
        do {
            _ = try verifier.verify(chain, usage: .client, now: clock.now, ignoringValidity: true)
            return .trusted
        } catch {
            return error.code == .certificateRevoked ? .revoked : .untrusted
        }
    }
}

/// A certificate chain as bytes: each certificate in DER behind its length in two bytes.
enum ChainBytes {
    static func encode(_ chain: [X509Certificate]) -> [UInt8] {
        var bytes: [UInt8] = []
        for der in chain.map(\.der) where der.count <= Int(UInt16.max) {
            bytes.append(UInt8(der.count >> 8))
            bytes.append(UInt8(der.count & 0xFF))
            bytes += der
        }
        return bytes
    }

    /// The certificates; nil unless the bytes are exactly one to eight of them.
    static func decode(_ bytes: ArraySlice<UInt8>) -> [X509Certificate]? {
        guard bytes.count <= MembershipLimits.chainBytes else { return nil }
        var rest = bytes
        var chain: [X509Certificate] = []
        while let high = rest.popFirst() {
            guard let low = rest.popFirst(), chain.count < 8 else { return nil }
            let count = Int(high) << 8 | Int(low)
            guard count > 0, count <= rest.count, let certificate = X509Certificate(der: Array(rest.prefix(count)))
            else {
                return nil
            }
            chain.append(certificate)
            rest = rest.dropFirst(count)
        }
        return chain.isEmpty ? nil : chain
    }
}
