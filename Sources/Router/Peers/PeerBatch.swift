import Delivery
import EventModel
import Membership
import PeerProtocol
import SansIO

/// One frame on its way through the receiver: it is answered when every entry has its verdict. Of events that are only asked
/// about it says what the verdict would be, and leaves no trace of them.
final class PeerBatch {
    private struct Taken {
        var index: Int
        var id: DeliveryID
        var place: Place
        var outcome: BusMatcher.Outcome

        var key: PeerReceiver.PendingKey { PeerReceiver.PendingKey(id: id, way: place.way) }
    }

    /// What the checked claims lead to; nothing of it changes while a frame's entries are judged.
    private final class Place {
        let destination: BusAddress
        let policy: String?
        let matcher: BusMatcher?
        let way: PeerReceiver.Way

        init(_ destination: BusAddress, policy: String?, matcher: BusMatcher?, way: PeerReceiver.Way) {
            self.destination = destination
            self.policy = policy
            self.matcher = matcher
            self.way = way
        }
    }

    /// An entry's event as it is stored, and where in these bytes the event itself begins.
    private struct Stored {
        var bytes: [UInt8]
        var start: Int
    }

    private let receiver: PeerReceiver
    private let authority: PeerAuthority
    private let sender: DuplicateWindow.Sender
    private let cell: CellIdentity
    private let isQuestion: Bool
    private let completion: (VerdictFrame) -> Void
    private var verdicts: [PeerVerdict?]
    private var missing: Int
    private var taken: [Taken] = []
    private var records: [IntakeRecord] = []
    private var bytes = 0
    /// The last entry whose claims were found good, and what they are.
    private var checked: ForwardEntry?
    private var claim: PeerAuthority.Claim?
    /// What the policy last allowed for these claims: all that it can see of the event besides them.
    private var allowed: EnvelopeFacts?
    /// Whether the path that the checked claims name was found to go in no circle.
    private var isPathGood = false
    /// The bus that the checked claims name, once it was found here.
    private var place: Place?
    /// Whether the disk was full when the frame came.
    private lazy var isFull = router.store.statistics.isFull
    private let now: Timestamp

    private let router: EventRouter
    private let settings: PeerSettings
    /// What is stored before the events of the checked claims that carry no trace header.
    private var head: [UInt8] = []

    init(
        receiver: PeerReceiver,
        authority: PeerAuthority,
        origin: UInt64,
        count: Int,
        isQuestion: Bool = false,
        completion: @escaping (VerdictFrame) -> Void
    ) {
        self.receiver = receiver
        router = receiver.router
        settings = receiver.settings
        self.authority = authority
        self.isQuestion = isQuestion
        self.completion = completion
        now = receiver.router.clock.now
        cell = CellIdentity(of: authority.node)
        sender = DuplicateWindow.Sender(cell: cell.description, origin: origin)
        verdicts = [PeerVerdict?](repeating: nil, count: count)
        missing = count
    }

    /// Judges the entries. What is not on its way to the disk is not kept longer than that: an answer may take long.
    func run(_ items: [ForwardFrame.Item]) {
        defer {
            checked = nil
            place = nil
        }
        if !isQuestion { router.statistics.peers.entries += UInt64(items.count) }
        taken.reserveCapacity(items.count)
        records.reserveCapacity(items.count)
        var decided: [(Int, PeerVerdict)] = []
        for (index, item) in items.enumerated() {
            switch item {
            case .faulty(let error):
                let isLarge = error.code == .tooLarge
                report(error.message, account: "")
                decided.append((index, isLarge ? .tooLarge(error.message) : .malformed(error.message)))
            case .entry(let entry):
                if let verdict = judge(entry, index) { decided.append((index, verdict)) }
            }
        }
        // After the loop, since the last verdict answers the frame.
        let append = records.isEmpty ? nil : appendTaken
        for (index, verdict) in decided { give(verdict, at: index) }
        append?()
    }

