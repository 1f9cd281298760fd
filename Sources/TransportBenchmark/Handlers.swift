import SansIO
import Transport

/// Answers every request at once with a few bytes, as a file server with a small file does.
final class SmallAnswers: HTTPRequestHandler {
    private let response = HTTPResponse(
        status: 200,
        headers: [HTTPField("content-type", "text/plain"), HTTPField("server", "busbar")],
        body: Array("accepted\n".utf8)
    )

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        reply.send(response)
    }
}

/// Passes every request on to a peer, and answers with what the peer answers: the way of an event through a router that
/// forwards.
final class Forwarder: HTTPRequestHandler {
    private let links: PeerLinks
    private let peer: PeerAddress
    private let fields = [HTTPField("content-type", "text/plain"), HTTPField("server", "busbar")]

    init(links: PeerLinks, peer: PeerAddress) {
        self.links = links
        self.peer = peer
    }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        links.exchange(request.body, path: request.target, with: peer, timeout: .seconds(10)) { [fields] result in
            switch result {
            case .success(let answer):
                reply.send(HTTPResponse(status: answer.status, headers: fields, body: answer.body))
            case .failure(let error):
                reply.send(HTTPResponse(status: 502, body: Array(error.description.utf8)))
            }
        }
    }
}
