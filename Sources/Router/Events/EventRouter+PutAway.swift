import Cluster
import EventModel
import PeerProtocol
import SansIO

/// PutEvents to buses of other cells: the entry goes there at once and the answer is that cell's (control §7.4).
extension EventRouter {
    /// A call of which some entries are for other cells; answered when each entry is.
    private final class Call {
        var results: [PutEventsResult?]
        var missing: Int
        private var completion: (([PutEventsResult]) -> Void)?
        /// Runs when every entry is answered.
        var onEnd: (() -> Void)?

        init(_ count: Int, _ completion: @escaping ([PutEventsResult]) -> Void) {
            results = [PutEventsResult?](repeating: nil, count: count)
            missing = count
            self.completion = completion
        }

        /// Only the first answer to an entry counts.
        func note(_ result: PutEventsResult, _ index: Int) {
            guard results[index] == nil else { return }
            results[index] = result
            missing -= 1
            guard missing == 0 else { return }
            onEnd?()
            onEnd = nil
            completion?(results.compactMap { $0 })
            completion = nil
        }

        /// The entries that have no answer yet.
        var open: [Int] { results.indices.filter { results[$0] == nil } }
    }

    /// Puts entries to buses of this and of other cells.
    ///
    /// An entry for another cell is not kept here: the caller hears what that cell says, as if it hosted the caller too, and
    /// an entry that cannot be brought there is refused. What must survive a broken link is put to a bus of this cell
    /// with a rule that forwards.
    func putAcrossCells(
        _ entries: [PutEventsEntry],
        _ addresses: [BusAddress?],
        _ putter: EventPutter,
        by forwarder: PeerForwarder,
        completion: @escaping (Result<[PutEventsResult], PutEventsFailure>) -> Void
    ) {
        let call = Call(entries.count) { [self] results in
            countRefusals(results)
            let denials = results.compactMap(\.denial)
            // When every entry is refused by a policy the call is (spec: control §7.4).
            if let text = denials.first, denials.count == results.count { return completion(.failure(.denied(text))) }
            completion(.success(results))
        }
        let here = entries.indices.filter { !isElsewhere(addresses[$0]) }
        for index in entries.indices where isElsewhere(addresses[index]) {
            statistics.entries += 1
            guard let address = addresses[index] else { continue }
            putAway(entries[index], to: address, putter, by: forwarder) { call.note($0, index) }
        }
        if !here.isEmpty {
            let refused = { (place: Int, result: PutEventsResult) in call.note(result, here[place]) }
            putHere(here.map { entries[$0] }, here.map { addresses[$0] }, putter, isRefused: refused) { result in
                switch result {
                case .success(let results): for (index, result) in zip(here, results) { call.note(result, index) }
                case .failure(let failure):
                    for index in here { call.note(.internalFailure("\(failure)"), index) }
                }
            }
        }
        guard call.missing > 0 else { return }
        let timeout = settings.peers?.putTimeout ?? .seconds(5)
        let timer = clock.schedule(after: timeout) {
            for index in call.open {
                let text =
                    here.contains(index)
                    ? "The event was not written in time; it may be delivered all the same."
                    : "The cell of the bus did not answer in time; the event may have reached it."
                call.note(.internalFailure(text), index)
            }
        }
        // A timer that went on would keep the call and its entries for minutes.
        call.onEnd = { [clock] in clock.cancel(timer) }
    }

    private func putAway(
        _ entry: PutEventsEntry,
        to address: BusAddress,
        _ putter: EventPutter,
        by forwarder: PeerForwarder,
        completion: @escaping (PutEventsResult) -> Void
    ) {
        switch compose(entry, putter) {
        case .refused(let result): completion(result)
        case .event(let id, let envelope):
            let sequence = store.nextSequence()
            // Were it given out again after a crash, the other cell would take the later event for a repetition.
            if let error = store.unreserved { return completion(.internalFailure(error.message)) }
            let forward = ForwardEntry(
                id: DeliveryID(event: sequence, target: 0),
                sourceAccount: putter.account,
                principal: putter.arn,
                bus: address.arn,
                traceHeader: entry.traceHeader ?? "",
                envelope: envelope
            )
            // What the caller was told to have failed by then may be put again under another id.
            let deadline = clock.now + (settings.peers?.putTimeout ?? .seconds(5))
            forwarder.forward(forward, to: address.account, deadline: deadline) { [self] result in
                switch result {
                case .success(.accepted), .success(.duplicate): completion(.accepted(id: id))
                case .success(.unknownBus):
                    statistics.unknownBus += 1
                    notice(.unknownBus(bus: address.arn, caller: putter.arn, eventID: id))
                    completion(.accepted(id: id))
                case .success(.denied(let text)):
                    notice(.denied(bus: address.arn, reason: text))
                    completion(.refused(code: PutEventsResult.denialCode, message: text))
                case .success(.throttled):
                    completion(.refused(code: "ThrottlingException", message: "Rate exceeded"))
                case .success(.malformed(let text)), .success(.tooLarge(let text)):
                    completion(.refused(code: "InvalidArgument", message: text))
                case .success(.loop(let text)), .success(.notCovered(let text)), .success(.failed(let text)):
                    completion(.internalFailure(text))
                case .success(.busPending):
                    completion(.internalFailure("The cell that hosts account \(address.account) has no such bus yet."))
                case .success(.notHosted):
                    completion(.internalFailure("The cell that was asked does not host account \(address.account)."))
                case .failure(let failure) where failure.isOwn:
                    completion(.refused(code: "ThrottlingException", message: failure.message))
                case .failure(let failure): completion(.internalFailure(failure.message))
                }
            }
        }
    }
}

extension PutEventsResult {
    static let denialCode = "AccessDeniedException"

    static func internalFailure(_ message: String) -> PutEventsResult {
        .refused(code: "InternalFailure", message: message)
    }

    /// The text of a policy's refusal.
    fileprivate var denial: String? {
        guard case .refused(Self.denialCode, let message) = self else { return nil }
        return message
    }
}
