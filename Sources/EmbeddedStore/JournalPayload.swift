import SansIO

/// One record inside a frame's payload. The bytes belong to the reader's buffer.
struct JournalRecord {
    var sequence: UInt64
    var acceptedAt: Int64
    var targets: UnsafeRawBufferPointer
    var event: UnsafeRawBufferPointer

    var targetCount: Int { targets.count / 8 }

    func target(_ index: Int) -> UInt64 {
        UInt64(littleEndian: targets.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self))
    }
}

/// Writes and reads the part of a frame behind its header.
enum JournalPayload {
    /// Writes the frame of an append; `start` has the bytes that ``JournalFormat/frameBytes(of:settling:)`` says.
    static func encode(
        _ records: [IntakeRecord],
        firstSequence: UInt64,
        settling: [DeliveryRef],
        frameBytes: Int,
        to start: UnsafeMutableRawPointer
    ) {
        var writer = RawWriter(start + JournalFormat.frameHeaderBytes)
        writer.put(UInt32(settling.count))
        writer.put(UInt32(0))
        for ref in settling {
            writer.put(ref.event)
            writer.put(ref.target)
        }
        var sequence = firstSequence
        for record in records {
            writer.put(sequence)
            writer.put(record.acceptedAt.milliseconds)
            writer.put(UInt32(record.targets.count))
            writer.put(UInt32(record.event.count))
            for target in record.targets { writer.put(target) }
            writer.put(record.event)
            sequence += 1
        }
        finish(writer, start, frameBytes, firstSequence, records.count)
    }

    /// Writes a frame of notes; `start` has the bytes that ``JournalFormat/frameBytes(deliveries:events:)`` says.
    static func encode(notes: JournalNotes, to start: UnsafeMutableRawPointer) {
        var writer = RawWriter(start + JournalFormat.frameHeaderBytes)
        writer.put(UInt32(notes.deliveries.count))
        writer.put(UInt32(notes.events.count))
        for ref in notes.deliveries {
            writer.put(ref.event)
            writer.put(ref.target)
        }
        for event in notes.events { writer.put(event) }
        finish(writer, start, notes.frameBytes, 0, 0)
    }

    private static func finish(
        _ writer: RawWriter,
        _ start: UnsafeMutableRawPointer,
        _ frameBytes: Int,
        _ firstSequence: UInt64,
        _ recordCount: Int
    ) {
        let written = writer.position - start
        var padding = writer
        for _ in written..<frameBytes { padding.put(UInt8(0)) }
        FrameHeader.begin(
            at: start,
            payloadBytes: written - JournalFormat.frameHeaderBytes,
            firstSequence: firstSequence,
            recordCount: recordCount
        )
    }

    /// Reads a payload whose checksum was right.
    ///
    /// - Returns: false when the content does not parse.
    static func decode(
        _ payload: UnsafeRawBufferPointer,
        recordCount: UInt32,
        settled: (DeliveryRef) -> Void,
        settledEvent: (UInt64) -> Void,
        record visit: (JournalRecord) -> Void
    ) -> Bool {
        var reader = RawReader(payload)
        guard let deliveries = reader.take(UInt32.self), let events = reader.take(UInt32.self) else { return false }
        for _ in 0..<deliveries {
            guard let event = reader.take(UInt64.self), let target = reader.take(UInt64.self) else { return false }
            settled(DeliveryRef(event: event, target: target))
        }
        for _ in 0..<events {
            guard let event = reader.take(UInt64.self) else { return false }
            settledEvent(event)
        }
        for _ in 0..<recordCount {
            guard let record = takeRecord(&reader) else { return false }
            visit(record)
        }
        return true
    }

    private static func takeRecord(_ reader: inout RawReader) -> JournalRecord? {
        guard let sequence = reader.take(UInt64.self),
            let acceptedAt = reader.take(Int64.self),
            let targetCount = reader.take(UInt32.self),
            let eventCount = reader.take(UInt32.self),
            let targets = reader.take(count: Int(targetCount) * 8),
            let event = reader.take(count: Int(eventCount))
        else { return nil }
        return JournalRecord(sequence: sequence, acceptedAt: acceptedAt, targets: targets, event: event)
    }
}

/// Deliveries that are done, waiting to be written down.
struct JournalNotes {
    /// Single deliveries.
    var deliveries: [DeliveryRef] = []
    /// Events of which every delivery is done.
    var events: [UInt64] = []

    var count: Int { deliveries.count + events.count }
    var isEmpty: Bool { deliveries.isEmpty && events.isEmpty }
    var frameBytes: Int { JournalFormat.frameBytes(deliveries: deliveries.count, events: events.count) }

    mutating func removeAll() {
        deliveries.removeAll(keepingCapacity: true)
        events.removeAll(keepingCapacity: true)
    }
}
