/// A batch of events from one store to a node of another cell.
///
/// Layout of version 1, all numbers big-endian: `F` `W`, version, 0; the origin (8 bytes); the number of entries (2 bytes); the
/// length of the header fields (2 bytes) and these; then each entry as its length (4 bytes) and its fields. A field is a tag
/// (1 byte), a length (4 bytes) and a value.
public struct ForwardFrame: Sendable, Equatable {
    /// An entry as it was read.
    public enum Item: Sendable, Equatable {
        /// An entry whose fields are complete.
        case entry(ForwardEntry)
        /// An entry that cannot be taken; the others of the frame can.
        case faulty(FrameError)
    }

    /// Which store the delivery ids are of: drawn at random when it was made, so that a store which is laid anew does not
    /// seem to repeat the old one's deliveries.
    public var origin: UInt64
    /// The entries, in the order in which the answer gives its verdicts.
    public var items: [Item]

    /// The first bytes of a frame.
    static let mark: (UInt8, UInt8) = (UInt8(ascii: "F"), UInt8(ascii: "W"))

    /// Encodes a batch.
    ///
    /// - Parameters:
    ///   - entries: at most 65,535.
    ///   - origin: which store the ids are of.
    ///   - version: the version to write; one of ``PeerProtocolVersions/spoken``.
    /// - Returns: the frame's bytes.
    public static func encode(_ entries: [ForwardEntry], origin: UInt64, version: UInt8 = 1) -> [UInt8] {
        var writer = Writer(
            count: entries.count,
            bytes: entries.reduce(16) { $0 + $1.size },
            origin: origin,
            version: version
        )
        for entry in entries { writer.add(entry) }
        return writer.bytes
    }

    /// Encodes a batch entry by entry.
    public struct Writer {
        /// The frame, once as many entries were added as were announced.
        public private(set) var bytes: [UInt8] = []

        /// Begins a frame.
        ///
        /// - Parameters:
        ///   - count: entries that are to come, at most 65,535.
        ///   - size: bytes of the frame, roughly.
        ///   - origin: which store the ids are of.
        ///   - version: the version to write; one of ``PeerProtocolVersions/spoken``.
        public init(count: Int, bytes size: Int, origin: UInt64, version: UInt8 = 1) {
            precondition(count <= 0xFFFF, "a frame counts its entries in 16 bits")
            bytes.reserveCapacity(size)
            bytes.append(contentsOf: [mark.0, mark.1, version, 0])
            bytes.appendInteger(origin)
            bytes.appendInteger(UInt16(count))
            bytes.appendInteger(UInt16(0))
        }

        /// Adds an entry.
        public mutating func add(_ entry: ForwardEntry) {
            let start = bytes.count
            bytes.appendInteger(UInt32(0))
            entry.encode(into: &bytes)
            bytes.setLength(at: start, bytes.count - start - 4)
        }
    }

    /// Decodes a frame.
    ///
    /// - Parameters:
    ///   - bytes: the whole frame.
    ///   - limits: what is taken at most.
    ///   - versions: what this side speaks.
    /// - Throws: ``FrameError`` when the frame as a whole cannot be taken.
    public init(
        decoding bytes: [UInt8],
        limits: FrameLimits = FrameLimits(),
        versions: PeerProtocolVersions = .spoken
    ) throws(FrameError) {
        guard bytes.count <= limits.frameBytes else {
            throw FrameError(.tooLarge, "a frame of \(bytes.count) bytes, at most \(limits.frameBytes) are taken")
        }
        var reader = FrameReader(bytes)
        guard try reader.byte() == Self.mark.0, try reader.byte() == Self.mark.1 else {
            throw FrameError(.notAFrame, "the bytes do not begin like a batch of events")
        }
        let version = try reader.byte()
        guard versions.contains(version) else {
            throw FrameError(.unsupportedVersion, "version \(version) is not spoken here")
        }
        _ = try reader.byte()
        origin = try reader.integer(UInt64.self)
        let count = Int(try reader.integer(UInt16.self))
        guard count >= 1, count <= limits.entries else {
            throw FrameError(.tooLarge, "\(count) entries, 1 to \(limits.entries) are taken")
        }
        var header = FrameReader(bytes, try reader.skip(Int(reader.integer(UInt16.self))))
        while header.remaining > 0 {
            let (tag, _) = try header.field()
            guard tag >= EntryTag.firstOptional else {
                throw FrameError(.malformed, "header field \(tag) is not known here")
            }
        }
        items = []
        items.reserveCapacity(count)
        var known: KnownClaims?
        for _ in 0..<count {
            let range = try reader.skip(Int(reader.integer(UInt32.self)))
            do throws(FrameError) {
                items.append(.entry(try ForwardEntry(bytes, range, limits, like: &known)))
            } catch {
                items.append(.faulty(error))
            }
        }
        guard reader.remaining == 0 else {
            throw FrameError(.malformed, "\(reader.remaining) bytes behind the last entry")
        }
    }
}
