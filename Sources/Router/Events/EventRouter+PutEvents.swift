import EventModel
import SansIO

/// Taking in events of PutEvents (spec: patterns §1).
extension EventRouter {
    /// Events of one call on their way to the disk.
    private struct Intake {
        var results: [PutEventsResult] = []
        var records: [IntakeRecord] = []
        var entered: [(place: Place, outcome: BusMatcher.Outcome)] = []
        /// Where the last entry went; most often the next one goes there too.
        var place: Place?

        mutating func reserve(_ count: Int) {
            results.reserveCapacity(count)
            records.reserveCapacity(count)
            entered.reserveCapacity(count)
        }
    }

    /// A bus that is here, with its rules as they are during one call.
    private final class Place {
        let address: BusAddress
        let matcher: BusMatcher?

        init(_ address: BusAddress, _ matcher: BusMatcher?) {
            self.address = address
            self.matcher = matcher
        }
    }

    /// Takes in the entries of a call, all at the same time; answers when every accepted event is durable.
    ///
    /// - Parameters:
    ///   - entries: the entries, already within the limits of number and size.
    ///   - putter: who puts them.
    ///   - completion: receives an answer for each entry in order, or why the whole call failed.
    public func putEvents(
        _ entries: [PutEventsEntry],
        by putter: EventPutter,
        completion: @escaping (Result<[PutEventsResult], PutEventsFailure>) -> Void
    ) {
        statistics.putEventsCalls += 1
        let refuse = { [self] (failure: PutEventsFailure) in
            statistics.putEventsRefused += 1
            completion(.failure(failure))
        }
        guard appendingBytes < settings.appendingBytes else { return refuse(.throttled) }
        let addresses = entries.map {
            BusAddress(reference: $0.bus, region: putter.region, account: putter.account)
        }
        if let denial = denial(entries, addresses, putter) { return refuse(.denied(denial)) }
        let report = { (result: Result<[PutEventsResult], PutEventsFailure>) in
            if case .failure(let failure) = result { refuse(failure) } else { completion(result) }
        }
        if let forwarder, addresses.contains(where: isElsewhere) {
            putAcrossCells(entries, addresses, putter, by: forwarder, completion: report)
        } else {
            putHere(entries, addresses, putter) { [self] result in
                if case .success(let results) = result { countRefusals(results) }
                report(result)
            }
        }
    }

    /// Counts what the caller hears, once: an entry that was refused may have been given up before it was answered.
    func countRefusals(_ results: [PutEventsResult]) {
        statistics.failedEntries += UInt64(results.count(where: \.isRefused))
    }

    /// Whether an address is of an account that another cell hosts.
    func isElsewhere(_ address: BusAddress?) -> Bool {
        guard forwarder != nil, let address else { return false }
        return !catalog.state.accounts.contains(address.account)
    }

    /// Takes in entries for buses of this cell. `isRefused` hears of those that are refused for themselves, before the others
    /// are written.
    func putHere(
        _ entries: [PutEventsEntry],
        _ addresses: [BusAddress?],
        _ putter: EventPutter,
        isRefused: (Int, PutEventsResult) -> Void = { _, _ in },
        completion: @escaping (Result<[PutEventsResult], PutEventsFailure>) -> Void
    ) {
        statistics.entries += UInt64(entries.count)
        var intake = Intake()
        intake.reserve(entries.count)
        for index in entries.indices { take(entries[index], addresses[index], putter, into: &intake) }
        for (index, result) in intake.results.enumerated() where result.isRefused { isRefused(index, result) }
        let answer = { [self, intake] in
            enter(intake.entered[...])
            completion(.success(intake.results))
        }
        guard !intake.records.isEmpty else { return answer() }
        append(intake.records) { result in
            switch result {
            case .success: answer()
            case .failure(let error): completion(.failure(.store(error)))
            }
        }
    }

    /// Enters events into the books of their buses; neighbours mostly have the same.
    private func enter(_ entered: ArraySlice<(place: Place, outcome: BusMatcher.Outcome)>) {
        var rest = entered
        while let place = rest.first?.place {
            let run = rest.prefix { $0.place === place }
            books[place.address, default: BusBook()].enter(run.lazy.map(\.outcome))
            rest = rest[run.endIndex...]
        }
    }

