/// Ids of deliveries that were taken in, as the store keeps them: written with the events, so that a crash forgets neither.
///
/// The numbers of a store's events are neighbours as a rule, so 64 of them share a word of bits. Layout, big-endian: version
/// 2; then for each bus, sender and target: the bus (2 bytes of length and text), the cell (the same), the origin (8 bytes),
/// the target (8 bytes), the number of words (4 bytes) and the words: what the event numbers are without their low 6 bits
/// (8 bytes) and a bit for each number (8 bytes).
public struct WindowRecord: Sendable, Equatable {
    /// Ids of one bus, sender and target.
    public struct Section: Sendable, Equatable {
        /// The bus's ARN.
        public var bus: String
        /// Whose ids they are.
        public var sender: DuplicateWindow.Sender
        /// The key of the target in the sender's store.
        public var target: UInt64
        /// The events.
        public var words: [Word]

        /// Bytes of the section without its words.
        var headerBytes: Int { 24 + bus.utf8.prefix(0xFFFF).count + sender.cell.utf8.prefix(0xFFFF).count }
    }

    /// Up to 64 neighbouring numbers of events.
    public struct Word: Sendable, Equatable {
        static let bytes = 16
        /// The numbers without their low 6 bits.
        public var index: UInt64
        /// A bit for each number that is there.
        public var bits: UInt64
    }

    /// The sections, in the order in which they came first.
    public private(set) var sections: [Section] = []
    /// How many words there are; each takes 16 bytes.
    public private(set) var wordCount = 0
    /// The length of ``encoded``.
    public private(set) var byteCount = 1
    private var places: [Place: Int] = [:]
    private var last = 0

    private struct Place: Hashable {
        var bus: String
        var sender: DuplicateWindow.Sender
        var target: UInt64
    }

    /// An empty record.
    public init() {}

    /// Whether there are no ids.
    public var isEmpty: Bool { sections.isEmpty }

    /// Compares what the records hold.
    public static func == (left: WindowRecord, right: WindowRecord) -> Bool { left.sections == right.sections }

    /// Adds an id.
    public mutating func add(_ id: DeliveryID, from sender: DuplicateWindow.Sender, on bus: String) {
        add(Word(index: id.event >> 6, bits: 1 << (id.event & 63)), section(bus, sender, id.target))
    }

    /// Adds another record's ids.
    public mutating func add(_ other: WindowRecord) {
        for section in other.sections {
            let place = self.section(section.bus, section.sender, section.target)
            for word in section.words { add(word, place) }
        }
    }

    private mutating func add(_ word: Word, _ place: Int) {
        if let end = sections[place].words.indices.last, sections[place].words[end].index == word.index {
            sections[place].words[end].bits |= word.bits
        } else {
            sections[place].words.append(word)
            wordCount += 1
            byteCount += Word.bytes
        }
    }

    private mutating func section(_ bus: String, _ sender: DuplicateWindow.Sender, _ target: UInt64) -> Int {
        if last < sections.count, sections[last].target == target, sections[last].bus == bus,
            sections[last].sender == sender
        {
            return last
        }
        let place = Place(bus: bus, sender: sender, target: target)
        if let known = places[place] {
            last = known
        } else {
            last = sections.count
            places[place] = last
            let section = Section(bus: bus, sender: sender, target: target, words: [])
            sections.append(section)
            byteCount += section.headerBytes
        }
        return last
    }

    /// Every id with whose it is, section by section.
    public func visit(_ body: (DeliveryID, DuplicateWindow.Sender, String) -> Void) {
        for section in sections {
            for word in section.words {
                var bits = word.bits
                while bits != 0 {
                    let event = word.index << 6 | UInt64(bits.trailingZeroBitCount)
                    body(DeliveryID(event: event, target: section.target), section.sender, section.bus)
                    bits &= bits - 1
                }
            }
        }
    }

