import SansIO

/// The outcome of some appends, in the order of the calls.
struct JournalOutcome: Sendable {
    /// How many appends it answers.
    var frames: Int
    /// The segment that holds them.
    var segment: UInt64
    /// Where in the segment the first one's frame begins.
    var offset: Int
    /// Why they failed, or nil.
    var error: StoreError?
    /// True when they failed because the journal is at its own limit, which moving deliveries out of it would mend.
    var isCrowded = false
}

/// The intake journal as the shard and the RocksDB thread see it.
///
/// Sendable: everything that changes is in ``shared``, guarded by its monitor, which is never held during a disk
/// operation. The shard encodes appends into the pending buffer; the journal's thread takes that buffer whole, so the copy
/// of an event is the only one that Busbar makes of it. Locks are not nested.
final class Journal: Sendable {
    /// A segment that recovery still needs.
    struct Live {
        var number: UInt64
        var file: JournalFile
    }

    /// How the thread is to end.
    enum Ending: Equatable {
        /// Write everything, and that the next sequence is this.
        case close(nextSequence: UInt64)
        /// Leave everything as a crash would.
        case abandon
    }

    struct Shared {
        var pending: RawBuffer
        var spare: RawBuffer?
        var pendingFrames = 0
        var notes = JournalNotes()
        /// When notes that wait are written without an append.
        var noteDeadline: UInt64 = 0
        /// After a failure, when notes and the reservation of sequences are tried again, however many wait.
        var noteRetry: UInt64 = 0
        var reserveRetry: UInt64 = 0
        /// True when the shard's turn is over and its appends are to be written.
        var isKicked = false
        /// True while the thread waits without a deadline.
        var isIdle = false
        var sequenceLimit: UInt64
        var sequenceWanted: UInt64 = 0
        var live: [Live]
        var free: [JournalFile]
        var fileCount: Int
        var isMaking = false
        /// The last append was refused for want of room, though the guard of free space saw some.
        var isFull = false
        /// From then on it is looked whether there is room again.
        var fullCheck: UInt64 = 0
        /// An append was refused because the journal is at its limit, and no room to spare came free since.
        var isCrowded = false
        var ending: Ending?
        var synchronisations: UInt64 = 0
        var bytesWritten: UInt64 = 0
    }

    /// What opening the journal found, as the thread starts from it.
    struct Start {
        var live: [Live]
        var free: [JournalFile]
        var nextSegment: UInt64
        var nextFrame: UInt64
        var lastEnd: Int
        var nextFileIndex: Int
        var nextSequence: UInt64
        var sequenceLimit: UInt64
    }

    let shared: Monitor<Shared>
    let configuration: EmbeddedStoreConfiguration
    let segmentBytes: Int
    let fileLimit: Int
    let directory: String
    let files: FileOperations
    let space: SpaceGuard
    let sequences: SequenceFile

    /// How many sequences one reservation covers. At a million a second half of it lasts eight seconds.
    static let sequenceBlock: UInt64 = 1 << 24
    /// Notes kept while they cannot be written; beyond this the oldest deliveries would merely repeat after a crash.
    private static let noteLimit = 1 << 20
    /// Notes that are written without waiting for an append or the timer.
    static let noteBatch = 4096
    private static let idleBufferBytes = 1 << 20
    /// How long what failed waits for its next try.
    static let retryNanoseconds: UInt64 = 1_000_000_000

    init(
        configuration: EmbeddedStoreConfiguration,
        directory: String,
        start: Start,
        files: FileOperations,
        space: SpaceGuard,
        sequences: SequenceFile
    ) {
        self.configuration = configuration
        self.directory = directory
        self.files = files
        self.space = space
        self.sequences = sequences
        segmentBytes = Self.segmentBytes(configuration)
        fileLimit = max(4, configuration.journalLimitBytes / segmentBytes)
        shared = Monitor(
            Shared(
                pending: RawBuffer(capacity: 1 << 16),
                spare: RawBuffer(capacity: 1 << 16),
                sequenceLimit: start.sequenceLimit,
                live: start.live,
                free: start.free,
                fileCount: start.live.count + start.free.count
            )
        )
    }

    static func segmentBytes(_ configuration: EmbeddedStoreConfiguration) -> Int {
        let bytes = min(max(configuration.journalSegmentBytes, 1 << 16), JournalFormat.largestSegmentBytes)
        return JournalFormat.roundUp(bytes, to: JournalFormat.pageBytes)
    }

