/// What a ``TLSContext`` is made of: PEM files and policy.
public struct TLSConfiguration: Sendable, Hashable {
    /// Whether and how the other side's certificate is asked for.
    public enum PeerVerification: Sendable, Hashable {
        /// A server asks for none; a client accepts any certificate (tests only).
        case none
        /// A server asks for one, accepts its absence, and refuses one that chains to no authority of the files.
        case optional(caFiles: [String])
        /// The handshake fails without a certificate that chains to an authority of the files.
        case required(caFiles: [String])

        /// ``optional(caFiles:)`` with one file, which may hold several authorities.
        public static func optional(caFile: String) -> PeerVerification { .optional(caFiles: [caFile]) }

        /// ``required(caFiles:)`` with one file, which may hold several authorities.
        public static func required(caFile: String) -> PeerVerification { .required(caFiles: [caFile]) }
    }

    /// The oldest protocol version that is accepted.
    public enum MinimumVersion: Sendable, Hashable {
        /// TLS 1.2 and 1.3: the API listener.
        case tls12
        /// TLS 1.3 only: between peers.
        case tls13
    }

    /// What is offered or accepted in ALPN, in order of preference.
    public enum ApplicationProtocols: Sendable, Hashable {
        /// `h2`, then `http/1.1`.
        case http2AndHTTP1
        /// `h2` only.
        case http2
        /// `http/1.1` only.
        case http1
    }

    /// Path of the PEM file with the certificate, leaf first, then intermediates. Nil only for a client without one.
    public var certificateChainFile: String?
    /// Path of the PEM file with the leaf's private key. Nil only for a client without a certificate.
    public var privateKeyFile: String?
    /// How the other side is verified.
    public var peerVerification: PeerVerification
    /// Paths of PEM files with revocation lists for the other side's certificates.
    public var revocationListFiles: [String] = []
    /// What the other side's certificate must fulfil beyond chaining to an authority.
    public var policy = CertificatePolicy()
    /// The oldest protocol version.
    public var minimumVersion: MinimumVersion
    /// The protocols for ALPN.
    public var applicationProtocols: ApplicationProtocols

    /// Creates a configuration; nothing is read before a ``TLSContext`` is made of it.
    public init(
        certificateChainFile: String?,
        privateKeyFile: String?,
        peerVerification: PeerVerification = .none,
        minimumVersion: MinimumVersion = .tls12,
        applicationProtocols: ApplicationProtocols = .http2AndHTTP1
    ) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
        self.peerVerification = peerVerification
        self.minimumVersion = minimumVersion
        self.applicationProtocols = applicationProtocols
    }

    /// Every file that the configuration names.
    var files: CertificateFiles {
        switch peerVerification {
        case .none:
            CertificateFiles(certificateChainFile: certificateChainFile, privateKeyFile: privateKeyFile)
        case .optional(let authorities), .required(let authorities):
            CertificateFiles(
                certificateChainFile: certificateChainFile,
                privateKeyFile: privateKeyFile,
                authorityFiles: authorities,
                revocationListFiles: revocationListFiles
            )
        }
    }
}