    /// The verdict on an entry; nil when it is taken, or waits for another attempt of the same delivery.
    private func judge(_ entry: ForwardEntry, _ index: Int) -> PeerVerdict? {
        let claim: PeerAuthority.Claim
        switch check(entry) {
        case .failure(let refusal): return report(refusal.verdict, entry)
        case .success(let valid): claim = valid
        }
        let stored = stored(entry)
        guard let facts = EnvelopeFacts(stored.bytes, from: stored.start) else {
            return report(.malformed("The event is not one."), entry)
        }
        guard !entry.isDirect || facts.account == entry.sourceAccount else {
            return report(.denied("The event does not name account \(entry.sourceAccount) as its own."), entry)
        }
        // What the service itself says comes by a rule; nobody may put it (spec: patterns §1).
        guard !entry.isDirect || !facts.source.utf8.starts(with: "aws.".utf8) else {
            return report(.denied("Not authorized for the source."), entry)
        }
        let destination = claim.destination
        let place: Place
        switch find(destination, entry) {
        case .failure(let refusal): return refusal.verdict
        case .success(let found): place = found
        }
        if !isAllowed(facts) {
            if let reason = refusal(entry, claim, facts, policy: place.policy) {
                if !isQuestion { router.books[destination, default: BusBook()].denied += 1 }
                tell(.denied(bus: destination.arn, reason: reason))
                return .denied(reason)
            }
            allowed = facts
        }
        if !isPathGood, let last = claim.lastBus,
            let failure = router.settings.hopFailure(Array(entry.hops.dropLast()), from: last, to: destination)
        {
            if !isQuestion { router.statistics.loops += 1 }
            tell(.loop(bus: destination.arn, hops: entry.hops))
            return .loop(failure.message)
        }
        isPathGood = true
        return isQuestion ? .accepted : takeIn(entry, index, claim, place, stored)
    }

    private func stored(_ entry: ForwardEntry) -> Stored {
        var bytes: [UInt8]
        if entry.traceHeader.isEmpty {
            if head.isEmpty { head = StoredEvent.head(hops: entry.hops, traceHeader: "") }
            bytes = []
            bytes.reserveCapacity(head.count + entry.content.count)
            bytes.append(contentsOf: head)
        } else {
            let count = entry.content.count
            bytes = StoredEvent.head(hops: entry.hops, traceHeader: entry.traceHeader, envelopeBytes: count)
        }
        let start = bytes.count
        bytes.append(contentsOf: entry.content)
        return Stored(bytes: bytes, start: start)
    }

    private func tell(_ notice: RouterNotice) {
        if !isQuestion { router.notice(notice) }
    }

    /// The bus that the checked claims name, or the verdict when it is not here.
    private func find(
        _ destination: BusAddress,
        _ entry: ForwardEntry
    ) -> Result<Place, PeerAuthority.Refusal> {
        if let place { return .success(place) }
        guard router.catalog.state.accounts.contains(destination.account) else {
            let reason = "Account \(destination.account) is not hosted here."
            report(reason, account: entry.sourceAccount.description)
            return .failure(PeerAuthority.Refusal(.notHosted))
        }
        if router.isPending(destination) {
            tell(.busPending(bus: destination.arn, caller: entry.principal))
            return .failure(PeerAuthority.Refusal(.busPending(retryAfter: settings.retryAfterPending)))
        }
        guard let bus = router.catalog.state.bus(destination) else {
            if !isQuestion { router.statistics.unknownBus += 1 }
            tell(.unknownBus(bus: destination.arn, caller: entry.principal, eventID: "\(entry.id)"))
            return .failure(PeerAuthority.Refusal(.unknownBus))
        }
        let found = Place(
            destination,
            policy: bus.policy,
            matcher: router.catalog.matcher(destination),
            way: PeerReceiver.Way(sender: sender, bus: entry.bus)
        )
        place = found
        return .success(found)
    }

