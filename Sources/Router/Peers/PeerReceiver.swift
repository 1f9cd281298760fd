import Cluster
import Delivery
import EventModel
import Membership
import PeerProtocol
import SansIO

/// Takes in events that other cells send (DESIGN §7), from requests and from uplinks alike.
///
/// Each entry passes these in order: the certificate speaks for the source account; the entry and its event are well formed and
/// claim nothing beyond that account; the bus is hosted here; its policy lets the principal in; the event goes in no circle; it
/// was not taken in before; there is room; its account keeps to its rate. Then it is made durable, with its delivery id, and only then accepted.
public final class PeerReceiver: PeerFrameHandler {
    let router: EventRouter
    let settings: PeerSettings
    /// Bytes on their way to the disk, by sending cell.
    var appending: [CellIdentity: Int] = [:]
    /// Deliveries on their way to the disk, with what waits to hear of them.
    var pending: [PendingKey: [(PeerVerdict) -> Void]] = [:]

    /// Makes compressed frames large again; nil takes none.
    public var compressor: (any CompressionPort)?

    /// The rates of the accounts that other cells send for.
    var quotas: AccountQuotas
    private let held: HeldAnswers

    /// What a repeat that waits for the disk counts as at least, with the answer that waits for it.
    static let waitingBytes = 1_024

    /// Gives back bytes of a cell's share.
    func release(_ bytes: Int, of cell: CellIdentity) {
        appending[cell, default: 0] -= bytes
        if appending[cell] == 0 { appending[cell] = nil }
    }

    /// Who sends and where to; shared by the keys of a batch.
    final class Way: Equatable {
        let sender: DuplicateWindow.Sender
        let bus: String

        init(sender: DuplicateWindow.Sender, bus: String) {
            self.sender = sender
            self.bus = bus
        }

        static func == (left: Way, right: Way) -> Bool {
            left === right || (left.sender == right.sender && left.bus == right.bus)
        }
    }

    struct PendingKey: Hashable {
        var id: DeliveryID
        var way: Way

        /// An id hardly ever comes from two senders or for two buses at a time.
        func hash(into hasher: inout Hasher) {
            hasher.combine(id.event)
            hasher.combine(id.target)
        }
    }

    /// Creates the receiver of a router whose settings have peers. Call it after ``EventRouter/start(completion:)``; what
    /// comes earlier is answered as not serving.
    public init(router: EventRouter, settings: PeerSettings) {
        self.router = router
        self.settings = settings
        quotas = AccountQuotas(rate: settings.accountRate)
        held = HeldAnswers(clock: router.clock) { [unowned router] in router.isBehind($0) }
    }

    /// Accounts whose events other cells were lately told to send later, with how many.
    public var slowedAccounts: [(account: AccountID, entries: UInt64)] { quotas.slowed }

    /// Takes one frame.
    public func answer(
        _ frame: [UInt8],
        from identity: CertificateIdentity,
        completion: @escaping ([UInt8]) -> Void
    ) {
        handle(frame, from: identity) { [self] in completion(encode($0)) }
    }

    /// Tells what would become of the events of a frame: the same checks up to the question whether the event was here before,
    /// and nothing is taken in, counted for its bus or told to the operator.
    public func explain(
        _ frame: [UInt8],
        from identity: CertificateIdentity,
        completion: @escaping ([UInt8]) -> Void
    ) {
        handle(frame, from: identity, isQuestion: true) { [self] in completion(encode($0)) }
    }

