import Glibc
import SansIO

/// The journal's thread: writes what is queued and synchronises the disk once for all of it. Confined to that thread.
final class JournalWriter {
    private let journal: Journal
    private let gate: ShardGate
    private var current: Journal.Live?
    /// Where the next frame goes in `current`; once that is nil, where the last segment's frames ended.
    private var offset: Int
    private var nextFrame: UInt64
    private var nextSegment: UInt64
    private var nextFileIndex: Int
    private var maker: WorkerThread?
    /// The number of the next write of reserved sequences; the opener made one.
    private var reservations: UInt64

    init(journal: Journal, start: Journal.Start, gate: ShardGate) {
        self.journal = journal
        self.gate = gate
        offset = start.lastEnd
        nextFrame = start.nextFrame
        nextSegment = start.nextSegment
        nextFileIndex = start.nextFileIndex
        reservations = journal.sequences.foundTurn + 2
    }

    func run() {
        var used: RawBuffer?
        while let group = journal.nextGroup(reusing: used) {
            if let limit = group.reserveBelow { reserve(below: limit) }
            if group.frames > 0 || !group.notes.isEmpty { commit(group) }
            used = group.buffer
        }
        if case .close(let next) = journal.shared.withLock({ $0.ending }) {
            _ = journal.sequences.reserve(below: next, turn: reservations)
        }
        maker?.join()
        gate.postJournalEnded()
    }

    /// A failure is retried a while later; half a block is left until then.
    private func reserve(below limit: UInt64) {
        guard journal.sequences.reserve(below: limit, turn: reservations) == 0 else {
            let retry = monotonicNanoseconds() + Journal.retryNanoseconds
            journal.shared.withLock { $0.reserveRetry = retry }
            return
        }
        reservations += 1
        journal.shared.withLock { $0.sequenceLimit = limit }
    }

    /// Notes are written while there is no room for appends, too: losing them would repeat deliveries.
    private func commit(_ group: Journal.Group) {
        let appendBytes = group.buffer.count
        if !group.notes.isEmpty { encode(group.notes, into: group.buffer) }
        var appends = group.frames
        var position = 0
        if appends > 0, journal.space.isFull(now: monotonicNanoseconds()) {
            refuse(&appends, journal.space.error)
            position = appendBytes
        }
        while position < group.buffer.count {
            do throws(StoreError) {
                let firstBytes = FrameHeader.frameBytes(at: group.buffer.base + position)
                try makeRoom(for: firstBytes, isForNotes: position >= appendBytes)
            } catch {
                refuse(&appends, error)
                guard position < appendBytes else { return keep(group.notes) }
                position = appendBytes
                continue
            }
            do throws(StoreError) {
                let part = complete(group.buffer, from: position)
                try write(group.buffer, from: position, byteCount: part.byteCount)
                let written = min(part.frames, appends)
                if written > 0 { journal.shared.withLock { $0.isFull = false } }
                if written > 0 { post(frames: written, offset: offset) }
                offset += part.byteCount
                nextFrame += UInt64(part.frames)
                position += part.byteCount
                appends -= written
            } catch {
                refuse(&appends, error)
                return keep(group.notes)
            }
        }
        prepareSpare()
    }

    /// Notes go behind the records, in frames that fit any segment.
    private func encode(_ notes: JournalNotes, into buffer: RawBuffer) {
        let limit = (journal.segmentBytes - JournalFormat.pageBytes) / 32
        var first = 0
        while first < notes.count {
            let last = min(first + limit, notes.count)
            let deliveries = notes.deliveries.count
            let part = JournalNotes(
                deliveries: Array(notes.deliveries[min(first, deliveries)..<min(last, deliveries)]),
                events: Array(notes.events[max(first, deliveries) - deliveries..<max(last, deliveries) - deliveries])
            )
            JournalPayload.encode(notes: part, to: buffer.extend(by: part.frameBytes))
            first = last
        }
    }

