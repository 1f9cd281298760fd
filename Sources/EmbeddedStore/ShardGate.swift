/// Brings results back to the shard, many for one wake-up.
///
/// Sendable: the mail is guarded by its monitor, which is not held while the executor is called.
final class ShardGate: Sendable {
    struct Mail {
        var journal: [JournalOutcome] = []
        var operations: [UInt64] = []
        var parked: UInt64?
        var spilled: UInt64?
        var journalEnded = false
        var isScheduled = false
    }

    private let mail = Monitor(Mail())
    private let executor: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let store = ShardReference()

    init(executor: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
        self.executor = executor
    }

    /// Says whose shard this is. Called once, before anything is posted.
    func attach(_ store: EmbeddedStore) {
        self.store.value = store
    }

    func post(_ outcome: JournalOutcome) {
        post { $0.journal.append(outcome) }
    }

    func post(operations: [UInt64], parked: UInt64, spilled: UInt64) {
        post { mail in
            mail.operations.append(contentsOf: operations)
            mail.parked = parked
            mail.spilled = spilled
        }
    }

    func postJournalEnded() {
        post { $0.journalEnded = true }
    }

    /// Has the store look after its own deferred work on a later turn.
    func poke() {
        post { _ in }
    }

    /// Empties the mail. Called on the shard.
    func collect() -> Mail {
        mail.withLock { mail in
            let taken = mail
            mail = Mail()
            return taken
        }
    }

    private func post(_ change: (inout Mail) -> Void) {
        let wake = mail.withLock { mail in
            change(&mail)
            defer { mail.isScheduled = true }
            return !mail.isScheduled
        }
        guard wake else { return }
        let store = store
        executor { store.value?.drain() }
    }
}

/// Carries the shard's store through threads that never touch it.
///
/// Unchecked because the value is written once before other threads exist, and read only in what the executor runs, which
/// is on the shard.
private final class ShardReference: @unchecked Sendable {
    weak var value: EmbeddedStore?
}
