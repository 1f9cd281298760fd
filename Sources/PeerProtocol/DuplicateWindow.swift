import SansIO

/// The deliveries that the buses of a node took in lately, so that a repeat is known for one.
///
/// Ids live in two generations, and a look-up asks both. When the younger one is a span old it becomes the older one, whose
/// ids are forgotten: an id is therefore known for at least one span and at most two, unless the bound of memory makes it
/// shorter.
///
/// Nothing is estimated: an event is never taken for a repeat of another. What makes ids small is that a store numbers its
/// events one after the other. The ids of one bus, store and target are kept as sets of these numbers: 4,096 neighbouring
/// numbers take 0.75 KB however many of them are there, and 0.25 KB while they are no more than 32. A bus that takes 50,000
/// events in a second out of a store that sends it nothing else needs 11 MB for 20 minutes of them; one that gets one event
/// in a thousand of a store's, 64 bytes for each. At worst an id takes 256 bytes.
///
/// Each sending cell has its own share on each bus. When the memory is used up, what came first is forgotten early: of the
/// authorities that use most, of their cells that use most, out of the shares that use most. So no cell pushes out what another
/// sent, as long as that other uses less and its authority does, whatever buses the first one sends to; and a busy bus does not
/// shorten the window of a quiet one.
public final class DuplicateWindow {
    /// The knobs of a window.
    public struct Settings: Sendable, Equatable {
        /// The least time for which an id is known, as long as there is room. Default 10 minutes. A sender that lost an
        /// answer asks again within seconds; one that lost its link may come later, and then an event can arrive twice.
        public var span = Duration.seconds(600)
        /// The bytes of memory that all ids may take. Default 128 MB.
        public var bytes = 128 << 20
        /// The rows on disk that keep ids through a restart, at most; each holds up to 64 KB. Default 4,096. Beyond them the
        /// sender with the most rows loses its oldest.
        public var rows = 4_096

        /// The defaults.
        public init() {}
    }

    /// Whose ids they are: a cell that a certificate proves, and which of its stores.
    public struct Sender: Hashable, Sendable {
        /// The cell, as `authority/cell`.
        public var cell: String
        /// The store's origin: what the sender says, and so never what keeps senders apart.
        public var origin: UInt64

        /// Creates a sender.
        public init(cell: String, origin: UInt64) {
            self.cell = cell
            self.origin = origin
        }
    }

    private let settings: Settings
    private var cells: [String: WindowCell] = [:]
    private var authorities: [Substring: WindowAuthority] = [:]
    /// The share that was asked for last; most entries of a batch go to one bus.
    private var last: WindowShare?
    /// Authorities, cells and shares that were made.
    private var made: UInt64 = 0
    private var began: Timestamp
    /// Bytes of memory that the ids take, by a rounded up estimate.
    public private(set) var bytes = 0
    /// Ids that are known.
    public private(set) var count = 0
    /// How often ids were forgotten before their time because there were too many.
    public private(set) var earlyRotations: UInt64 = 0
    /// Authorities, cells and shares that were looked at to make room.
    private(set) var evictionLooks = 0

    /// Creates an empty window.
    public init(_ settings: Settings = Settings(), now: Timestamp) {
        self.settings = settings
        began = now
    }

    /// Whether a bus took a delivery in lately.
    public func contains(_ id: DeliveryID, from sender: Sender, on bus: String) -> Bool {
        share(sender, bus)?.contains(id, sender.origin) ?? false
    }

    /// Whether the younger generation is old; call ``rotate(now:)`` then.
    public func needsRotation(now: Timestamp) -> Bool {
        now - began >= settings.span
    }

    /// Begins a new generation and forgets the older one.
    public func rotate(now: Timestamp) {
        began = now
        for cell in cells.values { count -= cell.rotate() }
        removeEmpty()
    }

    /// Notes that a bus took a delivery in.
    public func insert(_ id: DeliveryID, from sender: Sender, on bus: String, now: Timestamp) {
        // A clock that was set back must not make ids immortal.
        if now < began { began = now }
        let share = share(sender, bus) ?? addShare(sender, bus)
        let before = share.bytes
        guard share.insert(id, sender.origin) else { return }
        count += 1
        let growth = share.bytes - before
        guard growth != 0 else { return }
        share.cell.changed(by: growth)
        bytes += growth
        if bytes > settings.bytes { makeRoom() }
    }

    private func share(_ sender: Sender, _ bus: String) -> WindowShare? {
        let cell: WindowCell
        if let last, last.cell.name == sender.cell {
            if last.bus == bus { return last }
            cell = last.cell
        } else {
            guard let known = cells[sender.cell] else { return nil }
            cell = known
        }
        guard let share = cell.shares[bus] else { return nil }
        last = share
        return share
    }

    private func addShare(_ sender: Sender, _ bus: String) -> WindowShare {
        let cell = cells[sender.cell] ?? addCell(sender.cell)
        let share = WindowShare(bus: bus, number: nextNumber(), cell: cell)
        cell.add(share)
        last = share
        return share
    }

    private func addCell(_ name: String) -> WindowCell {
        let authorityName = name.prefix { $0 != "/" }
        let authority = authorities[authorityName] ?? WindowAuthority(number: nextNumber())
        authorities[authorityName] = authority
        let cell = WindowCell(name: name, number: nextNumber(), authority: authority)
        cells[name] = cell
        return cell
    }

    private func nextNumber() -> UInt64 {
        made += 1
        return made
    }

    /// Forgets what came first of the largest shares of the largest cells of the largest authorities, until a sixteenth of
    /// the memory is free.
    private func makeRoom() {
        earlyRotations += 1
        var eviction = WindowEviction()
        eviction.free(bytes - (settings.bytes - settings.bytes / 16), of: Array(authorities.values))
        count -= eviction.forgotten
        evictionLooks += eviction.looks
        for cell in eviction.emptied { cells[cell.name] = nil }
        letGo()
    }

    private func removeEmpty() {
        if cells.values.contains(where: \.shares.isEmpty) { cells = cells.filter { !$0.value.shares.isEmpty } }
        for authority in authorities.values { authority.removeEmptyCells() }
        letGo()
    }

    /// Lets go of authorities that have nothing.
    private func letGo() {
        last = nil
        authorities = authorities.filter { !$0.value.cells.isEmpty }
        bytes = authorities.values.reduce(0) { $0 + $1.bytes }
    }
}
