import SansIO

extension EmbeddedStore {
    /// Makes events durable with their targets; see ``StorePort``.
    public func append(
        _ records: [IntakeRecord],
        settling: [DeliveryRef],
        completion: @escaping StoreCompletion<[UInt64]>
    ) {
        guard phase == .open else {
            refuse(completion)
            return
        }
        var pending = PendingAppend(
            records: records,
            firstSequence: takeSequences(records.count),
            settling: settling,
            frameBytes: 0,
            refusal: nil,
            completion: completion
        )
        do {
            pending.frameBytes = try journal.append(
                records,
                firstSequence: pending.firstSequence,
                settling: settling
            )
        } catch {
            pending.refusal = error
            gate.poke()
        }
        appends.append(pending)
        kickLater(\.journal)
    }

    /// Brings in what became of the oldest appends.
    func settleAppends(_ outcome: JournalOutcome) {
        if outcome.error == nil { table.begin(segment: outcome.segment) }
        var offset = outcome.offset
        var left = outcome.frames
        while left > 0 {
            failRefusedAppends()
            guard let pending = appends.popFirst() else { return }
            left -= 1
            if let error = outcome.error {
                if outcome.isCrowded { isSpillDue = true }
                forgetEarly(pending)
                pending.completion(.failure(error))
                continue
            }
            accept(pending, at: offset)
            offset += pending.frameBytes
        }
    }

    private func accept(_ pending: PendingAppend, at offset: Int) {
        var sequence = pending.firstSequence
        for index in pending.records.indices {
            table.add(sequence: sequence, offset: offset, targets: pending.records[index].targets)
            sequence += 1
        }
        appendedRecords += UInt64(pending.records.count)
        if !pending.settling.isEmpty { settle(pending.settling) }
        if !resolvedEarly.isEmpty { settleEarly(before: sequence) }
        pending.completion(.success(Array(pending.firstSequence..<sequence)))
    }

    /// Appends that were refused at once fail when those before them are done.
    func failRefusedAppends() {
        while let refusal = appends.first?.refusal, let pending = appends.popFirst() {
            forgetEarly(pending)
            pending.completion(.failure(refusal))
        }
    }

    /// Notes that deliveries are done; the note is written with a later commit.
    public func resolve(_ refs: [DeliveryRef]) {
        guard phase == .open || phase == .draining else { return }
        var deliveries: [DeliveryRef] = []
        var events: [UInt64] = []
        var elsewhere: [DeliveryRef] = []
        for ref in refs {
            switch table.settle(ref) {
            case .whole: events.append(ref.event)
            case .partial: deliveries.append(ref)
            case .unknown:
                if let first = appends.first?.firstSequence, ref.event >= first {
                    resolvedEarly.append(ref)
                    deliveries.append(ref)
                } else {
                    elsewhere.append(ref)
                }
            }
        }
        if !deliveries.isEmpty || !events.isEmpty { journal.note(deliveries: deliveries, events: events) }
        settleSpilled(elsewhere)
    }

    /// Marks deliveries that other rows or records replace.
    func settle(_ refs: [DeliveryRef]) {
        var elsewhere: [DeliveryRef] = []
        for ref in refs where table.settle(ref, moved: true) == .unknown {
            if let first = appends.first?.firstSequence, ref.event >= first {
                resolvedEarly.append(ref)
            } else {
                elsewhere.append(ref)
            }
        }
        settleSpilled(elsewhere)
    }

    /// Deliveries that the table does not know may be those that left the journal.
    private func settleSpilled(_ refs: [DeliveryRef]) {
        let spilled = refs.filter { $0.event <= latestSpilled }
        guard !spilled.isEmpty else { return }
        submit { engine throws(StoreError) in engine.settleSpilled(spilled) }
    }

    private func settleEarly(before sequence: UInt64) {
        let ready = resolvedEarly.filter { $0.event < sequence }
        guard !ready.isEmpty else { return }
        resolvedEarly.removeAll { $0.event < sequence }
        for ref in ready { _ = table.settle(ref, moved: true) }
    }

    private func forgetEarly(_ pending: PendingAppend) {
        guard !resolvedEarly.isEmpty else { return }
        let range = pending.firstSequence..<pending.firstSequence + UInt64(pending.records.count)
        resolvedEarly.removeAll { range.contains($0.event) }
    }

    /// Segments with nothing left go back once RocksDB's log is on disk, since what left them may have gone there.
    func releaseSegments() {
        guard let oldest = table.release() else { return }
        submit { engine throws(StoreError) in engine.releaseSegments(before: oldest) }
    }

    /// How often moving may meet damage in a segment before what is damaged there is given up.
    private static let spillAttempts = 3

    /// When little of the journal is left, moves what waits in its oldest segment to rows, some at a time. To everyone else
    /// it stays intake. Not while recovery walks the journal, which would then miss it.
    func relievePressure() {
        guard !isSpilling, !isRecovering else { return }
        guard isSpillDue || journal.isUnderPressure(from: table.oldestSegment) else { return }
        guard monotonicNanoseconds() >= nextSpill else { return }
        guard let oldest = table.oldestUnresolved(limit: 1024), let file = journal.file(of: oldest.segment) else {
            isSpillDue = false
            return
        }
        isSpillDue = false
        isSpilling = true
        let records = oldest.records
        // A damaged place must not hold up everything behind it for good.
        let givesUp = damage.segment == oldest.segment && damage.tries >= Self.spillAttempts
        if let last = records.last { latestSpilled = max(latestSpilled, last.sequence) }
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.spill(records, from: file, givesUp: givesUp) },
            completion: { [unowned self] result in
                isSpilling = false
                guard case .success(let spilled) = result else {
                    nextSpill = monotonicNanoseconds() + Journal.retryNanoseconds
                    return
                }
                if let failure = spilled.failure { noteUnread(failure, in: oldest.segment) }
                // What was resolved while it moved is done.
                settleSpilled(spilled.moved.filter { table.settle($0, moved: true) == .unknown })
                for record in spilled.unreadable { table.settle(event: record) }
                unreadableRecords += UInt64(spilled.unreadable.count)
            }
        )
    }

    /// Only damage counts as a try: a disk that does not read may read later, and RocksDB is another matter.
    private func noteUnread(_ failure: StoreError, in segment: UInt64) {
        nextSpill = monotonicNanoseconds() + Journal.retryNanoseconds
        guard failure.code == .corrupt else { return }
        damage = (segment, damage.segment == segment ? damage.tries + 1 : 1)
    }
}
