import SansIO

/// One request to a peer and its whole answer.
final class PeerExchange: ClientStream {
    private let pool: ConnectionPool
    private let completion: (Result<PeerReply, PeerLinkError>) -> Void

    init(
        _ request: ClientRequest,
        deadline: UInt64,
        pool: ConnectionPool,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    ) {
        self.pool = pool
        self.completion = completion
        super.init(request: request, deadline: deadline)
    }

    override var ignoresFields: Bool { true }

    override func receive(_ response: HTTPResponse) {
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        let identity = connection?.identity ?? CertificateIdentity(uris: [], dnsNames: [])
        completion(.success(PeerReply(status: response.status, body: response.body, identity: identity)))
    }

    override func fail(_ error: PeerLinkError) {
        guard !isDone else { return }
        isDone = true
        pool.ended(self)
        completion(.failure(error))
    }
}
