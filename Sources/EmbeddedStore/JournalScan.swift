import SansIO

/// Reads the journal at start: which segments are live, which deliveries are unresolved, and what is damaged.
struct JournalScan {
    private struct Candidate {
        var file: JournalFile
        var number: UInt64
        var header: SegmentHeader?
    }

    private struct Damage {
        var place: String
        var after: UInt64
        var isLastWrite: Bool
    }

    private(set) var table = IntakeTable()
    private(set) var live: [Journal.Live] = []
    private(set) var free: [JournalFile] = []
    private(set) var nextFrame: UInt64 = 1
    private(set) var lastEnd = JournalFormat.pageBytes
    private(set) var highestSequence: UInt64 = 0
    private(set) var nextFileIndex = 1
    /// A line for each damaged place, with what it may have held.
    private(set) var reports: [String] = []
    private var openDamage: [Damage] = []

    /// Whether there was any file of a journal.
    var hasFiles: Bool { nextFileIndex > 1 }

    /// The number for the next segment; above every number seen, free segments included.
    private(set) var nextSegment: UInt64 = 1

    /// Scans the journal in `directory`.
    ///
    /// - Throws: `failed` when the files cannot be read. Damage inside them is reported, not thrown.
    init(directory: String) throws(StoreError) {
        let candidates = try classify(try JournalDirectory.list(directory))
        var buffer: UnsafeMutableRawBufferPointer?
        defer { buffer?.deallocate() }
        for (index, candidate) in candidates.enumerated() {
            let bytes: UnsafeMutableRawBufferPointer
            if let buffer, buffer.count >= candidate.file.byteCount {
                bytes = buffer
            } else {
                buffer?.deallocate()
                bytes = .allocate(byteCount: candidate.file.byteCount, alignment: JournalFormat.pageBytes)
                buffer = bytes
            }
            let count = try candidate.file.read(into: bytes, offset: 0)
            if index > 0, candidates[index - 1].number + 1 < candidate.number {
                note("segments \(candidates[index - 1].number + 1) to \(candidate.number - 1) are missing")
            }
            let end = index + 1 < candidates.count ? self.end(of: candidate, before: candidates[index + 1]) : nil
            scan(UnsafeRawBufferPointer(rebasing: bytes[0..<count]), candidate, end: end)
        }
        closeDamage(before: nil)
    }

    private func end(of candidate: Candidate, before next: Candidate) -> Int? {
        guard let header = next.header, header.number == candidate.number + 1 else { return nil }
        return min(Int(header.previousEnd), candidate.file.byteCount)
    }

    /// Opens every file, tells live segments from free ones, and returns the live ones in order.
    private mutating func classify(_ names: [(index: Int, path: String)]) throws(StoreError) -> [Candidate] {
        var headed: [Candidate] = []
        var headless: [JournalFile] = []
        for (index, path) in names {
            nextFileIndex = max(nextFileIndex, index + 1)
            let file = try JournalFile.open(path: path)
            let isCut = file.byteCount < 1 << 16 || file.byteCount % JournalFormat.pageBytes != 0
            if isCut { damage("\(path) is cut short to \(file.byteCount) bytes", isLastWrite: false) }
            if let header = try Self.header(of: file) {
                headed.append(Candidate(file: file, number: header.number, header: header))
            } else if !isCut {
                headless.append(file)
            }
        }
        let newest = headed.max { $0.number < $1.number }
        let oldestLive = newest?.header?.oldestLive ?? 0
        for file in headless {
            guard let number = try Self.firstFrameSegment(of: file), number >= oldestLive,
                !headed.contains(where: { $0.number == number })
            else {
                free.append(file)
                continue
            }
            note("the header of segment \(number) in \(file.path) is damaged; its records were read all the same")
            headed.append(Candidate(file: file, number: number, header: nil))
        }
        headed.sort { $0.number < $1.number }
        nextSegment = (headed.last?.number ?? 0) + 1
        free += headed.filter { $0.number < oldestLive }.map(\.file)
        let chosen = headed.filter { $0.number >= oldestLive }
        live = chosen.map { Journal.Live(number: $0.number, file: $0.file) }
        return chosen
    }

    private static func header(of file: JournalFile) throws(StoreError) -> SegmentHeader? {
        var bytes = [UInt8](repeating: 0, count: SegmentHeader.byteCount)
        let count = try read(file, &bytes, 0)
        return bytes.withUnsafeBytes { SegmentHeader.decode(UnsafeRawBufferPointer(rebasing: $0[0..<count])) }
    }

    private static func firstFrameSegment(of file: JournalFile) throws(StoreError) -> UInt64? {
        var bytes = [UInt8](repeating: 0, count: JournalFormat.frameHeaderBytes)
        let count = try read(file, &bytes, JournalFormat.pageBytes)
        return bytes.withUnsafeBytes { FrameHeader.decode(UnsafeRawBufferPointer(rebasing: $0[0..<count])) }?.segment
    }