    /// Whether there is still no room for appends, as far as is known. Called on the shard.
    ///
    /// Whoever asks may hold appends back for it. So a refusal counts for two seconds, and after that only while the disk has
    /// no room for a segment: then the next append shows how it is.
    func staysFull(now: UInt64) -> Bool {
        let (isFull, isDue, needsFile) = shared.withLock { state in
            guard state.isFull, now >= state.fullCheck else { return (state.isFull, false, false) }
            state.fullCheck = now + 100_000_000
            return (true, true, state.free.isEmpty)
        }
        guard isDue, !needsFile || space.hasRoom(for: segmentBytes) else { return isFull }
        shared.withLock { $0.isFull = false }
        return false
    }

    /// Whether appends are taken, and have room to spare once one was refused at the journal's limit.
    func takesAppends() -> Bool {
        shared.withLock { state in
            // Moving deliveries out of the journal gets this far, and stops.
            if !isUnderPressure(state.live.count) { state.isCrowded = false }
            return !state.isCrowded
        }
    }

    /// Queues one append. Called on the shard.
    ///
    /// - Returns: the bytes of its frame.
    /// - Throws: `full` when too much is waiting, `failed` when the append is larger than a segment, or its sequences are not
    ///   reserved.
    func append(
        _ records: [IntakeRecord],
        firstSequence: UInt64,
        settling: [DeliveryRef]
    ) throws(StoreError) -> Int {
        let byteCount = JournalFormat.frameBytes(of: records, settling: settling.count)
        guard byteCount <= segmentBytes - JournalFormat.pageBytes else {
            throw StoreError(.failed, "an append of \(byteCount) bytes is larger than a journal segment")
        }
        shared.lock()
        defer { shared.unlock() }
        let state = shared.guarded
        let end = firstSequence + UInt64(records.count)
        guard end <= state.pointee.sequenceLimit else { throw Self.unreserved(state.pointee.sequenceLimit) }
        guard state.pointee.pending.count + byteCount <= configuration.pendingAppendBytes else {
            throw StoreError(.full, "\(state.pointee.pending.count) bytes of appends already wait for the disk")
        }
        JournalPayload.encode(
            records,
            firstSequence: firstSequence,
            settling: settling,
            frameBytes: byteCount,
            to: state.pointee.pending.extend(by: byteCount)
        )
        state.pointee.pendingFrames += 1
        return byteCount
    }

    /// Wakes the thread for the appends queued so far. Called on the shard once a turn, so one turn's appends share one
    /// synchronisation.
    func kick() {
        shared.withLock { state in
            state.isKicked = true
            shared.signal()
        }
    }

    /// Queues notes of deliveries that are done. Called on the shard and on the RocksDB thread.
    func note(deliveries: [DeliveryRef], events: [UInt64]) {
        shared.lock()
        defer { shared.unlock() }
        let state = shared.guarded
        guard state.pointee.notes.count < Self.noteLimit else { return }
        state.pointee.notes.deliveries.append(contentsOf: deliveries)
        state.pointee.notes.events.append(contentsOf: events)
        if state.pointee.isIdle || state.pointee.notes.count >= Self.noteBatch { shared.signal() }
    }

    /// Asks for sequences below `limit` to be reserved. Called on the shard, long before they are used.
    func reserve(below limit: UInt64) {
        shared.withLock { state in
            state.sequenceWanted = max(state.sequenceWanted, limit)
            shared.signal()
        }
    }

    /// What needs new sequences fails with this while no more can be reserved: after a crash they would be given out again.
    static func unreserved(_ limit: UInt64) -> StoreError {
        StoreError(.failed, "sequences from \(limit) on could not be reserved on disk")
    }

    /// Gives back the segments before `oldest`. Called on the RocksDB thread once its log is on disk.
    ///
    /// No header says yet that they are free, so the next opening reads again those that are kept. What was resolved in one
    /// is noted in it or in later ones: the files that are removed are always the oldest, and the oldest are used again
    /// first, so whatever is read again is read with its notes.
    func release(before oldest: UInt64) {
        var surplus: [JournalFile] = []
        shared.withLock { state in
            while state.live.count > 1, let first = state.live.first, first.number < oldest {
                state.live.removeFirst()
                state.free.append(first.file)
                let kept = first.file.byteCount == segmentBytes ? max(2, fileLimit / 4) : 0
                let excess = max(0, state.free.count - kept)
                surplus += state.free.prefix(excess)
                state.free.removeFirst(excess)
                state.fileCount -= excess
            }
        }
        for file in surplus { file.remove() }
    }

