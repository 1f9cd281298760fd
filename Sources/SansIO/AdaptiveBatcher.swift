/// Gathers items into batches that are as large as waiting makes them, and no larger.
///
/// With nothing in flight a batch goes at once with what there is, so a lone item waits for nobody. While batches are in
/// flight, items gather; a batch that is full goes at once all the same, up to a number in flight, and what is not full
/// goes when the last batch in flight is answered. So batches grow with load and latency does not grow without it.
///
/// Use: ``add(_:bytes:)`` each item, then send each ``next()`` until there is none; call ``batchFinished()`` when one is
/// answered or has failed, and send each ``next()`` again. Costs O(1) an item.
public struct AdaptiveBatcher<Item> {
    /// The bounds.
    public let limits: BatchLimits
    /// Batches that were taken and are not finished.
    public private(set) var inFlight = 0
    /// Bytes of the items that wait.
    public private(set) var waitingBytes = 0

    private var waiting: [(item: Item, bytes: Int)] = []
    private var head = 0

    /// Creates an empty batcher.
    public init(limits: BatchLimits = BatchLimits()) {
        precondition(limits.problems().isEmpty, "a batcher's limits must be valid")
        self.limits = limits
    }

    /// How many items wait.
    public var waitingItems: Int { waiting.count - head }

    /// Lets an item wait for the next batch.
    ///
    /// - Parameters:
    ///   - item: what to send.
    ///   - bytes: how much it adds to a batch.
    /// - Returns: false when too much waits already; the item was not taken.
    public mutating func add(_ item: Item, bytes: Int) -> Bool {
        guard waitingItems < limits.maximumWaitingItems else { return false }
        guard waitingItems == 0 || waitingBytes + bytes <= limits.maximumWaitingBytes else { return false }
        waiting.append((item, bytes))
        waitingBytes += bytes
        return true
    }

    /// Takes the batch that is to be sent now, in the order of adding; nil when there is none.
    ///
    /// - Parameter isUrgent: true to send what there is though it fills no batch and others are in flight, as when these are
    ///   not answered in time.
    /// - Returns: the batch.
    public mutating func next(isUrgent: Bool = false) -> [Item]? {
        guard waitingItems > 0, inFlight < limits.maximumInFlight else { return nil }
        guard inFlight == 0 || hasFullBatch || isUrgent else { return nil }
        var batch: [Item] = []
        var bytes = 0
        while head < waiting.count, batch.count < limits.maximumItems {
            let (item, size) = waiting[head]
            // An item beyond the bound on its own goes alone.
            if !batch.isEmpty, bytes + size > limits.maximumBytes { break }
            batch.append(item)
            bytes += size
            head += 1
        }
        waitingBytes -= bytes
        dropTaken()
        inFlight += 1
        return batch
    }

    /// Notes that a batch was answered or has failed.
    public mutating func batchFinished() {
        precondition(inFlight > 0, "no batch is in flight")
        inFlight -= 1
    }

    /// Takes all that waits, in order, for a receiver that is given up.
    public mutating func takeAll() -> [Item] {
        defer {
            waiting = []
            head = 0
            waitingBytes = 0
        }
        return waiting[head...].map(\.item)
    }

    private var hasFullBatch: Bool {
        waitingItems >= limits.maximumItems || waitingBytes >= limits.maximumBytes
    }

    /// Frees what was taken: at once when nothing is left, otherwise only when that is most of it.
    private mutating func dropTaken() {
        if head == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            head = 0
        } else if head >= 64, head > waiting.count / 2 {
            waiting.removeSubrange(..<head)
            head = 0
        }
    }
}

/// The bounds of an ``AdaptiveBatcher``.
public struct BatchLimits: Hashable, Sendable {
    /// Items of one batch. Beyond about ten, only latency grows.
    public var maximumItems: Int = 10
    /// Bytes of one batch, unless a single item has more.
    public var maximumBytes: Int = 16 << 10
    /// Batches in flight at once.
    public var maximumInFlight: Int = 32
    /// Items that may wait.
    public var maximumWaitingItems: Int = 4096
    /// Bytes that may wait, unless a single item has more.
    public var maximumWaitingBytes: Int = 8 << 20

    /// The defaults, which suit events of about 1 KB.
    public init() {}

    /// Every problem of these limits, in words; empty when they can be used.
    public func problems() -> [String] {
        let values = [
            ("maximumItems", maximumItems), ("maximumBytes", maximumBytes), ("maximumInFlight", maximumInFlight),
            ("maximumWaitingItems", maximumWaitingItems), ("maximumWaitingBytes", maximumWaitingBytes),
        ]
        return values.filter { $0.1 < 1 }.map { "\($0.0) must be at least 1" }
    }
}