    /// Takes one frame and answers with the verdicts; of a question, with what they would be.
    public func handle(
        _ bytes: [UInt8],
        from identity: CertificateIdentity,
        isQuestion: Bool = false,
        completion: @escaping (VerdictFrame) -> Void
    ) {
        if isQuestion { router.statistics.peers.questions += 1 } else { router.statistics.peers.frames += 1 }
        guard let node = NodeIdentity(identity, trustDomain: settings.trustDomain) else {
            let name = identity.uris.first ?? "a certificate without a URI"
            let text = "\(name) is no node of \(settings.trustDomain)."
            return refuse(VerdictFrame(status: .notANode, message: text), peer: name, isQuestion, completion)
        }
        guard router.isServing, router.ledger.isReady else {
            let refusal = VerdictFrame(status: .notServing, message: "starting or stopping")
            return refuse(refusal, peer: "", isQuestion, completion)
        }
        let frame: ForwardFrame
        do throws(FrameError) {
            frame = try ForwardFrame(decoding: try expanded(bytes), limits: settings.limits)
        } catch {
            return refuse(VerdictFrame(refusing: error, pressure: pressure), peer: node.uri, isQuestion, completion)
        }
        guard !isQuestion || frame.items.count <= PeerPath.maximumQuestions else {
            let text = "a question about \(frame.items.count) events"
            let refusal = VerdictFrame(refusing: FrameError(.tooLarge, text), pressure: pressure)
            return refuse(refusal, peer: node.uri, isQuestion, completion)
        }
        let scope = AccountScope(identity, trustDomain: settings.trustDomain)
        let batch = PeerBatch(
            receiver: self,
            authority: PeerAuthority(node: node, scope: scope),
            origin: frame.origin,
            count: frame.items.count,
            isQuestion: isQuestion,
            completion: completion
        )
        batch.run(frame.items)
    }

    /// Answers a frame, later when a target of its events is behind.
    func answer(_ frame: VerdictFrame, behind target: UInt64?, _ completion: @escaping (VerdictFrame) -> Void) {
        let send = { [self] in
            var frame = frame
            frame.pressure = pressure
            completion(frame)
        }
        if let target { held.hold(for: target, send) } else { send() }
    }

    private func expanded(_ bytes: [UInt8]) throws(FrameError) -> [UInt8] {
        guard let compressor, ForwardFrame.isCompressed(bytes) else { return bytes }
        router.statistics.peers.compressedFrames += 1
        return try ForwardFrame.expanded(bytes, by: compressor, limits: settings.limits)
    }

    private func encode(_ answer: VerdictFrame) -> [UInt8] {
        var answer = answer
        answer.takesCompressed = compressor != nil
        return answer.encoded(limits: settings.limits)
    }

    private func refuse(
        _ answer: VerdictFrame,
        peer: String,
        _ isQuestion: Bool,
        _ completion: (VerdictFrame) -> Void
    ) {
        if !isQuestion {
            router.statistics.peers.refusedFrames += 1
            if !peer.isEmpty { router.notice(.peerRefused(peer: peer, account: "", reason: answer.message)) }
        }
        var answer = answer
        answer.pressure = pressure
        completion(answer)
    }

    /// How much of the intake is in use: 0 idle, 255 full.
    public var pressure: UInt8 {
        if router.store.statistics.isFull { return .max }
        let waiting = max(
            Double(router.appendingBytes) / Double(max(1, router.settings.appendingBytes)),
            Double(router.delivery.pendingBytes) / Double(max(1, router.settings.delivery.pendingBytes))
        )
        return UInt8(min(255, waiting * 255))
    }
}

extension PeerReceiver: HTTPRequestHandler {
    /// Answers ``PeerPath/events`` and ``PeerPath/explain``; the body is an encoded frame in both directions.
    public func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        let isQuestion = request.target == PeerPath.explain
        guard isQuestion || request.target == PeerPath.events else { return reply.send(HTTPResponse(status: 404)) }
        guard request.method == "POST" else {
            return reply.send(HTTPResponse(status: 405, headers: [HTTPField("allow", "POST")]))
        }
        guard let identity = request.connection.clientIdentity else {
            return reply.send(HTTPResponse(status: 403, body: Array("a client certificate is needed".utf8)))
        }
        if case .bodyTooLarge(let limit)? = request.fault {
            let error = FrameError(.tooLarge, "a frame of more than \(limit) bytes")
            return reply.send(response(VerdictFrame(refusing: error, pressure: pressure)))
        }
        handle(request.body, from: identity, isQuestion: isQuestion) { [self] in reply.send(response($0)) }
    }

    private func response(_ answer: VerdictFrame) -> HTTPResponse {
        let status =
            switch answer.status {
            case .answered: 200
            case .unsupportedVersion, .malformed: 400
            case .notANode: 403
            case .tooLarge: 413
            case .notServing: 503
            }
        let type = HTTPField("content-type", "application/octet-stream")
        return HTTPResponse(status: status, headers: [type], body: encode(answer))
    }
}