    /// Finishes the frames from `position` that fit the current segment.
    private func complete(_ buffer: RawBuffer, from position: Int) -> (frames: Int, byteCount: Int) {
        guard let current else { return (0, 0) }
        var frames = 0
        var byteCount = 0
        while position + byteCount < buffer.count {
            let start = buffer.base + position + byteCount
            let length = FrameHeader.frameBytes(at: start)
            guard offset + byteCount + length <= current.file.room else { break }
            FrameHeader.complete(
                at: start,
                segment: current.number,
                number: nextFrame + UInt64(frames),
                groupStart: offset
            )
            frames += 1
            byteCount += length
        }
        return (frames, byteCount)
    }

    /// Whole pages are written where the buffer allows it, so the kernel never has to read what it overwrites.
    private func write(_ buffer: RawBuffer, from position: Int, byteCount: Int) throws(StoreError) {
        guard let current else { return }
        var length = byteCount
        if position + byteCount == buffer.count {
            let end = offset + byteCount
            let padding = min(JournalFormat.roundUp(end, to: JournalFormat.pageBytes), current.file.room) - end
            buffer.reserve(padding)
            (buffer.base + position + byteCount).initializeMemory(as: UInt8.self, repeating: 0, count: padding)
            length += padding
        }
        let bytes = UnsafeRawBufferPointer(start: buffer.base + position, count: length)
        var code = journal.files.write(current.file.descriptor, bytes, offset)
        if code == 0 { code = journal.files.synchronise(current.file.descriptor) }
        guard code == 0 else {
            abandonSegment(buffer.base + position, byteCount: byteCount)
            throw fileError(code, "cannot write \(current.file.path)")
        }
        journal.shared.withLock { state in
            state.synchronisations += 1
            state.bytesWritten += UInt64(length)
        }
    }

    /// After a failed write or synchronisation the kernel may have dropped the pages, so the place is not used again: the
    /// next segment's header says that this one ends here. Blanking the frames is a second precaution for a crash before.
    private func abandonSegment(_ frames: UnsafeMutableRawPointer, byteCount: Int) {
        guard let current else { return }
        frames.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        let zeros = UnsafeRawBufferPointer(start: frames, count: byteCount)
        _ = journal.files.write(current.file.descriptor, zeros, offset)
        self.current = nil
    }

