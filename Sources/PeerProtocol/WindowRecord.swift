/// Ids of deliveries that were taken in, as the store keeps them: written with the events, so that a crash forgets neither.
///
/// Layout, big-endian: version 1; then for each bus and sender: the bus (2 bytes of length and text), the cell (the same), the
/// origin (8 bytes), the number of ids (4 bytes) and the ids (16 bytes each).
public struct WindowRecord: Sendable, Equatable {
    /// Ids of one bus and sender.
    public struct Section: Sendable, Equatable {
        /// The bus's ARN.
        public var bus: String
        /// Whose ids they are.
        public var sender: DuplicateWindow.Sender
        /// The ids.
        public var ids: [DeliveryID]

        /// Creates a section.
        public init(bus: String, sender: DuplicateWindow.Sender, ids: [DeliveryID]) {
            self.bus = bus
            self.sender = sender
            self.ids = ids
        }
    }

    /// The sections, in the order in which their buses and senders came first.
    public private(set) var sections: [Section] = []
    private var places: [Place: Int] = [:]

    private struct Place: Hashable {
        var bus: String
        var sender: DuplicateWindow.Sender
    }

    /// An empty record.
    public init() {}

    /// Whether there are no ids.
    public var isEmpty: Bool { sections.isEmpty }

    /// How many ids there are.
    public var count: Int { sections.reduce(0) { $0 + $1.ids.count } }

    /// Adds ids of a bus and sender.
    public mutating func add(_ ids: [DeliveryID], from sender: DuplicateWindow.Sender, on bus: String) {
        guard !ids.isEmpty else { return }
        let place = Place(bus: bus, sender: sender)
        if let index = places[place] {
            sections[index].ids += ids
        } else {
            places[place] = sections.count
            sections.append(Section(bus: bus, sender: sender, ids: ids))
        }
    }

    /// Adds another record's ids.
    public mutating func add(_ other: WindowRecord) {
        for section in other.sections { add(section.ids, from: section.sender, on: section.bus) }
    }

    /// The bytes for the store.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = [1]
        for section in sections {
            for text in [section.bus, section.sender.cell] {
                let utf8 = text.utf8.prefix(0xFFFF)
                bytes.appendInteger(UInt16(utf8.count))
                bytes.append(contentsOf: utf8)
            }
            bytes.appendInteger(section.sender.origin)
            bytes.appendInteger(UInt32(section.ids.count))
            for id in section.ids {
                bytes.appendInteger(id.event)
                bytes.appendInteger(id.target)
            }
        }
        return bytes
    }

    /// Reads what ``encoded`` wrote.
    ///
    /// - Throws: ``FrameError`` for anything else.
    public init(decoding bytes: [UInt8]) throws(FrameError) {
        var reader = FrameReader(bytes)
        guard try reader.byte() == 1 else { throw FrameError(.unsupportedVersion, "not a record of ids") }
        while reader.remaining > 0 {
            let bus = try reader.text(reader.skip(Int(reader.integer(UInt16.self))), limit: 0xFFFF, "a bus")
            let cell = try reader.text(reader.skip(Int(reader.integer(UInt16.self))), limit: 0xFFFF, "a cell")
            let origin = try reader.integer(UInt64.self)
            let count = Int(try reader.integer(UInt32.self))
            guard count * DeliveryID.bytes <= reader.remaining else {
                throw FrameError(.truncated, "\(count) ids are announced, \(reader.remaining) bytes are there")
            }
            var ids: [DeliveryID] = []
            ids.reserveCapacity(count)
            for _ in 0..<count {
                ids.append(
                    DeliveryID(event: try reader.integer(UInt64.self), target: try reader.integer(UInt64.self))
                )
            }
            add(ids, from: DuplicateWindow.Sender(cell: cell, origin: origin), on: bus)
        }
    }
}
