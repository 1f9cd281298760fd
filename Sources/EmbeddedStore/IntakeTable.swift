import SansIO

/// Which deliveries of the journal are not resolved, segment by segment. Confined to the shard.
///
/// Compact on purpose: 24 bytes a record and 8 a delivery, dropped as soon as a segment has nothing left, so its size is
/// bounded by the journal's.
struct IntakeTable {
    /// What settling one delivery found.
    enum Settlement {
        /// The table does not hold the delivery, or no longer.
        case unknown
        /// Other deliveries of the event are left.
        case partial
        /// That was the event's last delivery, and every other was settled by a note too.
        case whole
    }

    /// A record with deliveries left.
    struct Unresolved {
        var sequence: UInt64
        var offset: Int
        var targets: [UInt64]
    }

    private struct Entry {
        var sequence: UInt64
        var offset: UInt32
        var targetEnd: UInt32
        /// True when a delivery moved to rows that may not be on disk yet, so no note may speak for the whole event.
        var hasMoved = false
    }

    private struct Segment {
        var number: UInt64
        var entries: [Entry] = []
        /// The targets of all entries one after the other; zero once a delivery is settled.
        var targets: [UInt64] = []
        var unresolved = 0

        func targetRange(_ index: Int) -> Range<Int> {
            (index == 0 ? 0 : Int(entries[index - 1].targetEnd))..<Int(entries[index].targetEnd)
        }

        /// Sequences rise within a segment, mostly one by one, so the distance from the first is nearly always right.
        func index(of sequence: UInt64) -> Int? {
            guard let first = entries.first, sequence >= first.sequence else { return nil }
            let guess = sequence - first.sequence
            if guess < UInt64(entries.count), entries[Int(guess)].sequence == sequence { return Int(guess) }
            var low = 0
            var high = min(entries.count, guess < UInt64(entries.count) ? Int(guess) : entries.count)
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].sequence < sequence { low = middle + 1 } else { high = middle }
            }
            guard low < entries.count, entries[low].sequence == sequence else { return nil }
            return low
        }
    }

    private var segments: [Segment] = []
    /// Deliveries that are not resolved.
    private(set) var unresolved = 0

    /// The segment that took the latest record, or zero.
    var newestSegment: UInt64 { segments.last?.number ?? 0 }

    /// The oldest segment that was not forgotten, or zero.
    var oldestSegment: UInt64 { segments.first?.number ?? 0 }

    /// Notes that records now go to segment `number`; earlier ones get no more.
    mutating func begin(segment number: UInt64) {
        guard number > newestSegment else { return }
        if let last = segments.indices.last, segments[last].unresolved == 0 { clear(last) }
        segments.append(Segment(number: number))
    }

    /// Adds a record to the newest segment. Sequences rise.
    mutating func add(sequence: UInt64, offset: Int, targets: some Sequence<UInt64>) {
        guard let last = segments.indices.last else { return }
        let before = segments[last].targets.count
        segments[last].targets.append(contentsOf: targets)
        let after = segments[last].targets.count
        segments[last].entries.append(
            Entry(sequence: sequence, offset: UInt32(offset), targetEnd: UInt32(after))
        )
        segments[last].unresolved += after - before
        unresolved += after - before
    }

    /// Marks one delivery as settled.
    ///
    /// - Parameters:
    ///   - ref: which delivery.
    ///   - moved: true when it is now in rows that may not be on disk yet.
    /// - Returns: what was found.
    mutating func settle(_ ref: DeliveryRef, moved: Bool = false) -> Settlement {
        guard ref.target != 0, let (segment, entry) = locate(ref.event) else { return .unknown }
        var found = false
        var left = 0
        for index in segments[segment].targetRange(entry) {
            let target = segments[segment].targets[index]
            if target == ref.target {
                segments[segment].targets[index] = 0
                found = true
            } else if target != 0 {
                left += 1
            }
        }
        guard found else { return .unknown }
        if moved { segments[segment].entries[entry].hasMoved = true }
        let isWhole = left == 0 && !segments[segment].entries[entry].hasMoved
        reduce(segment, by: 1)
        return isWhole ? .whole : .partial
    }

    /// Marks every delivery of an event as settled.
    mutating func settle(event sequence: UInt64) {
        guard let (segment, entry) = locate(sequence) else { return }
        var settled = 0
        for index in segments[segment].targetRange(entry) where segments[segment].targets[index] != 0 {
            segments[segment].targets[index] = 0
            settled += 1
        }
        reduce(segment, by: settled)
    }

    /// Forgets the oldest segments that have nothing left, but never the newest one.
    ///
    /// - Returns: the oldest segment that is still needed, when that has changed.
    mutating func release() -> UInt64? {
        var count = 0
        while count + 1 < segments.count, segments[count].unresolved == 0 { count += 1 }
        guard count > 0 else { return nil }
        segments.removeFirst(count)
        return segments.first?.number
    }

    /// Records of the oldest segment with deliveries left, unless that is the newest segment; at most `limit`.
    func oldestUnresolved(limit: Int) -> (segment: UInt64, records: [Unresolved])? {
        guard let segment = segments.first(where: { $0.unresolved > 0 }), segment.number != newestSegment else {
            return nil
        }
        return (segment.number, Self.unresolved(in: segment, from: 0, limit: limit).records)
    }

    /// Where a walk over the unresolved records goes on. Names the segment by number: older ones may go meanwhile.
    struct Cursor {
        var segment: UInt64 = 0
        var entry = 0
    }

    /// Walks the unresolved records in order, at most `limit` at a time.
    ///
    /// - Returns: nil past the last segment; otherwise the records, maybe none, and where to go on.
    func walk(_ cursor: Cursor, limit: Int) -> (segment: UInt64, records: [Unresolved], next: Cursor)? {
        guard let segment = segments.first(where: { $0.number >= cursor.segment }) else { return nil }
        let start = segment.number == cursor.segment ? cursor.entry : 0
        let part = Self.unresolved(in: segment, from: start, limit: limit)
        let isDone = part.next >= segment.entries.count
        let next = isDone ? Cursor(segment: segment.number + 1) : Cursor(segment: segment.number, entry: part.next)
        return (segment.number, part.records, next)
    }

    private static func unresolved(
        in segment: Segment,
        from start: Int,
        limit: Int
    ) -> (records: [Unresolved], next: Int) {
        var records: [Unresolved] = []
        var index = start
        while index < segment.entries.count, records.count < limit {
            let targets = segment.targets[segment.targetRange(index)].filter { $0 != 0 }
            if !targets.isEmpty {
                let entry = segment.entries[index]
                records.append(Unresolved(sequence: entry.sequence, offset: Int(entry.offset), targets: targets))
            }
            index += 1
        }
        return (records, index)
    }

    private func locate(_ sequence: UInt64) -> (segment: Int, entry: Int)? {
        for segment in segments.indices.reversed() {
            guard let first = segments[segment].entries.first, sequence >= first.sequence else { continue }
            return segments[segment].index(of: sequence).map { (segment, $0) }
        }
        return nil
    }

    private mutating func reduce(_ segment: Int, by count: Int) {
        segments[segment].unresolved -= count
        unresolved -= count
        if segments[segment].unresolved == 0, segment + 1 < segments.count { clear(segment) }
    }

    private mutating func clear(_ segment: Int) {
        segments[segment].entries = []
        segments[segment].targets = []
    }
}