    private func makeRoom(for byteCount: Int, isForNotes: Bool) throws(StoreError) {
        if let current, offset + byteCount <= current.file.room { return }
        let file = try takeFile(isForNotes: isForNotes)
        let oldest = journal.shared.withLock { $0.live.first?.number } ?? nextSegment
        let header = SegmentHeader(
            number: nextSegment,
            oldestLive: oldest,
            previousEnd: UInt32(offset),
            firstFrame: nextFrame
        )
        var page = [UInt8](repeating: 0, count: JournalFormat.pageBytes)
        page.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { header.encode(to: start) }
        }
        // On disk before any frame: were the header lost and a frame not, the segment's number would be given out again,
        // and the frame would be taken for one of the number's next use.
        var code = page.withUnsafeBytes { journal.files.write(file.descriptor, $0, 0) }
        if code == 0 { code = journal.files.synchronise(file.descriptor) }
        guard code == 0 else {
            giveBack(file, code)
            throw fileError(code, "cannot begin \(file.path)")
        }
        let live = Journal.Live(number: nextSegment, file: file)
        journal.shared.withLock { state in
            state.live.append(live)
            state.bytesWritten += UInt64(JournalFormat.pageBytes)
        }
        current = live
        offset = JournalFormat.pageBytes
        nextSegment += 1
        post(frames: 0, offset: offset)
    }

    /// The last segment that the limit allows is for notes, so they find room while appends find none.
    private func takeFile(isForNotes: Bool) throws(StoreError) -> JournalFile {
        let used = journal.shared.withLock { $0.live.count }
        guard used < journal.fileLimit - (isForNotes ? 0 : 1) else {
            throw StoreError(.full, "the journal is at its limit: \(used) of \(journal.fileLimit) segments are in use")
        }
        journal.shared.lock()
        while journal.shared.guarded.pointee.free.isEmpty, journal.shared.guarded.pointee.isMaking {
            journal.shared.wait(until: nil)
        }
        if !journal.shared.guarded.pointee.free.isEmpty {
            let file = journal.shared.guarded.pointee.free.removeFirst()
            journal.shared.unlock()
            return file
        }
        journal.shared.unlock()
        guard journal.space.hasRoom(for: journal.segmentBytes) else { throw journal.space.error }
        let file = try JournalFile.create(path: nextPath(), byteCount: journal.segmentBytes, files: journal.files)
        journal.shared.withLock { $0.fileCount += 1 }
        return file
    }

    /// A file that could not be begun stays the first to be used, since the free files are in the order of the segments
    /// they held. One that cannot be written for another reason than a full disk is given up.
    private func giveBack(_ file: JournalFile, _ code: Int32) {
        let isFull = fileError(code, "").code == .full
        journal.shared.withLock { state in
            if isFull { state.free.insert(file, at: 0) } else { state.fileCount -= 1 }
        }
        guard !isFull else { return }
        // The number is used again, so a file that may have it in its header must not come back after a power failure.
        file.remove()
        _ = journal.files.synchroniseName(of: file.path)
    }

    private func nextPath() -> String {
        defer { nextFileIndex += 1 }
        return JournalDirectory.path(nextFileIndex, in: journal.directory)
    }

    /// Has the next segment's file written by another thread while this one still has half of its own to go.
    private func prepareSpare() {
        guard let current, offset > current.file.byteCount / 2 else { return }
        let journal = journal
        let wanted = journal.shared.withLock { state in
            guard state.free.isEmpty, !state.isMaking, state.fileCount < journal.fileLimit else { return false }
            state.isMaking = true
            return true
        }
        guard wanted else { return }
        maker?.join()
        maker = nil
        let path = nextPath()
        let made = try? WorkerThread(name: "busbar-segment") {
            let hasRoom = journal.space.hasRoom(for: journal.segmentBytes)
            let file =
                hasRoom
                ? try? JournalFile.create(path: path, byteCount: journal.segmentBytes, files: journal.files) : nil
            journal.shared.withLock { state in
                state.isMaking = false
                if let file {
                    state.free.append(file)
                    state.fileCount += 1
                }
                journal.shared.signal()
            }
        }
        if let made { maker = made } else { journal.shared.withLock { $0.isMaking = false } }
    }

    private func post(frames: Int, offset: Int) {
        guard let current else { return }
        gate.post(JournalOutcome(frames: frames, segment: current.number, offset: offset, error: nil))
    }

    /// Has the rest of a group's appends fail.
    private func refuse(_ appends: inout Int, _ error: StoreError) {
        guard appends > 0 else { return }
        let now = monotonicNanoseconds()
        let isFull = error.code == .full
        // What the guard of free space sees, it also sees to be over.
        let isFlagged = isFull && !journal.space.isFull(now: now)
        let isCrowded = journal.shared.withLock { state in
            state.isFull = isFlagged
            state.fullCheck = now + 2_000_000_000
            let isCrowded = isFull && state.live.count >= journal.fileLimit - 1
            if isCrowded { state.isCrowded = true }
            return isCrowded
        }
        gate.post(JournalOutcome(frames: appends, segment: 0, offset: 0, error: error, isCrowded: isCrowded))
        appends = 0
    }

    /// Puts back notes that could not be written, for a later try if there is one.
    private func keep(_ notes: JournalNotes) {
        guard !notes.isEmpty else { return }
        journal.shared.withLock { state in
            guard state.ending == nil else { return }
            state.notes.deliveries.append(contentsOf: notes.deliveries)
            state.notes.events.append(contentsOf: notes.events)
            state.noteRetry = monotonicNanoseconds() + Journal.retryNanoseconds
        }
    }
}
