/// An accepted event as the intake journal holds it: what travels with the event unseen, then the envelope's bytes.
///
/// Layout, version 1: the version byte; the number of hops, one byte; each hop's bus ARN and then the trace header, as a
/// big-endian 16-bit length and UTF-8 text; the envelope.
public struct StoredEvent: Sendable, Equatable {
    /// ARNs of the buses that passed the event on, oldest first (spec: patterns §6.3).
    public var hops: [String]
    /// The trace header, or empty (spec: patterns §1.10).
    public var traceHeader: String
    /// The event as it is matched and delivered.
    public var envelope: [UInt8]

    /// Hops that an event may carry; a longer path cannot be stored.
    public static let maximumHops = 64

    /// Creates an event.
    public init(hops: [String] = [], traceHeader: String = "", envelope: [UInt8]) {
        self.hops = hops
        self.traceHeader = traceHeader
        self.envelope = envelope
    }

    /// The bytes for the store.
    public var encoded: [UInt8] {
        var bytes = Self.head(hops: hops, traceHeader: traceHeader, envelopeBytes: envelope.count)
        bytes.append(contentsOf: envelope)
        return bytes
    }

    /// What stands before the envelope in the store, with room for it behind.
    static func head(hops: [String] = [], traceHeader: String, envelopeBytes: Int = 0) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(envelopeBytes + 8 + hops.reduce(traceHeader.utf8.count) { $0 + 2 + $1.utf8.count })
        bytes.append(1)
        let kept = hops.suffix(maximumHops)
        bytes.append(UInt8(kept.count))
        for hop in kept { append(hop, to: &bytes) }
        append(traceHeader, to: &bytes)
        return bytes
    }

    /// Reads what ``encoded`` wrote; nil for anything else.
    public init?(decoding bytes: [UInt8]) {
        guard let head = Head(of: bytes) else { return nil }
        hops = head.hops
        traceHeader = head.traceHeader
        envelope = Array(bytes[head.end...])
    }

    /// What is stored with an event, and where in the bytes its envelope begins.
    struct Head {
        var hops: [String] = []
        var traceHeader = ""
        var end = 4

        /// Reads the beginning of what ``StoredEvent/encoded`` wrote; nil for anything else.
        init?(of bytes: [UInt8]) {
            guard bytes.count >= 4, bytes[0] == 1 else { return nil }
            // Most events come from nowhere else and carry no trace.
            if bytes[1] == 0, bytes[2] == 0, bytes[3] == 0 { return }
            var position = 2
            for index in 0...Int(bytes[1]) {
                guard position + 2 <= bytes.count else { return nil }
                let length = Int(bytes[position]) << 8 | Int(bytes[position + 1])
                position += 2
                guard position + length <= bytes.count else { return nil }
                let text = String(decoding: bytes[position..<(position + length)], as: UTF8.self)
                if index < Int(bytes[1]) { hops.append(text) } else { traceHeader = text }
                position += length
            }
            end = position
        }
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let count = min(text.utf8.count, 0xFFFF)
        bytes.append(UInt8(count >> 8))
        bytes.append(UInt8(count & 0xFF))
        // The whole text is copied in one piece, a part of it byte by byte.
        if count == text.utf8.count {
            bytes.append(contentsOf: text.utf8)
        } else {
            bytes.append(contentsOf: text.utf8.prefix(count))
        }
    }
}
