import SansIO

/// Where a client connects to, and what it demands of the other side.
struct ClientTarget: Hashable {
    /// Who the other side must be.
    enum Identity: Hashable {
        /// A node: TLS 1.3, HTTP/2, and a certificate with this URI, or with any when there is none.
        case node(uri: String?)
        /// The owner of the endpoint's host name, or IP address, over HTTP/2 or HTTP/1.1.
        case host
    }

    let endpoint: NodeEndpoint
    let identity: Identity

    init(peer: PeerAddress) {
        endpoint = peer.endpoint
        identity = .node(uri: peer.uri)
    }

    init(host: String, port: UInt16) {
        endpoint = NodeEndpoint(host: host, port: port)
        identity = .host
    }

    /// True when this is the node with that address.
    func isNode(_ peer: PeerAddress) -> Bool {
        guard case .node(let uri) = identity else { return false }
        return endpoint == peer.endpoint && uri == peer.uri
    }

    /// The name that TLS sends and looks for in the certificate.
    var serverName: String? { identity == .host ? endpoint.host : nil }

    /// What is wrong with the other side after the handshake; nil when nothing is.
    func problem(_ tls: TLSSession) -> PeerLinkError? {
        guard let names = tls.peerIdentity else {
            return PeerLinkError(.handshake, "\(endpoint) showed no certificate that verifies")
        }
        guard case .node(let expected) = identity else { return nil }
        guard tls.version == "TLSv1.3" else {
            return PeerLinkError(.handshake, "\(endpoint) speaks \(tls.version), and peers must speak TLSv1.3")
        }
        guard tls.applicationProtocol == "h2" else {
            return PeerLinkError(.handshake, "\(endpoint) did not agree on HTTP/2")
        }
        if let expected, names.uris != [expected] {
            let found = names.uris.isEmpty ? "nobody" : names.uris.joined(separator: ", ")
            return PeerLinkError(.wrongIdentity, "\(endpoint) is \(found), not \(expected)")
        }
        return nil
    }
}
