import SansIO

/// The deliveries that the buses of a node took in lately, so that a repeat is known for one.
///
/// Ids live in two generations, and a look-up asks both. When the younger one is old or full it becomes the older one, whose
/// ids are forgotten: an id is therefore known for at least one span and at most two, unless the bounds of memory make it
/// shorter. Ids are compared whole, all 128 bits of them beside sender and origin, so no event is ever taken for a repeat of
/// another. An id takes 20 to 45 bytes of memory.
///
/// - ``Settings/span``: 10 minutes unless given. How long a repeat is known for one at least. A sender that lost an
///   answer asks again within seconds; one that lost its link may come later, and then an event can arrive twice.
/// - ``Settings/idsPerBus``: 1,000,000 unless given. When a bus has more, its own older generation goes early, half of them
///   at a time, so that a busy bus does not shorten another's window.
/// - ``Settings/ids``: 4,000,000 unless given, over all buses: what bounds the memory of the whole, at some 160 MB.
public struct DuplicateWindow: Sendable {
    /// The knobs of a window.
    public struct Settings: Sendable, Equatable {
        /// The least time for which an id is known, as long as there is room.
        public var span = Duration.seconds(600)
        /// The most ids of one bus.
        public var idsPerBus = 1_000_000
        /// The most ids of all buses.
        public var ids = 4_000_000

        /// The defaults.
        public init() {}
    }

    /// Whose ids they are: a cell that a certificate proves, and which of its stores.
    public struct Sender: Hashable, Sendable {
        /// The cell, as `authority/cell`.
        public var cell: String
        /// The store's origin.
        public var origin: UInt64

        /// Creates a sender.
        public init(cell: String, origin: UInt64) {
            self.cell = cell
            self.origin = origin
        }
    }

    private struct Generation: Sendable {
        var ids: [Sender: Set<DeliveryID>] = [:]
        var count = 0

        func contains(_ id: DeliveryID, _ sender: Sender) -> Bool {
            ids[sender]?.contains(id) ?? false
        }
    }

    private struct BusWindow: Sendable {
        var younger = Generation()
        var older = Generation()
    }

    private let settings: Settings
    private var buses: [String: BusWindow] = [:]
    private var began: Timestamp
    /// Ids in the younger generations.
    private var youngerCount = 0
    /// Ids that are known.
    public private(set) var count = 0
    /// How often ids were forgotten before their time because there were too many.
    public private(set) var earlyRotations: UInt64 = 0

    /// Creates an empty window.
    public init(_ settings: Settings = Settings(), now: Timestamp) {
        precondition(settings.idsPerBus >= 2 && settings.ids >= 2, "a window keeps at least two ids")
        self.settings = settings
        began = now
    }

    /// Whether a bus took a delivery in lately.
    public func contains(_ id: DeliveryID, from sender: Sender, on bus: String) -> Bool {
        guard let window = buses[bus] else { return false }
        return window.younger.contains(id, sender) || window.older.contains(id, sender)
    }

    /// Whether the younger generation is old or full; call ``rotate(now:)`` then.
    public func needsRotation(now: Timestamp) -> Bool {
        now - began >= settings.span || youngerCount >= settings.ids / 2
    }

    /// Begins a new generation and forgets the older one.
    public mutating func rotate(now: Timestamp) {
        if now - began < settings.span { earlyRotations += 1 }
        began = now
        for (bus, window) in buses {
            count -= window.older.count
            buses[bus] = window.younger.count == 0 ? nil : BusWindow(older: window.younger)
        }
        youngerCount = 0
    }

    /// Notes that a bus took a delivery in.
    public mutating func insert(_ id: DeliveryID, from sender: Sender, on bus: String, now: Timestamp) {
        // A clock that was set back must not make ids immortal.
        if now < began { began = now }
        let inserted = buses[bus, default: BusWindow()].younger.ids[sender, default: []].insert(id).inserted
        guard inserted else { return }
        buses[bus]?.younger.count += 1
        youngerCount += 1
        count += 1
        guard let window = buses[bus], window.younger.count >= settings.idsPerBus / 2 else { return }
        earlyRotations += 1
        count -= window.older.count
        youngerCount -= window.younger.count
        buses[bus] = BusWindow(older: window.younger)
    }
}