    /// The cell that all ids are of; nil when there are several.
    public var cell: String? {
        guard let cell = sections.first?.sender.cell, sections.allSatisfy({ $0.sender.cell == cell }) else {
            return nil
        }
        return cell
    }

    /// Gathers the bits of equal words, and takes the record apart into pieces that take at most `limit` bytes each, or that
    /// hold a single word.
    ///
    /// A cell with more than a quarter of the limit has pieces of its own, so that these can be forgotten apart; what others
    /// have is put together.
    public func pieces(of limit: Int) -> [WindowRecord] {
        var gathered = sections
        var bytes: [String: Int] = [:]
        for index in gathered.indices {
            gathered[index].words = Self.gathered(gathered[index].words)
            let size = gathered[index].headerBytes + gathered[index].words.count * Word.bytes
            bytes[gathered[index].sender.cell, default: 0] += size
        }
        var pieces: [WindowRecord] = []
        var open: [String?: Int] = [:]
        for section in gathered {
            let owner = bytes[section.sender.cell, default: 0] > limit / 4 ? section.sender.cell : nil
            // A section begins in the open piece if its first word fits there too.
            var cost = section.headerBytes + Word.bytes
            for word in section.words {
                if let index = open[owner], pieces[index].byteCount + cost <= limit {
                    pieces[index].append(word, section)
                } else {
                    var record = WindowRecord()
                    record.append(word, section)
                    open[owner] = pieces.count
                    pieces.append(record)
                }
                cost = Word.bytes
            }
        }
        return pieces
    }

    private mutating func append(_ word: Word, _ section: Section) {
        add(word, self.section(section.bus, section.sender, section.target))
    }

    private static func gathered(_ words: [Word]) -> [Word] {
        var gathered: [Word] = []
        for word in words.sorted(by: { $0.index < $1.index }) {
            if let end = gathered.indices.last, gathered[end].index == word.index {
                gathered[end].bits |= word.bits
            } else {
                gathered.append(word)
            }
        }
        return gathered
    }

    /// The bytes for the store.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = [2]
        bytes.reserveCapacity(wordCount * 16 + sections.count * 160)
        for section in sections {
            for text in [section.bus, section.sender.cell] {
                let utf8 = text.utf8.prefix(0xFFFF)
                bytes.appendInteger(UInt16(utf8.count))
                bytes.append(contentsOf: utf8)
            }
            bytes.appendInteger(section.sender.origin)
            bytes.appendInteger(section.target)
            bytes.appendInteger(UInt32(section.words.count))
            for word in section.words {
                bytes.appendInteger(word.index)
                bytes.appendInteger(word.bits)
            }
        }
        return bytes
    }

    /// Reads what ``encoded`` wrote.
    ///
    /// - Throws: ``FrameError`` for anything else.
    public init(decoding bytes: [UInt8]) throws(FrameError) {
        var reader = FrameReader(bytes)
        guard try reader.byte() == 2 else { throw FrameError(.unsupportedVersion, "not a record of ids") }
        while reader.remaining > 0 {
            let bus = try reader.text(reader.skip(Int(reader.integer(UInt16.self))), limit: 0xFFFF, "a bus")
            let cell = try reader.text(reader.skip(Int(reader.integer(UInt16.self))), limit: 0xFFFF, "a cell")
            let origin = try reader.integer(UInt64.self)
            let target = try reader.integer(UInt64.self)
            let count = Int(try reader.integer(UInt32.self))
            guard count * 16 <= reader.remaining else {
                throw FrameError(.truncated, "\(count) words are announced, \(reader.remaining) bytes are there")
            }
            let place = section(bus, DuplicateWindow.Sender(cell: cell, origin: origin), target)
            for _ in 0..<count {
                let index = try reader.integer(UInt64.self)
                guard index < 1 << 58 else { throw FrameError(.malformed, "a word is beyond all numbers") }
                add(Word(index: index, bits: try reader.integer(UInt64.self)), place)
            }
        }
    }
}
