import EventModel
import Membership
import PeerProtocol
import SansIO

/// Counts the events of a batch that have no outcome yet, over all the requests that it was sent in.
final class OpenBatch {
    var open: Int
    /// Whether some of it got no answer in its time.
    var isLate = false

    init(_ open: Int) {
        self.open = open
    }
}

/// A batch, or a part of one, on its way.
struct PeerRequest {
    let lane: PeerForwarder.Lane
    var items: [PeerForwarder.Item]
    let batch: OpenBatch
    /// The node that was asked, by a connection of this side or over its uplink.
    var node: NodeIdentity?
    /// The version that the frame is written in.
    var version: UInt8 = 1
    /// Nodes that were asked in vain.
    var failed: [NodeIdentity] = []
    /// Whether the version was lowered already.
    var isRenegotiated = false
    /// Whether the frame was compressed.
    var isCompressed = false
    /// Bytes of the frame as it was sent.
    var bytes = 0

    /// Nodes that are asked for one request before its events fail for now.
    static let attempts = 3
}

/// Requests and their answers.
extension PeerForwarder {
    /// The two kinds of way to a cell.
    private enum Way {
        case uplink(UplinkSession)
        case node(PeerNode)
    }

    func send(_ request: PeerRequest) {
        guard !request.items.isEmpty else { return }
        guard let way = way(for: request) else {
            let failure = ForwardFailure(.offline, Self.offlineText(request.lane.cell, request.lane.sponsors))
            _ = clock.schedule(after: .zero) { [self] in settle(request, failure) }
            return
        }
        send(request, way)
    }

    static func offlineText(_ cell: CellIdentity, _ sponsors: [NodeIdentity]) -> String {
        let text = "Cell \(cell) takes no connections, and holds none open to this node."
        guard !sponsors.isEmpty else { return text }
        let names = sponsors.map { "\($0.node) of cell \($0.cell)" }.joined(separator: " and ")
        return text + " It is reached only through \(names), which passes on no events of other cells."
    }

    /// The way for a request: an uplink where there is one, as a cell that has some takes no connections as a rule.
    private func way(for request: PeerRequest) -> Way? {
        let lane = request.lane
        if let sessions = uplinks?.sessions(of: lane.cell), !sessions.isEmpty,
            let session = choose(from: sessions, for: request)
        {
            return .uplink(session)
        }
        return choose(from: lane.nodes, for: request).map(Way.node)
    }

    private func choose<Candidate: PeerWay>(from ways: [Candidate], for request: PeerRequest) -> Candidate? {
        table.choose(
            from: ways,
            avoiding: request.failed,
            now: clock.now,
            life: settings.pressureLife,
            using: &generator
        )
    }

    /// The way to a node that was asked already, if it is still there.
    private func way(to node: NodeIdentity, _ lane: Lane) -> Way? {
        if let session = uplinks?.sessions(of: lane.cell).first(where: { $0.peer == node }) { return .uplink(session) }
        return lane.nodes.first { $0.identity == node }.map(Way.node)
    }

    private func send(_ request: PeerRequest, _ way: Way) {
        var request = request
        guard !request.items.isEmpty else { return }
        switch way {
        case .uplink(let session):
            let body = encode(&request, session.peer)
            session.ask(body, timeout: settings.timeout, completion: completion(of: request))
        case .node(let node):
            let body = encode(&request, node.identity)
            links.exchange(
                body,
                path: PeerPath.events,
                with: node.address,
                timeout: settings.timeout,
                completion: completion(of: request)
            )
        }
    }

    private func completion(of request: PeerRequest) -> (Result<PeerReply, PeerLinkError>) -> Void {
        { [self] in finish(request, $0) }
    }

    private func encode(_ request: inout PeerRequest, _ node: NodeIdentity) -> [UInt8] {
        request.node = node
        table.began(node)
        request.version = table.version(node) ?? settings.versions.newest
        var body = frame(of: request)
        request.isCompressed = false
        if isCompressing(request.lane), let compressor, table.takesCompressed(node),
            let small = ForwardFrame.compressed(body, by: compressor)
        {
            statistics.compressedRequests += 1
            statistics.bytesBeforeCompression += UInt64(body.count)
            statistics.bytesAfterCompression += UInt64(small.count)
            request.isCompressed = true
            body = small
        }
        request.bytes = body.count
        statistics.requests += 1
        statistics.bytes += UInt64(body.count)
        return body
    }

