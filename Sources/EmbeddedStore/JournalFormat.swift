import SansIO

/// The bytes of the intake journal.
///
/// A segment file is one page of ``SegmentHeader`` and then frames, one after the other, each at a multiple of eight bytes.
/// A frame is one atomic unit: the records of one append with the deliveries that it settles, or a list of notes. All
/// numbers are little-endian.
enum JournalFormat {
    static let segmentMagic: UInt64 = 0x314A_5241_4253_5542
    static let frameMagic: UInt32 = 0x4A46_5242
    static let version: UInt32 = 1
    static let pageBytes = 4096
    /// Offsets are kept in 32 bits.
    static let largestSegmentBytes = (1 << 32) - pageBytes
    static let frameHeaderBytes = 48
    /// A frame's fixed payload: counts of settled deliveries and of wholly settled events.
    static let payloadPrefixBytes = 8
    static let recordPrefixBytes = 24

    /// `byteCount` rounded up to a multiple of `unit`.
    static func roundUp(_ byteCount: Int, to unit: Int) -> Int {
        (byteCount + unit - 1) / unit * unit
    }

    /// Bytes of the frame of an append, with header and padding.
    static func frameBytes(of records: [IntakeRecord], settling: Int) -> Int {
        var total = frameHeaderBytes + payloadPrefixBytes + settling * 16
        for record in records {
            total += recordPrefixBytes + record.targets.count * 8 + record.event.count
        }
        return roundUp(total, to: 8)
    }

    /// Bytes of a frame of notes.
    static func frameBytes(deliveries: Int, events: Int) -> Int {
        frameHeaderBytes + payloadPrefixBytes + deliveries * 16 + events * 8
    }
}

/// The first page of a segment: which segment it is, and what was known when it began.
struct SegmentHeader: Equatable {
    /// The segment's number; rises by one with each segment begun.
    var number: UInt64
    /// The oldest segment that still held unresolved deliveries. Older ones are free, whatever their content says.
    var oldestLive: UInt64
    /// Where the frames of the segment before this one end, so leftovers behind them are never read.
    var previousEnd: UInt32
    /// The number of this segment's first frame.
    var firstFrame: UInt64

    static let byteCount = 44

    func encode(to start: UnsafeMutableRawPointer) {
        var writer = RawWriter(start)
        writer.put(JournalFormat.segmentMagic)
        writer.put(JournalFormat.version)
        writer.put(number)
        writer.put(oldestLive)
        writer.put(previousEnd)
        writer.put(firstFrame)
        writer.put(Checksum.crc32c(UnsafeRawBufferPointer(start: start, count: Self.byteCount - 4)))
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) -> SegmentHeader? {
        guard bytes.count >= byteCount else { return nil }
        var reader = RawReader(bytes)
        guard reader.take(UInt64.self) == JournalFormat.segmentMagic,
            reader.take(UInt32.self) == JournalFormat.version,
            let number = reader.take(UInt64.self),
            let oldestLive = reader.take(UInt64.self),
            let previousEnd = reader.take(UInt32.self),
            let firstFrame = reader.take(UInt64.self),
            let checksum = reader.take(UInt32.self),
            checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[0..<byteCount - 4]))
        else { return nil }
        return SegmentHeader(
            number: number,
            oldestLive: oldestLive,
            previousEnd: previousEnd,
            firstFrame: firstFrame
        )
    }
}

/// The fixed part in front of each frame. It has a checksum of its own, so a damaged payload can still be named and
/// stepped over.
struct FrameHeader: Equatable {
    /// Bytes of the payload.
    var payloadBytes: UInt32
    /// The segment that the frame belongs to; tells a frame from a leftover of the file's earlier use.
    var segment: UInt64
    /// The frame's number; consecutive within the journal.
    var number: UInt64
    /// Where the group of frames that were written and synchronised together begins.
    var groupStart: UInt32
    /// The payload's checksum.
    var payloadChecksum: UInt32
    /// The sequence of the first record; the others follow without a gap.
    var firstSequence: UInt64
    /// How many records there are.
    var recordCount: UInt32

    /// Bytes from this frame to the next.
    var frameBytes: Int { JournalFormat.roundUp(JournalFormat.frameHeaderBytes + Int(payloadBytes), to: 8) }

    /// Puts down what the shard knows; the journal's thread adds the rest in ``complete(at:segment:number:groupStart:)``.
    static func begin(
        at start: UnsafeMutableRawPointer,
        payloadBytes: Int,
        firstSequence: UInt64,
        recordCount: Int
    ) {
        var writer = RawWriter(start)
        writer.put(JournalFormat.frameMagic)
        writer.put(UInt32(payloadBytes))
        writer.put(UInt64(0))
        writer.put(UInt64(0))
        writer.put(UInt64(0))
        writer.put(firstSequence)
        writer.put(UInt32(recordCount))
        writer.put(UInt32(0))
    }

    /// The bytes from the frame at `start` to the next.
    static func frameBytes(at start: UnsafeRawPointer) -> Int {
        let payload = UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
        return JournalFormat.roundUp(JournalFormat.frameHeaderBytes + Int(payload), to: 8)
    }

    static func complete(at start: UnsafeMutableRawPointer, segment: UInt64, number: UInt64, groupStart: Int) {
        let payloadBytes = Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
        let payload = UnsafeRawBufferPointer(start: start + JournalFormat.frameHeaderBytes, count: payloadBytes)
        var writer = RawWriter(start + 8)
        writer.put(segment)
        writer.put(number)
        writer.put(UInt32(groupStart))
        writer.put(Checksum.crc32c(payload))
        writer = RawWriter(start + 44)
        writer.put(Checksum.crc32c(UnsafeRawBufferPointer(start: start, count: 44)))
    }

    static func decode(_ bytes: UnsafeRawBufferPointer) -> FrameHeader? {
        guard bytes.count >= JournalFormat.frameHeaderBytes else { return nil }
        var reader = RawReader(bytes)
        guard reader.take(UInt32.self) == JournalFormat.frameMagic,
            let payloadBytes = reader.take(UInt32.self),
            let segment = reader.take(UInt64.self),
            let number = reader.take(UInt64.self),
            let groupStart = reader.take(UInt32.self),
            let payloadChecksum = reader.take(UInt32.self),
            let firstSequence = reader.take(UInt64.self),
            let recordCount = reader.take(UInt32.self),
            let checksum = reader.take(UInt32.self),
            checksum == Checksum.crc32c(UnsafeRawBufferPointer(rebasing: bytes[0..<44]))
        else { return nil }
        return FrameHeader(
            payloadBytes: payloadBytes,
            segment: segment,
            number: number,
            groupStart: groupStart,
            payloadChecksum: payloadChecksum,
            firstSequence: firstSequence,
            recordCount: recordCount
        )
    }
}
