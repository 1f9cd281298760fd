import EventModel
import Membership
import PeerProtocol
import SansIO

/// Questions for people: what another cell would say of an event.
extension PeerForwarder {
    /// Asks the cell that hosts an account what would become of an event there. The event is not sent, and nothing is tried again.
    ///
    /// - Parameters:
    ///   - entry: the event, as it would be sent.
    ///   - account: the owner of the receiving bus.
    ///   - timeout: how long the answer may take.
    ///   - completion: receives the verdict that the event would get, as far as who may send it goes, or why none came.
    public func inquire(
        _ entry: ForwardEntry,
        to account: AccountID,
        timeout: Duration,
        completion: @escaping Completion
    ) {
        let route = directory.route(to: account)
        guard let cell = uplinks?.cell(hosting: account) ?? route?.cell else {
            return later(completion, ForwardFailure(.noRoute, "No cell is known to host account \(account) now."))
        }
        let finish = { [self] (result: Result<PeerReply, PeerLinkError>) in
            completion(verdict(result, cell, account))
        }
        let nodes = route?.cell == cell ? route?.nodes ?? [] : []
        if let session = choose(from: uplinks?.sessions(of: cell) ?? []) {
            session.ask(question(entry, session.peer), kind: .inquiry, timeout: timeout, completion: finish)
        } else if let node = choose(from: nodes) {
            let body = question(entry, node.identity)
            links.exchange(body, path: PeerPath.explain, with: node.address, timeout: timeout, completion: finish)
        } else {
            later(completion, ForwardFailure(.offline, Self.offlineText(cell, route?.sponsors ?? [])))
        }
    }

    private func later(_ completion: @escaping Completion, _ failure: ForwardFailure) {
        _ = clock.schedule(after: .zero) { completion(.failure(failure)) }
    }

    private func choose<Way: PeerWay>(from ways: [Way]) -> Way? {
        table.choose(from: ways, now: clock.now, life: settings.pressureLife, using: &generator)
    }

    private func question(_ entry: ForwardEntry, _ node: NodeIdentity) -> [UInt8] {
        ForwardFrame.encode([entry], origin: origin, version: table.version(node) ?? settings.versions.newest)
    }

    private func verdict(
        _ result: Result<PeerReply, PeerLinkError>,
        _ cell: CellIdentity,
        _ account: AccountID
    ) -> Result<PeerVerdict, ForwardFailure> {
        switch result {
        case .failure(let error): return .failure(ForwardFailure(error))
        case .success(let reply):
            guard let frame = try? VerdictFrame(decoding: reply.body, limits: settings.limits) else {
                let text = "The node answers no questions (status \(reply.status)); its release may be an earlier one."
                return .failure(ForwardFailure(.misunderstood, text))
            }
            guard frame.status == .answered, frame.verdicts.count == 1 else {
                return .failure(ForwardFailure(.refused, frame.message))
            }
            guard AccountScope(reply.identity, trustDomain: settings.trustDomain).covers(account) else {
                let text = "The certificate of cell \(cell) does not cover account \(account)."
                return .failure(ForwardFailure(.untrusted, text))
            }
            return .success(frame.verdicts[0])
        }
    }
}
