import EventModel
import PeerProtocol
import SansIO

/// Counts the events of a batch that have no outcome yet, over all the requests that it was sent in.
final class OpenBatch {
    var open: Int

    init(_ open: Int) {
        self.open = open
    }
}

/// A batch, or a part of one, on its way.
struct PeerRequest {
    let lane: PeerForwarder.Lane
    let items: [PeerForwarder.Item]
    let batch: OpenBatch
    /// The node that was asked; nil when an uplink was.
    var node: NodeIdentity?
    /// The version that the frame is written in.
    var version: UInt8 = 1
    /// Whether the request was made again already.
    var isRepeated = false
    /// Whether the version was lowered already.
    var isRenegotiated = false
}

/// Requests and their answers.
extension PeerForwarder {
    func send(_ request: PeerRequest, avoiding avoided: NodeIdentity? = nil) {
        let lane = request.lane
        var request = request
        if let session = uplinks?.session(of: lane.cell) {
            request.node = nil
            let body = encode(&request, session.peer)
            session.ask(body, timeout: settings.timeout) { [self] in finish(request, $0) }
            return
        }
        let node = table.choose(
            from: lane.nodes,
            avoiding: avoided,
            now: clock.now,
            life: settings.pressureLife,
            using: &generator
        )
        guard let node else {
            let failure =
                lane.nodes.isEmpty
                ? ForwardFailure(.offline, "Cell \(lane.cell) takes no connections, and holds none open to this node.")
                : ForwardFailure(.unreachable, "No other node of cell \(lane.cell) is there.")
            _ = clock.schedule(after: .zero) { [self] in settle(request, failure) }
            return
        }
        request.node = node.identity
        table.began(node.identity)
        let body = encode(&request, node.identity)
        links.exchange(body, path: PeerPath.events, with: node.address, timeout: settings.timeout) { [self] in
            finish(request, $0)
        }
    }

    private func encode(_ request: inout PeerRequest, _ node: NodeIdentity) -> [UInt8] {
        request.version = table.version(node) ?? settings.versions.newest
        let body = ForwardFrame.encode(request.items.map(\.entry), origin: origin, version: request.version)
        statistics.requests += 1
        statistics.bytes += UInt64(body.count)
        return body
    }

    private func finish(_ request: PeerRequest, _ result: Result<PeerReply, PeerLinkError>) {
        if let node = request.node { table.ended(node) }
        switch result {
        case .failure(let error):
            if let node = request.node { table.failed(node, now: clock.now, coolDown: settings.coolDown) }
            retryElsewhere(request, ForwardFailure(error))
        case .success(let reply):
            do throws(FrameError) {
                take(try VerdictFrame(decoding: reply.body, limits: settings.limits), reply.identity, request)
            } catch {
                let failure = ForwardFailure(
                    .misunderstood,
                    "The answer of status \(reply.status) cannot be read: \(error).",
                    mayHaveArrived: true
                )
                if let node = request.node { table.failed(node, now: clock.now, coolDown: settings.coolDown) }
                settle(request, failure)
            }
        }
    }

    /// Asks another node at once if the first one cannot have worked on the request; otherwise the events fail for now.
    private func retryElsewhere(_ request: PeerRequest, _ failure: ForwardFailure) {
        guard !failure.mayHaveArrived, !request.isRepeated, failure.code != .overloaded, let failed = request.node,
            request.lane.nodes.contains(where: { $0.identity != failed })
        else { return settle(request, failure) }
        statistics.resent += 1
        var again = request
        again.isRepeated = true
        send(again, avoiding: failed)
    }

    private func take(_ answer: VerdictFrame, _ identity: CertificateIdentity, _ request: PeerRequest) {
        if let node = request.node { table.answered(node, pressure: answer.pressure, now: clock.now) }
        switch answer.status {
        case .answered:
            guard answer.verdicts.count == request.items.count else {
                let text = "\(answer.verdicts.count) verdicts for \(request.items.count) events"
                return settle(request, ForwardFailure(.misunderstood, text, mayHaveArrived: true))
            }
            settle(request, answer.verdicts, AccountScope(identity, trustDomain: settings.trustDomain))
        case .unsupportedVersion: renegotiate(request, answer)
        case .malformed, .tooLarge: takeApart(request, answer)
        case .notServing:
            if let node = request.node { table.failed(node, now: clock.now, coolDown: settings.coolDown) }
            retryElsewhere(request, ForwardFailure(.refused, "The node does not serve now: \(answer.message)"))
        case .notANode: settle(request, ForwardFailure(.refused, answer.message))
        }
    }

    /// Writes the frame anew in the highest version that both sides speak.
    private func renegotiate(_ request: PeerRequest, _ answer: VerdictFrame) {
        guard !request.isRenegotiated, let version = settings.versions.best(with: answer.versions),
            version != request.version
        else {
            let versions = "\(answer.versions.oldest) to \(answer.versions.newest)"
            return settle(request, ForwardFailure(.misunderstood, "The node speaks versions \(versions) only."))
        }
        if let node = request.node ?? uplinks?.session(of: request.lane.cell)?.peer {
            table.began(node)
            table.speaks(node, version: version)
            table.ended(node)
        }
        var again = request
        again.isRenegotiated = true
        send(again)
    }

    /// Sends the events of a refused frame one by one, so that one that cannot be taken does not hold up the others.
    private func takeApart(_ request: PeerRequest, _ answer: VerdictFrame) {
        if request.items.count > 1 {
            statistics.split += 1
            for item in request.items {
                send(PeerRequest(lane: request.lane, items: [item], batch: request.batch))
            }
            return
        }
        let verdict: PeerVerdict =
            answer.status == .tooLarge ? .tooLarge(answer.message) : .malformed(answer.message)
        for item in request.items { complete(item, verdict, request) }
    }

    private func settle(_ request: PeerRequest, _ failure: ForwardFailure) {
        request.lane.trouble = failure.description
        for item in request.items { fail(item, failure, request) }
    }

    private func settle(_ request: PeerRequest, _ verdicts: [PeerVerdict], _ scope: AccountScope) {
        request.lane.trouble = nil
        for (item, verdict) in zip(request.items, verdicts) {
            guard scope.covers(item.account) else {
                let failure = ForwardFailure(
                    .untrusted,
                    "The certificate of cell \(request.lane.cell) does not cover account \(item.account).",
                    mayHaveArrived: true
                )
                request.lane.trouble = failure.description
                fail(item, failure, request)
                continue
            }
            complete(item, verdict, request)
        }
    }

    private func complete(_ item: Item, _ verdict: PeerVerdict, _ request: PeerRequest) {
        statistics.verdicts[verdict.kind, default: 0] += 1
        item.completion(.success(verdict))
        ended(request)
    }

    private func fail(_ item: Item, _ failure: ForwardFailure, _ request: PeerRequest) {
        statistics.failures[failure.code.rawValue, default: 0] += 1
        item.completion(.failure(failure))
        ended(request)
    }

    /// One event of a batch has its outcome; when each has, the lane may send another batch.
    private func ended(_ request: PeerRequest) {
        request.batch.open -= 1
        guard request.batch.open == 0 else { return }
        request.lane.batcher.batchFinished()
        pump(request.lane)
    }
}
