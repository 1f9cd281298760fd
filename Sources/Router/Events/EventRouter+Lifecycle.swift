import Delivery
import EventModel
import SansIO

/// Starting, stopping, and target revisions that outlive their rule.
extension EventRouter {
    /// What a start found.
    public struct StartReport: Sendable, Equatable {
        /// Intake records that were not resolved when the process ended.
        public var recoveredRecords = 0
        /// Deliveries waiting in retry queues.
        public var parkedDeliveries: UInt64 = 0
        /// Lines about damage found in the intake journal.
        public var damage: [String] = []
        /// Keys of catalog entries that could not be read, and were left alone.
        public var unreadableEntries: [String] = []
    }

    /// Recovers the intake, loads the catalog and the queues, and takes delivery up again.
    public func start(completion: @escaping (Result<StartReport, StoreError>) -> Void) {
        var report = StartReport()
        var recovered: [RecoveredRecord] = []
        store.recover { records in
            recovered.append(contentsOf: records)
        } completion: { [self] result in
            switch result {
            case .failure(let error): completion(.failure(error))
            case .success(let damage):
                report.damage = damage
                report.recoveredRecords = recovered.count
                load(recovered, report, completion: completion)
            }
        }
    }

    private func load(
        _ recovered: [RecoveredRecord],
        _ report: StartReport,
        completion: @escaping (Result<StartReport, StoreError>) -> Void
    ) {
        var report = report
        catalog.load { [self] result in
            switch result {
            case .failure(.store(let error)): return completion(.failure(error))
            case .failure: return completion(.failure(StoreError(.corrupt, "the catalog cannot be loaded")))
            case .success(let unreadable): report.unreadableEntries = unreadable
            }
            queues.load { [self] result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let unreadable):
                    report.unreadableEntries += unreadable
                    loadPeers { [self] result in
                        switch result {
                        case .failure(let error): completion(.failure(error))
                        case .success: resume(recovered, report, completion: completion)
                        }
                    }
                }
            }
        }
    }

    /// Reads the window of known deliveries, and which store this is.
    private func loadPeers(completion: @escaping (Result<Void, StoreError>) -> Void) {
        ledger.load(isNeeded: settings.peers != nil) { [self] result in
            guard case .success = result, settings.peers != nil else { return completion(result) }
            let key = "meta/origin"
            store.configuration(prefix: key) { [self] result in
                switch result {
                case .failure(let error): completion(.failure(error))
                case .success(let entries):
                    if let entry = entries.first, let number = UInt64(String(decoding: entry.value, as: UTF8.self)) {
                        origin = number
                        return completion(.success(()))
                    }
                    let number = generator.next() | 1
                    let change = ConfigurationChange(key: key, value: Array(String(number).utf8))
                    store.configure([change]) { [self] result in
                        if case .success = result { origin = number }
                        completion(result)
                    }
                }
            }
        }
    }

    private func resume(
        _ recovered: [RecoveredRecord],
        _ report: StartReport,
        completion: @escaping (Result<StartReport, StoreError>) -> Void
    ) {
        var report = report
        delivery.start(ignoring: ledger.keys) { [self] result in
            guard case .success(let backlogs) = result else {
                if case .failure(let error) = result { completion(.failure(error)) }
                return
            }
            for backlog in backlogs where !ledger.keys.contains(backlog.target) {
                report.parkedDeliveries += backlog.size.count
                noteRecovered(backlog.target, backlog.size.count)
            }
            for record in recovered where !ledger.adopt(record) {
                for target in record.targets { noteRecovered(target, 1) }
                delivery.accept(
                    sequence: record.sequence,
                    acceptedAt: record.acceptedAt,
                    event: record.event,
                    targets: record.targets,
                    mayRepeat: true
                )
            }
            retired = Set(catalog.retiredRevisions)
            for target in retired.sorted() { forgetIfRetired(target) }
            isServing = true
            completion(.success(report))
        }
    }

    private func noteRecovered(_ target: UInt64, _ count: UInt64) {
        // What waits must be found when the cell that it is for is back.
        guard let revision = compiled(target)?.revision else { return }
        books[revision.bus, default: BusBook()].recovered += count
    }

    /// Starts no further attempt and ends waiting receives; what waits stays in the store.
    public func stop() {
        isServing = false
        delivery.stop()
        queues.shutDown()
    }

    /// Removes targets of a rule; deliveries that wait for them go on (spec: patterns §5.1).
    public func removeTargets(
        _ ids: [String],
        rule name: String,
        on address: BusAddress,
        completion: @escaping (Result<[String], CatalogError>) -> Void
    ) {
        catalog.removeTargets(ids, rule: name, on: address) { [self] result in
            retireUnused()
            completion(result)
        }
    }

    /// Puts targets to a rule; revisions that they replace are kept while deliveries wait for them.
    public func putTargets(
        _ targets: [(id: String, arn: String, definition: JSONObject)],
        rule name: String,
        on address: BusAddress,
        completion: @escaping (Result<Rule, CatalogError>) -> Void
    ) {
        catalog.putTargets(targets, rule: name, on: address) { [self] result in
            retireUnused()
            completion(result)
        }
    }

    private func retireUnused() {
        retired.formUnion(catalog.retiredRevisions)
        for target in retired.sorted() { forgetIfRetired(target) }
    }

    /// Forgets a revision that no rule has any more, once no delivery waits for it and none can be on its way to the disk.
    func forgetIfRetired(_ target: UInt64) {
        guard retired.contains(target), delivery.isDrained(target), appendingBytes == 0 else { return }
        retired.remove(target)
        forgetCompiled(target)
        catalog.forget(revisions: [target])
    }
}
