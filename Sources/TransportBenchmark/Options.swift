import SansIO
import Transport

/// What the command line says.
struct Options {
    /// What a process does.
    enum Role: String {
        /// Answers every request with a few bytes.
        case serve
        /// Passes every request on to another server, and answers when that has answered.
        case hop
        /// Sends requests over one connection and says how many were answered.
        case link
    }

    static let usage = """
        usage: TransportBenchmark serve|hop|link --certificate path --key path [--authority path] [--port n]
                                  [--upstream n] [--bytes n] [--outstanding n] [--requests n]
        """

    var role: Role
    private var certificate = ""
    private var key = ""
    private var authority: String?
    /// Where to listen; 0 lets the system choose.
    private(set) var port = 0
    /// Where the other server listens on this machine.
    private(set) var upstream: UInt16 = 0
    /// The body of each request of a link.
    private(set) var bytes = 1200
    /// Requests of a link that wait for their answer at any time.
    private(set) var outstanding = 64
    /// Requests of a link altogether.
    private(set) var requests = 100_000

    /// Reads arguments; nil when they make no sense.
    init?(_ arguments: [String]) {
        var rest = arguments[...]
        guard let role = rest.popFirst().flatMap(Role.init) else { return nil }
        self.role = role
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { return nil }
            switch option {
            case "--certificate": certificate = value
            case "--key": key = value
            case "--authority": authority = value
            case "--port": port = Int(value) ?? port
            case "--upstream": upstream = UInt16(value) ?? upstream
            case "--bytes": bytes = Int(value) ?? bytes
            case "--outstanding": outstanding = Int(value) ?? outstanding
            case "--requests": requests = Int(value) ?? requests
            default: return nil
            }
        }
        if certificate.isEmpty || key.isEmpty || (role != .serve && upstream == 0) { return nil }
    }

    /// TLS for a listener: with an authority, clients must show a certificate.
    var serverTLS: TLSConfiguration {
        TLSConfiguration(
            certificateChainFile: certificate,
            privateKeyFile: key,
            peerVerification: authority.map { .required(caFile: $0) } ?? .none,
            minimumVersion: .tls13
        )
    }

    /// TLS for connections to the other server, as between nodes.
    var clientTLS: TLSConfiguration {
        TLSConfiguration(
            certificateChainFile: certificate,
            privateKeyFile: key,
            peerVerification: authority.map { .required(caFile: $0) } ?? .none,
            minimumVersion: .tls13,
            applicationProtocols: .http2
        )
    }

    /// The other server.
    var peer: PeerAddress {
        PeerAddress(endpoint: NodeEndpoint(host: "127.0.0.1", port: upstream), uri: nil)
    }
}