    /// Checks an entry's claims. Most entries of a frame come from one rule and claim the same.
    private func check(_ entry: ForwardEntry) -> Result<PeerAuthority.Claim, PeerAuthority.Refusal> {
        if let claim, checked?.claimsTheSame(as: entry) == true { return .success(claim) }
        allowed = nil
        isPathGood = false
        place = nil
        head = []
        let result = authority.check(entry)
        if case .success(let good) = result {
            checked = entry
            claim = good
        }
        return result
    }

    /// Whether the policy allowed an entry of the checked claims that differs from this one in nothing a policy can see.
    private func isAllowed(_ facts: EnvelopeFacts) -> Bool {
        guard let allowed else { return false }
        return allowed.source.utf8.elementsEqual(facts.source.utf8)
            && allowed.detailType.utf8.elementsEqual(facts.detailType.utf8)
    }

    private func report(_ verdict: PeerVerdict, _ entry: ForwardEntry) -> PeerVerdict {
        report(verdict.reason, account: entry.sourceAccount.description)
        return verdict
    }

    private func report(_ reason: String, account: String) {
        tell(.peerRefused(peer: authority.node.uri, account: account, reason: reason))
    }

    /// Why the policy of the bus does not let the principal put the event; nil when it does.
    private func refusal(
        _ entry: ForwardEntry,
        _ claim: PeerAuthority.Claim,
        _ facts: EnvelopeFacts,
        policy: String?
    ) -> String? {
        var context: [(key: String, values: [String])] = [
            ("events:eventBusInvocation", [entry.isDirect ? "false" : "true"]),
            ("events:source", [facts.source]),
            ("events:detail-type", [facts.detailType]),
            ("aws:SecureTransport", ["true"]),
        ]
        if entry.isDirect {
            context.append(("aws:RequestedRegion", [claim.destination.region]))
        } else {
            context.append(("aws:SourceArn", [entry.rule]))
            context.append(("aws:SourceAccount", [entry.sourceAccount.description]))
        }
        let request = AccessRequest(
            subject: claim.subject,
            action: "events:PutEvents",
            resource: claim.destination.arn,
            resourceAccount: claim.destination.account,
            context: context
        )
        guard case .denied(let text) = router.decider.decide(request, policy: policy) else { return nil }
        guard router.catalog.state.accounts.contains(entry.sourceAccount) else { return text }
        let account = "Account \(entry.sourceAccount) is hosted here."
        return "\(text) (\(account) A node of another cell acts in its name only where the bus's policy allows it.)"
    }

    private func takeIn(
        _ entry: ForwardEntry,
        _ index: Int,
        _ claim: PeerAuthority.Claim,
        _ place: Place,
        _ stored: Stored
    ) -> PeerVerdict? {
        let destination = claim.destination
        if router.ledger.contains(entry.id, from: sender, on: entry.bus) {
            router.books[destination, default: BusBook()].duplicates += 1
            return .duplicate
        }
        let key = PeerReceiver.PendingKey(id: entry.id, way: place.way)
        if receiver.pending[key] != nil {
            // The same delivery is on its way to the disk: its outcome is this one's too. Who asks often takes room as well.
            let held = max(entry.content.count, PeerReceiver.waitingBytes)
            guard receiver.appending[cell, default: 0] + bytes + held <= settings.appendingBytesPerCell else {
                return .throttled(retryAfter: settings.retryAfter)
            }
            receiver.appending[cell, default: 0] += held
            receiver.pending[key]?.append { [self] verdict in
                receiver.release(held, of: cell)
                let isTaken = verdict == .accepted
                if isTaken { router.books[destination, default: BusBook()].duplicates += 1 }
                give(isTaken ? .duplicate : verdict, at: index)
            }
            return nil
        }
        if isFull { return .throttled(retryAfter: settings.retryAfterFull) }
        guard router.appendingBytes + bytes < router.settings.appendingBytes,
            receiver.appending[cell, default: 0] + bytes < settings.appendingBytesPerCell
        else { return .throttled(retryAfter: settings.retryAfter) }
        if let delay = receiver.quotas.delay(of: entry.sourceAccount, now: now) {
            router.statistics.peers.beyondRate += 1
            router.notice(.beyondRate(account: entry.sourceAccount.description, peer: authority.node.uri))
            return .throttled(retryAfter: delay)
        }
        var event = stored
        if let last = claim.lastBus, last.region != destination.region {
            let id = EventID.make(using: &router.generator)
            let arrived = EnvelopeRewriting.arrival(entry.envelope, id: id, time: now)
            event.bytes.replaceSubrange(event.start..., with: arrived)
        }
        let outcome = place.matcher?.match(event.bytes, from: event.start) ?? BusMatcher.Outcome()
        guard outcome.isReadable else {
            receiver.quotas.giveBack(to: entry.sourceAccount)
            return report(.malformed("The event cannot be read."), entry)
        }
        guard !outcome.targets.isEmpty else {
            router.books[destination, default: BusBook()].enter(outcome)
            router.ledger.note(entry.id, from: sender, on: entry.bus)
            return .accepted
        }
        if let full = router.fullTarget(among: outcome.targets) {
            receiver.quotas.giveBack(to: entry.sourceAccount)
            router.notice(.queueFull(target: full))
            return .throttled(retryAfter: settings.retryAfterFull)
        }
        receiver.pending[key] = []
        bytes += event.bytes.count
        taken.append(Taken(index: index, id: entry.id, place: place, outcome: outcome))
        records.append(IntakeRecord(acceptedAt: now, event: event.bytes, targets: outcome.targets))
        return nil
    }

