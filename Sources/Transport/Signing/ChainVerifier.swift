import SansIO

/// Verifies certificate chains that came by another way than a handshake, with a ``CertificateStore``'s authorities,
/// revocation lists and policy as they were when the verifier was made. Make a new one after a reload.
public struct ChainVerifier: Sendable {
    private let trust: TrustStore

    /// Takes what the store holds now.
    ///
    /// - Throws: ``TLSError`` when out of memory.
    public init(_ store: CertificateStore) throws(TLSError) {
        trust = try store.makeTrust(store.material)
    }

    /// What a verified chain says.
    public struct Chain: Sendable {
        /// The certificate in question.
        public var leaf: X509Certificate
        /// Its names.
        public var identity: CertificateIdentity
        /// From when on every certificate that was given is valid.
        public var notBefore: Timestamp
        /// Until when every certificate that was given is valid.
        public var notAfter: Timestamp
    }

    /// Verifies a chain.
    ///
    /// - Parameters:
    ///   - chain: leaf first, then what leads to an authority; at most 8 certificates.
    ///   - usage: what the leaf has to be for.
    ///   - now: the time to verify for.
    ///   - ignoringValidity: leaves the validity periods to the caller, who finds them in the result.
    /// - Returns: what the chain says.
    /// - Throws: ``TLSError``, whose code tells a revoked certificate from an untrusted one.
    public func verify(
        _ chain: [X509Certificate],
        usage: CertificateUsage,
        now: Timestamp,
        ignoringValidity: Bool = false
    ) throws(TLSError) -> Chain {
        guard let leaf = chain.first, chain.count <= Int(TrustStore.maximumDepth) else {
            throw TLSError(.invalidChain, operation: "certificate verification", reason: "\(chain.count) certificates")
        }
        let others = chain.dropFirst().map(\.pointer)
        let verdict = trust.verify(
            leaf: leaf.pointer,
            intermediates: others,
            usage: usage,
            now: now,
            ignoringValidity: ignoringValidity
        )
        if case .refused(let error) = verdict { throw error }
        return Chain(
            leaf: leaf,
            identity: leaf.identity,
            notBefore: chain.map(\.notBefore).max() ?? leaf.notBefore,
            notAfter: chain.map(\.notAfter).min() ?? leaf.notAfter
        )
    }
}