    private static func read(_ file: JournalFile, _ bytes: inout [UInt8], _ offset: Int) throws(StoreError) -> Int {
        var outcome: Result<Int, StoreError> = .success(0)
        bytes.withUnsafeMutableBytes { buffer in
            do throws(StoreError) { outcome = .success(try file.read(into: buffer, offset: offset)) } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    /// Reads the frames of one segment. `end` is known for all segments but the last.
    private mutating func scan(_ bytes: UnsafeRawBufferPointer, _ candidate: Candidate, end: Int?) {
        table.begin(segment: candidate.number)
        if let first = candidate.header?.firstFrame {
            if first != nextFrame, !live.isEmpty, candidate.number != live[0].number {
                damage("frames \(nextFrame) to \(first - 1) before segment \(candidate.number)", isLastWrite: false)
            }
            nextFrame = first
        }
        let limit = min(end ?? bytes.count, bytes.count)
        var offset = JournalFormat.pageBytes
        var whole = (end: offset, nextFrame: nextFrame)
        while offset < limit {
            let header = frame(bytes, at: offset, limit: limit, segment: candidate.number)
            if let header, header.number == nextFrame || (candidate.header == nil && header.number >= nextFrame),
                take(bytes, header, at: offset)
            {
                nextFrame = header.number + 1
                offset += header.frameBytes
                whole = (offset, nextFrame)
                continue
            }
            let resume = resync(bytes, from: offset + 8, limit: limit, segment: candidate.number, after: nextFrame)
            guard let resume else {
                if end != nil { describeDamage(candidate, header, offset, limit, isLastWrite: false) }
                break
            }
            describeDamage(candidate, header, offset, resume.offset, isLastWrite: resume.groupStart <= offset)
            nextFrame = resume.number
            offset = resume.offset
        }
        // The journal ends with its last whole frame. Headers of a torn group behind it have been told of, and are not a
        // part of it, or each later opening would miss their records.
        lastEnd = end == nil ? whole.end : offset
        if end == nil { nextFrame = whole.nextFrame }
    }

    /// The header of a frame of the segment. Sequences rise from frame to frame; one with lower ones was left behind in a
    /// segment whose header a power failure took, and whose number was then given out again.
    private func frame(
        _ bytes: UnsafeRawBufferPointer,
        at offset: Int,
        limit: Int,
        segment: UInt64
    ) -> FrameHeader? {
        guard let header = FrameHeader.decode(UnsafeRawBufferPointer(rebasing: bytes[offset..<limit])),
            header.segment == segment, offset + header.frameBytes <= limit,
            header.recordCount == 0 || header.firstSequence > highestSequence
        else { return nil }
        return header
    }

    /// Checks and reads one frame; false when its payload is damaged.
    private mutating func take(_ bytes: UnsafeRawBufferPointer, _ header: FrameHeader, at offset: Int) -> Bool {
        let start = offset + JournalFormat.frameHeaderBytes
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(header.payloadBytes)])
        guard Checksum.crc32c(payload) == header.payloadChecksum else { return false }
        if header.recordCount > 0 { closeDamage(before: header.firstSequence) }
        var table = table
        self.table = IntakeTable()
        var highest = highestSequence
        let isWhole = JournalPayload.decode(
            payload,
            recordCount: header.recordCount,
            settled: { _ = table.settle($0) },
            settledEvent: { table.settle(event: $0) },
            record: { record in
                let targets = (0..<record.targetCount).lazy.map { record.target($0) }
                table.add(sequence: record.sequence, offset: offset, targets: targets)
                highest = max(highest, record.sequence)
            }
        )
        self.table = table
        highestSequence = highest
        return isWhole
    }

    /// The next whole frame of the segment behind a damaged place.
    private func resync(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        limit: Int,
        segment: UInt64,
        after number: UInt64
    ) -> (offset: Int, number: UInt64, groupStart: Int)? {
        var offset = start
        while offset + JournalFormat.frameHeaderBytes <= limit {
            if UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
                == JournalFormat.frameMagic,
                let header = frame(bytes, at: offset, limit: limit, segment: segment), header.number > number
            {
                return (offset, header.number, Int(header.groupStart))
            }
            offset += 8
        }
        return nil
    }

    private mutating func describeDamage(
        _ candidate: Candidate,
        _ header: FrameHeader?,
        _ start: Int,
        _ end: Int,
        isLastWrite: Bool
    ) {
        let place = "segment \(candidate.number), bytes \(start) to \(end - 1) of \(candidate.file.path)"
        guard let header, header.number == nextFrame else {
            damage(place, isLastWrite: isLastWrite)
            return
        }
        let excuse = isLastWrite ? Self.unacknowledged : ""
        guard header.recordCount > 0 else {
            note("\(place): damaged notes of finished deliveries; some may be repeated" + excuse)
            return
        }
        let last = header.firstSequence + UInt64(header.recordCount) - 1
        highestSequence = max(highestSequence, last)
        note("\(place): damaged; held the events \(header.firstSequence) to \(last)" + excuse)
    }

    private static let unacknowledged = ", unacknowledged if the machine stopped during that write"

    private mutating func damage(_ place: String, isLastWrite: Bool) {
        openDamage.append(Damage(place: place, after: highestSequence, isLastWrite: isLastWrite))
    }

    /// Writes the lines of damage whose upper bound is now known.
    private mutating func closeDamage(before next: UInt64?) {
        for damage in openDamage {
            var line = "\(damage.place): damaged; may have held "
            if let next {
                line += "events between \(damage.after) and \(next)"
            } else {
                line += "events after \(damage.after)"
            }
            if damage.isLastWrite { line += Self.unacknowledged }
            note(line)
        }
        openDamage.removeAll()
    }

    private mutating func note(_ line: String) {
        guard reports.count < 1000 else { return }
        reports.append(line)
    }
}