    /// Tells the thread to end. It posts that it has.
    func end(_ ending: Ending) {
        shared.withLock { state in
            state.ending = ending
            shared.signal()
        }
    }

    /// The file of a live segment.
    func file(of segment: UInt64) -> JournalFile? {
        shared.withLock { state in state.live.first { $0.number == segment }?.file }
    }

    /// Whether so much of the journal is in use that waiting deliveries must leave it.
    ///
    /// - Parameter oldest: the oldest segment that is still needed. Those before it come free at the next
    ///   synchronisation, so moving more deliveries on their account would move them for nothing.
    /// - Returns: true when three quarters of the journal are.
    func isUnderPressure(from oldest: UInt64) -> Bool {
        shared.withLock { state in
            // Segments rise, and few are about to come free.
            let used = state.live.count - state.live.prefix { $0.number < oldest }.count
            return isUnderPressure(used)
        }
    }

    private func isUnderPressure(_ used: Int) -> Bool { used * 4 >= fileLimit * 3 }

    /// What the thread does next.
    struct Group {
        var buffer: RawBuffer
        var frames = 0
        var notes = JournalNotes()
        var reserveBelow: UInt64?
    }

    /// Waits for work. Called on the journal's thread.
    ///
    /// - Returns: the work, or nil when the thread is to end.
    func nextGroup(reusing buffer: RawBuffer?) -> Group? {
        shared.lock()
        defer { shared.unlock() }
        let state = shared.guarded
        if let buffer {
            buffer.removeAll()
            state.pointee.spare = buffer.capacity <= Self.idleBufferBytes ? buffer : nil
        }
        let lag = configuration.lazySynchronisationMilliseconds * 1_000_000
        state.pointee.noteDeadline = max(state.pointee.noteDeadline, monotonicNanoseconds() + lag)
        while true {
            if state.pointee.ending == .abandon { return nil }
            let closing = state.pointee.ending != nil
            let now = monotonicNanoseconds()
            let isOverdue = closing || now >= state.pointee.noteDeadline
            let mayNote = closing || now >= state.pointee.noteRetry
            let notesDue =
                mayNote && !state.pointee.notes.isEmpty && (isOverdue || state.pointee.notes.count >= Self.noteBatch)
            // The end writes which sequences were used, so a reservation is of no use any more.
            let reserve = !closing && isReserveDue(at: now)
            let isKicked = state.pointee.isKicked && state.pointee.pendingFrames > 0
            if isKicked || reserve || notesDue || (closing && state.pointee.pendingFrames > 0) { return take(at: now) }
            if closing { return nil }
            if isOverdue, mayNote {
                state.pointee.isIdle = true
                shared.wait(until: isReserveWanted ? state.pointee.reserveRetry : nil)
                state.pointee.isIdle = false
                state.pointee.noteDeadline = monotonicNanoseconds() + lag
            } else {
                let notes = max(state.pointee.noteDeadline, state.pointee.noteRetry)
                shared.wait(until: isReserveWanted ? min(notes, state.pointee.reserveRetry) : notes)
            }
        }
    }

    private var isReserveWanted: Bool {
        shared.guarded.pointee.sequenceWanted > shared.guarded.pointee.sequenceLimit
    }

    private func isReserveDue(at now: UInt64) -> Bool {
        isReserveWanted && now >= shared.guarded.pointee.reserveRetry
    }

    private func take(at now: UInt64) -> Group {
        let state = shared.guarded
        var group = Group(buffer: state.pointee.pending, frames: state.pointee.pendingFrames)
        state.pointee.pending = state.pointee.spare ?? RawBuffer(capacity: 1 << 16)
        state.pointee.spare = nil
        state.pointee.pendingFrames = 0
        state.pointee.isKicked = false
        if state.pointee.ending != nil || now >= state.pointee.noteRetry { swap(&group.notes, &state.pointee.notes) }
        if isReserveDue(at: now) { group.reserveBelow = state.pointee.sequenceWanted }
        return group
    }
}