    private func frame(of request: PeerRequest) -> [UInt8] {
        var writer = ForwardFrame.Writer(
            count: request.items.count,
            bytes: request.items.reduce(16) { $0 + $1.entry.size },
            origin: origin,
            version: request.version
        )
        for item in request.items { writer.add(item.entry) }
        return writer.bytes
    }

    /// Whether requests to a cell are to be compressed now.
    func isCompressing(_ lane: Lane) -> Bool {
        switch settings.compression {
        case .never: false
        case .always: compressor != nil
        case .auto: compressor != nil && lane.gauge.isSlow(at: clock.now)
        }
    }

    private func finish(_ request: PeerRequest, _ result: Result<PeerReply, PeerLinkError>) {
        if let node = request.node { table.ended(node) }
        switch result {
        case .failure(let error):
            if error.code == .timedOut {
                request.batch.isLate = true
                request.lane.gauge.timedOut(at: clock.now)
            }
            // That too much waits on this side says nothing of the node.
            if error.code != .overloaded { noteFailure(request) }
            retryElsewhere(request, ForwardFailure(error))
        case .success(let reply):
            do throws(FrameError) {
                take(try VerdictFrame(decoding: reply.body, limits: settings.limits), reply.identity, request)
            } catch {
                noteFailure(request)
                takeUnreadable(reply, error, request)
            }
        }
    }

    private func noteFailure(_ request: PeerRequest) {
        guard let node = request.node else { return }
        table.failed(node, now: clock.now, coolDown: settings.coolDown)
    }

    /// An answer that is no frame comes from something before the receiver, or from one that knows no frames; its status
    /// tells whether the request went further.
    private func takeUnreadable(_ reply: PeerReply, _ error: FrameError, _ request: PeerRequest) {
        let text = "The answer of status \(reply.status) cannot be read: \(error)."
        switch reply.status {
        case 413: takeApart(request, VerdictFrame(status: .tooLarge, message: text), reply.identity)
        case 400...407, 421, 429, 503: retryElsewhere(request, ForwardFailure(.refused, text))
        default: settle(request, ForwardFailure(.misunderstood, text, mayHaveArrived: true))
        }
    }

    /// Asks another node at once if the first one cannot have worked on the request; otherwise the events fail for now, and
    /// whoever keeps them tries again with the same ids.
    private func retryElsewhere(_ request: PeerRequest, _ failure: ForwardFailure) {
        guard !failure.mayHaveArrived, let node = request.node, request.failed.count + 1 < PeerRequest.attempts else {
            return settle(request, failure)
        }
        var again = request
        again.failed.append(node)
        guard let way = way(for: again) else { return settle(request, failure) }
        again = inTime(again)
        guard !again.items.isEmpty else { return }
        statistics.resent += 1
        send(again, way)
    }

    private func take(_ answer: VerdictFrame, _ identity: CertificateIdentity, _ request: PeerRequest) {
        if let node = request.node {
            let isServing = answer.status != .notServing
            table.answered(node, pressure: answer.pressure, isServing: isServing, now: clock.now)
            // A node that was replaced by a newer release is spoken to in its version from now on.
            if answer.status != .unsupportedVersion, let best = settings.versions.best(with: answer.versions),
                best > request.version
            {
                table.speaks(node, version: best)
            }
        }
        switch answer.status {
        case .answered:
            noteAnswer(answer, request)
            guard answer.verdicts.count == request.items.count else {
                let text = "\(answer.verdicts.count) verdicts for \(request.items.count) events"
                return settle(request, ForwardFailure(.misunderstood, text, mayHaveArrived: true))
            }
            settle(request, answer.verdicts, AccountScope(identity, trustDomain: settings.trustDomain))
        case .unsupportedVersion where request.isCompressed: sendPlain(request)
        case .unsupportedVersion: renegotiate(request, answer)
        case .malformed, .tooLarge: takeApart(request, answer, identity)
        case .notServing:
            noteFailure(request)
            retryElsewhere(request, ForwardFailure(.refused, "The node does not serve now: \(answer.message)"))
        case .notANode: settle(request, ForwardFailure(.refused, answer.message))
        }
    }

