import SansIO

extension EmbeddedStore {
    /// Records handed over in one turn.
    private static let recoveryBatch = 256

    /// Hands over what was not resolved when the store was last open, some records a turn.
    public func recover(
        visit: @escaping ([RecoveredRecord]) -> Void,
        completion: @escaping StoreCompletion<[String]>
    ) {
        guard phase == .open else {
            refuse(completion)
            return
        }
        isRecovering = true
        let finish: StoreCompletion<[String]> = { [unowned self] result in
            isRecovering = false
            completion(result)
        }
        recoverSpilled(after: 0, visit: visit, completion: finish)
    }

    /// What left the journal was accepted before what is still there.
    private func recoverSpilled(
        after event: UInt64,
        visit: @escaping ([RecoveredRecord]) -> Void,
        completion: @escaping StoreCompletion<[String]>
    ) {
        guard latestSpilled > 0 else {
            later { [unowned self] in
                recoverNext(IntakeTable.Cursor(), reader: nil, visit: visit, completion: completion)
            }
            return
        }
        submit(
            .whenWritten,
            { engine throws(StoreError) in try engine.spilledRecords(after: event, limit: Self.recoveryBatch) },
            completion: { [unowned self] result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let records):
                    guard let last = records.last else {
                        recoverNext(IntakeTable.Cursor(), reader: nil, visit: visit, completion: completion)
                        return
                    }
                    visit(records)
                    recoverSpilled(after: last.sequence, visit: visit, completion: completion)
                }
            }
        )
    }

    private func recoverNext(
        _ cursor: IntakeTable.Cursor,
        reader: (segment: UInt64, reader: JournalReader)?,
        visit: @escaping ([RecoveredRecord]) -> Void,
        completion: @escaping StoreCompletion<[String]>
    ) {
        guard phase == .open else {
            refuse(completion)
            return
        }
        guard let part = table.walk(cursor, limit: Self.recoveryBatch) else {
            let reports = damageReports
            damageReports = []
            completion(.success(reports))
            return
        }
        var current = reader
        if !part.records.isEmpty {
            do throws(StoreError) {
                let open = try self.reader(of: part.segment, reader)
                current = (part.segment, open)
                let records = try Self.read(part.records, with: open)
                visit(records)
            } catch {
                completion(.failure(error))
                return
            }
        }
        later { [unowned self] in
            recoverNext(part.next, reader: current, visit: visit, completion: completion)
        }
    }

    private func reader(
        of segment: UInt64,
        _ present: (segment: UInt64, reader: JournalReader)?
    ) throws(StoreError) -> JournalReader {
        if let present, present.segment == segment { return present.reader }
        guard let file = journal.file(of: segment) else {
            throw StoreError(.failed, "journal segment \(segment) is gone")
        }
        return JournalReader(file)
    }

    private static func read(
        _ wanted: [IntakeTable.Unresolved],
        with reader: JournalReader
    ) throws(StoreError) -> [RecoveredRecord] {
        var records: [RecoveredRecord] = []
        records.reserveCapacity(wanted.count)
        var index = 0
        while index < wanted.count {
            let offset = wanted[index].offset
            let frame = try reader.frame(at: offset)
            _ = JournalPayload.decode(
                frame.payload,
                recordCount: frame.header.recordCount,
                settled: { _ in },
                settledEvent: { _ in },
                record: { found in
                    guard index < wanted.count, wanted[index].sequence == found.sequence else { return }
                    records.append(
                        RecoveredRecord(
                            sequence: found.sequence,
                            acceptedAt: Timestamp(milliseconds: found.acceptedAt),
                            event: Array(found.event),
                            targets: wanted[index].targets
                        )
                    )
                    index += 1
                }
            )
            if index < wanted.count, wanted[index].offset == offset {
                throw StoreError(.corrupt, "event \(wanted[index].sequence) is not where the journal had it")
            }
        }
        return records
    }
}