    /// Asks each addressed bus once; a refusal by one refuses the whole call (spec: patterns §1.8).
    private func denial(_ entries: [PutEventsEntry], _ addresses: [BusAddress?], _ putter: EventPutter) -> String? {
        var asked: [BusAddress] = []
        for case let address? in addresses where !asked.contains(address) {
            asked.append(address)
            let bus = catalog.state.bus(address)
            if putter.isRoot {
                // Root may put anywhere in its account unless a policy denies; what names no bus is dropped anyway.
                guard let bus else { continue }
                if bus.policy == nil, address.account == putter.account { continue }
            }
            var context = putter.context()
            context.append(("events:eventBusInvocation", ["false"]))
            let own = zip(entries, addresses).filter { $0.1 == address }.map(\.0)
            context.append(("events:source", own.map(\.source)))
            context.append(("events:detail-type", own.map(\.detailType)))
            let request = AccessRequest(
                subject: .principal(arn: putter.arn, account: putter.account),
                action: "events:PutEvents",
                resource: address.arn,
                resourceAccount: address.account,
                context: context
            )
            // The policy of a bus of another cell is asked there; here only the caller's own side speaks.
            let isElsewhere = isElsewhere(address)
            let policy = isElsewhere ? DeliveryAuthorizer.openPolicy : bus?.policy
            if case .denied(let text) = decider.decide(request, policy: policy) {
                if !isElsewhere { books[address, default: BusBook()].denied += 1 }
                notice(.denied(bus: address.arn, reason: text))
                return text
            }
        }
        return nil
    }

    /// An entry as an event, or why it is refused for itself.
    enum Composition {
        case event(id: String, envelope: [UInt8])
        case refused(PutEventsResult)
    }

    /// Writes the event of an entry behind a head, or tells why the entry is refused for itself.
    func compose(_ entry: PutEventsEntry, _ putter: EventPutter, after head: [UInt8] = []) -> Composition {
        if let fault = entry.fault { return .refused(fault) }
        let id = EventID.make(using: &generator)
        let envelope = EventEnvelope(
            id: id,
            detailType: entry.detailType,
            source: entry.source,
            account: putter.account,
            time: entry.time ?? putter.now,
            region: putter.region,
            resources: entry.resources
        )
        guard let bytes = try? envelope.bytes(detail: entry.detail, after: head) else {
            return .refused(.refused(code: "MalformedDetail", message: "Detail is malformed."))
        }
        guard !entry.source.utf8.starts(with: "aws.".utf8) else {
            let message = "Not authorized for the source."
            return .refused(.refused(code: "NotAuthorizedForSourceException", message: message))
        }
        return .event(id: id, envelope: bytes)
    }

    private func take(
        _ entry: PutEventsEntry,
        _ address: BusAddress?,
        _ putter: EventPutter,
        into intake: inout Intake
    ) {
        let id: String
        let bytes: [UInt8]
        // The event is composed as it is stored, so that it is written once.
        let head = StoredEvent.head(traceHeader: entry.traceHeader ?? "")
        switch compose(entry, putter, after: head) {
        case .refused(let result):
            intake.results.append(result)
            return
        case .event(let made, let stored):
            id = made
            bytes = stored
        }
        guard let place = place(of: address, in: &intake) else {
            intake.results.append(.accepted(id: id))
            statistics.unknownBus += 1
            notice(.unknownBus(bus: address?.arn ?? entry.bus ?? "", caller: putter.arn, eventID: id))
            return
        }
        let outcome = place.matcher?.match(bytes, from: head.count) ?? BusMatcher.Outcome()
        guard outcome.isReadable else {
            intake.results.append(.refused(code: "InternalFailure", message: "The event cannot be read back."))
            return
        }
        if let full = fullTarget(among: outcome.targets) {
            notice(.queueFull(target: full))
            let message = "The queue for \(full) is full."
            intake.results.append(.refused(code: "ThrottlingException", message: message))
            return
        }
        intake.results.append(.accepted(id: id))
        intake.entered.append((place, outcome))
        guard !outcome.targets.isEmpty else { return }
        intake.records.append(IntakeRecord(acceptedAt: putter.now, event: bytes, targets: outcome.targets))
    }

    /// The bus at an address; nil when there is none.
    private func place(of address: BusAddress?, in intake: inout Intake) -> Place? {
        guard let address else { return nil }
        if let place = intake.place, place.address == address { return place }
        guard catalog.state.bus(address) != nil else { return nil }
        intake.place = Place(address, catalog.matcher(address))
        return intake.place
    }
}