    /// Makes the events durable together with their ids.
    private func appendTaken() {
        var ids = WindowRecord()
        for one in taken { ids.add(one.id, from: sender, on: one.place.way.bus) }
        receiver.appending[cell, default: 0] += bytes
        router.append(records, noting: ids) { [self] result in
            receiver.release(bytes, of: cell)
            let verdict: PeerVerdict
            switch result {
            case .success:
                enterTaken()
                verdict = .accepted
            case .failure(let error) where error.code == .full:
                verdict = .throttled(retryAfter: settings.retryAfterFull)
            case .failure(let error): verdict = .failed(error.message)
            }
            for one in taken {
                let waiting = receiver.pending.removeValue(forKey: one.key) ?? []
                give(verdict, at: one.index)
                for hear in waiting { hear(verdict) }
            }
        }
    }

    /// Enters the events, which are durable now, into the books and the window.
    private func enterTaken() {
        var first = 0
        while first < taken.count {
            let place = taken[first].place
            let run = taken[first...].prefix { $0.place === place }
            router.books[place.destination, default: BusBook()].enter(run.lazy.map(\.outcome))
            first = run.endIndex
        }
        let now = router.clock.now
        for one in taken { router.ledger.note(one.id, from: sender, on: one.place.way.bus, now: now) }
    }

    private func give(_ verdict: PeerVerdict, at index: Int) {
        verdicts[index] = verdict
        missing -= 1
        guard missing == 0 else { return }
        if !isQuestion { countVerdicts() }
        router.statistics.peers.windowIDs = router.ledger.window.count
        router.statistics.peers.windowBytes = router.ledger.window.bytes
        router.statistics.peers.windowShortened = router.ledger.window.earlyRotations
        router.statistics.peers.windowRowsShortened = router.ledger.earlyRows
        receiver.answer(VerdictFrame(verdicts: verdicts.compactMap { $0 }), behind: crowdedTarget, completion)
    }
    /// A target of the events that came with so many that it does not keep pace.
    private var crowdedTarget: UInt64? {
        var last: [UInt64] = []
        for one in taken where one.outcome.targets != last {
            last = one.outcome.targets
            if let target = last.first(where: router.isBehind) { return target }
        }
        return nil
    }

    private func countVerdicts() {
        var counts: [(kind: String, count: UInt64)] = []
        for case let verdict? in verdicts {
            let kind = verdict.kind
            if let last = counts.indices.last, counts[last].kind == kind {
                counts[last].count += 1
            } else {
                counts.append((kind, 1))
            }
        }
        for (kind, count) in counts { router.statistics.peers.verdicts[kind, default: 0] += count }
    }
}
