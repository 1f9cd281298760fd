import Cluster
import EventModel
import PeerProtocol
import SansIO
import Simulation

/// Links that answer as they are told and note what they carry.
final class ScriptedLinks: PeerLinkPort {
    struct Request {
        var node: String
        var events: Int
        var version: UInt8
    }

    let shard: VirtualShard
    /// An answer that is no frame, by the node's name.
    var plainStatus: [String: Int] = [:]
    var answer: (Request) -> Result<VerdictFrame, PeerLinkError>? = { request in
        .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: request.events)))
    }
    /// How long the link is taken by a request; those that wait longer than their timeout get no answer, though they arrive.
    var serviceTime: Duration?
    private var busyUntil = Timestamp.zero
    var scope = "*.account.example.com"
    private(set) var requests: [Request] = []

    init(_ shard: VirtualShard) {
        self.shard = shard
    }

    func exchange(
        _ body: [UInt8],
        path: String,
        with peer: PeerAddress,
        timeout: Duration,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    ) {
        let count = (try? ForwardFrame(decoding: [70, 87, 1] + body[3...]))?.items.count ?? 0
        let request = Request(node: peer.uri ?? "", events: count, version: body[2])
        requests.append(request)
        let identity = CertificateIdentity(uris: [peer.uri ?? ""], dnsNames: [scope])
        var delay = Duration.milliseconds(5)
        if let serviceTime {
            busyUntil = max(busyUntil, shard.now) + serviceTime
            delay = busyUntil - shard.now
        }
        guard delay <= timeout else {
            let error = PeerLinkError(.timedOut, "no answer in time", mayHaveArrived: true)
            _ = shard.schedule(after: timeout) { completion(.failure(error)) }
            return
        }
        _ = shard.schedule(after: delay) { [self] in
            if let status = plainStatus.first(where: { request.node.hasSuffix($0.key) })?.value {
                return completion(.success(PeerReply(status: status, body: [], identity: identity)))
            }
            switch answer(request) {
            case nil: break
            case .success(let frame)?:
                completion(.success(PeerReply(status: 200, body: frame.encoded(), identity: identity)))
            case .failure(let error)?: completion(.failure(error))
            }
        }
    }

    func openChannel(
        path: String,
        with peer: PeerAddress,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        _ = shard.schedule(after: .zero) { completion(.failure(PeerLinkError(.refused, "no channels"))) }
    }
}

/// One end of an uplink that does what it is told.
final class ScriptedChannel: PeerChannel {
    let identity: CertificateIdentity
    var onMessage: (([UInt8]) -> Void)?
    var onClose: ((PeerLinkError?) -> Void)?
    var onDrained: (() -> Void)?
    var unsentBytes = 0
    /// Answers questions; nil for no answer.
    var answer: (ForwardFrame) -> VerdictFrame? = { _ in nil }
    private(set) var questions: [ForwardFrame] = []
    private(set) var isClosed = false

    init(node: String, scope: String = "*.account.example.com") {
        identity = CertificateIdentity(uris: [node], dnsNames: [scope])
    }

    func send(_ message: [UInt8]) {
        guard let message = try? ChannelMessage.decode(message), message.kind == .question,
            let frame = try? ForwardFrame(decoding: message.body)
        else { return }
        questions.append(frame)
        if let answer = answer(frame) { hear(.answer, message.number, answer.encoded()) }
    }

    func close() { isClosed = true }

    /// The other side says something.
    func hear(_ kind: ChannelMessage.Kind, _ number: UInt64 = 0, _ body: [UInt8]) {
        onMessage?(ChannelMessage(kind, number: number, body: body).encoded)
    }

    /// The connection breaks, with so much that never left.
    func breakDown(unsentBytes: Int) {
        self.unsentBytes = unsentBytes
        onClose?(PeerLinkError(.broken, "the connection was lost", mayHaveArrived: true))
    }
}
