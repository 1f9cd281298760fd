import EventModel
import RetryControl
import SansIO

/// Gathers items into batches that are as large as waiting makes them, and no larger.
///
/// With nothing in flight a batch goes at once with what there is, so a lone item waits for nobody. While batches are in
/// flight, items gather; what is enough for a batch goes at once all the same, up to a number in flight, and what is not
/// goes when the last batch in flight is answered. A batch takes more than is enough when more waits already, since nothing
/// then waits for it. So batches grow with load and latency does not grow without it.
///
/// How many batches may be in flight shrinks when they are not answered in time, as over a slow link, where each would
/// wait behind the others until its time is up; it grows again with answers.
///
/// Use: ``add(_:of:bytes:)`` each item, then send each ``next()`` until there is none; call ``batchFinished(inTime:now:)`` when
/// one is answered or has failed, and send each ``next()`` again.
struct AdaptiveBatcher<Item> {
    private let limits: BatchLimits
    private var queue: FairQueue<Item>
    private var window: ConcurrencyLimit

    /// Creates an empty batcher.
    ///
    /// - Parameters:
    ///   - limits: the bounds.
    ///   - timeout: how long a batch may take; those that are in flight together tell of one trouble.
    init(limits: BatchLimits = BatchLimits(), timeout: Duration = .seconds(10)) {
        precondition(limits.problems().isEmpty, "a batcher's limits must be valid")
        self.limits = limits
        queue = FairQueue(limits)
        window = ConcurrencyLimit(
            ConcurrencyLimit.Settings(
                maximum: limits.maximumInFlight,
                initial: limits.maximumInFlight,
                backoffRatio: 0.5,
                latencyTolerance: 1_000,
                holdTime: timeout
            )
        )
    }

    /// How many items wait.
    var waitingItems: Int { queue.count }

    /// Their bytes.
    var waitingBytes: Int { queue.bytes }

    /// Batches that were taken and are not finished.
    var inFlight: Int { window.inFlight }

    /// Batches that may be in flight.
    var allowedInFlight: Int { window.limit }

    /// Whether a batch may go, were there one.
    var hasPermit: Bool { window.available > 0 }

    /// Lets an item wait for a batch.
    ///
    /// - Parameters:
    ///   - item: what to send.
    ///   - account: whose it is; accounts take turns.
    ///   - bytes: how much it adds to a batch.
    /// - Returns: whether it waits, and which others do not any more.
    mutating func add(_ item: Item, of account: AccountID, bytes: Int) -> FairQueue<Item>.Admission {
        queue.add(item, of: account, bytes: bytes)
    }

    /// Takes the batch that is to be sent now; nil when there is none. `isUrgent` sends what there is though it fills no batch
    /// and others are in flight, as when these are not answered soon.
    mutating func next(isUrgent: Bool = false) -> [Item]? {
        guard queue.count > 0, window.available > 0 else { return nil }
        guard window.inFlight == 0 || hasEnough || isUrgent else { return nil }
        _ = window.acquire(upTo: 1)
        return queue.take()
    }

    /// Notes that a batch was answered or has failed; `inTime` is false when its time was up.
    mutating func batchFinished(inTime: Bool, now: Timestamp) {
        // Latency is no concern here: it comes of full batches.
        window.release(inTime ? .success(latency: .zero) : .overloaded, now: now)
    }

    private var hasEnough: Bool {
        queue.count >= min(limits.enoughItems, limits.maximumItems)
            || queue.bytes >= min(limits.enoughBytes, limits.maximumBytes)
    }
}