    /// What of a request is to be sent once more: whose time is up is told so, for nobody waits for its verdict.
    private func inTime(_ request: PeerRequest) -> PeerRequest {
        let now = clock.now
        guard request.items.contains(where: { $0.isLate(at: now) }) else { return request }
        var rest = request
        rest.items.removeAll { $0.isLate(at: now) }
        for item in request.items where item.isLate(at: now) {
            let text = "The time of the event was up before cell \(request.lane.cell) could be asked once more."
            fail(item, ForwardFailure(.overloaded, text), request)
        }
        return rest
    }

    private func noteAnswer(_ answer: VerdictFrame, _ request: PeerRequest) {
        if let node = request.node { table.takes(node, compressed: answer.takesCompressed) }
        let moreWaits = request.lane.batcher.waitingItems > 0
        request.lane.gauge.answered(request.bytes, moreWaits: moreWaits, at: clock.now)
    }

    /// The node takes no compressed frames, as an earlier release that has taken the place of this one.
    private func sendPlain(_ request: PeerRequest) {
        guard let node = request.node else { return }
        table.takes(node, compressed: false)
        let again = inTime(request)
        if let way = way(to: node, request.lane) { send(again, way) } else { send(again) }
    }

    /// Writes the frame anew, for the same node, in the highest version that both sides speak.
    private func renegotiate(_ request: PeerRequest, _ answer: VerdictFrame) {
        guard !request.isRenegotiated, let version = settings.versions.best(with: answer.versions),
            version != request.version, let node = request.node
        else {
            let versions = "\(answer.versions.oldest) to \(answer.versions.newest)"
            return settle(request, ForwardFailure(.misunderstood, "The node speaks versions \(versions) only."))
        }
        table.speaks(node, version: version)
        var again = inTime(request)
        again.isRenegotiated = true
        if let way = way(to: node, request.lane) { send(again, way) } else { send(again) }
    }

    /// Sends the events of a refused frame one by one, so that one that cannot be taken does not hold up the others. What is
    /// said of a single one is a verdict, and counts for the accounts that the certificate covers, as every verdict does.
    private func takeApart(_ request: PeerRequest, _ answer: VerdictFrame, _ identity: CertificateIdentity) {
        if request.items.count > 1 {
            statistics.split += 1
            for item in inTime(request).items {
                send(PeerRequest(lane: request.lane, items: [item], batch: request.batch))
            }
            return
        }
        let verdict: PeerVerdict =
            answer.status == .tooLarge ? .tooLarge(answer.message) : .malformed(answer.message)
        settle(request, [verdict], AccountScope(identity, trustDomain: settings.trustDomain))
    }

    private func settle(_ request: PeerRequest, _ failure: ForwardFailure) {
        request.lane.trouble = failure.description
        for item in request.items { fail(item, failure, request) }
    }

    private func settle(_ request: PeerRequest, _ verdicts: [PeerVerdict], _ scope: AccountScope) {
        request.lane.trouble = nil
        // Neighbours mostly have the same verdict, so they are counted together.
        var run: (kind: String, count: UInt64) = ("", 0)
        defer { count(run) }
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
            if verdict.kind != run.kind {
                count(run)
                run = (verdict.kind, 0)
            }
            run.count += 1
            complete(item, verdict, request)
        }
    }

    private func count(_ run: (kind: String, count: UInt64)) {
        guard run.count > 0 else { return }
        statistics.verdicts[run.kind, default: 0] += run.count
    }

    private func complete(_ item: Item, _ verdict: PeerVerdict, _ request: PeerRequest) {
        item.finish(.success(verdict))
        ended(request)
    }

    private func fail(_ item: Item, _ failure: ForwardFailure, _ request: PeerRequest) {
        statistics.failures[failure.code.rawValue, default: 0] += 1
        item.finish(.failure(failure))
        ended(request)
    }

    /// One event of a batch has its outcome; when each has, the lane may send another batch.
    private func ended(_ request: PeerRequest) {
        request.batch.open -= 1
        guard request.batch.open == 0 else { return }
        request.lane.batcher.batchFinished(inTime: !request.batch.isLate, now: clock.now)
        pump(request.lane)
    }
}
