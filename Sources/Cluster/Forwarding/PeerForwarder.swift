import EventModel
import Membership
import PeerProtocol
import SansIO

/// Sends events to buses of other cells and brings back a verdict for each (DESIGN §7).
///
/// It keeps nothing on disk: whoever hands over an event keeps it until the verdict, and tries again after a failure. A cell
/// is reached through an uplink that it holds open here, or else through one of its nodes. Events gather into a request
/// while an earlier one is under way; an idle cell gets its event at once. Where events of several accounts wait for a cell,
/// the accounts take turns.
///
/// The forwarder belongs to one shard.
public final class PeerForwarder {
    /// What receives the verdict on an event, or why there is none. Runs on a later turn.
    public typealias Completion = (Result<PeerVerdict, ForwardFailure>) -> Void
    /// What receives the verdicts on several events, with the place of each among them. Runs on a later turn for each.
    public typealias BatchCompletion = (Int, Result<PeerVerdict, ForwardFailure>) -> Void

    /// An event that waits or is under way; shared by the lists that it goes through.
    final class Item {
        let entry: ForwardEntry
        let account: AccountID
        let deadline: Timestamp?
        private let place: Int
        private let completion: BatchCompletion

        init(
            entry: ForwardEntry,
            account: AccountID,
            deadline: Timestamp?,
            place: Int,
            completion: @escaping BatchCompletion
        ) {
            self.entry = entry
            self.account = account
            self.deadline = deadline
            self.place = place
            self.completion = completion
        }

        /// Whether nobody waits for the verdict any more.
        func isLate(at now: Timestamp) -> Bool { deadline.map { now >= $0 } ?? false }

        func finish(_ result: Result<PeerVerdict, ForwardFailure>) { completion(place, result) }
    }

    /// What waits for one cell and is under way to it.
    final class Lane {
        let cell: CellIdentity
        var nodes: [PeerNode] = []
        /// The nodes that hold its uplinks elsewhere.
        var sponsors: [NodeIdentity] = []
        var batcher: AdaptiveBatcher<Item>
        var gauge: LinkGauge
        /// Whether anything may wait that has a deadline.
        var hasDeadlines = false
        var isScheduled = false
        var isGathering = false
        /// Whether anything came since the last look for idle lanes.
        var isTouched = true
        var trouble: String?

        init(_ cell: CellIdentity, _ settings: ForwarderSettings) {
            self.cell = cell
            batcher = AdaptiveBatcher(limits: settings.batches, timeout: settings.timeout)
            gauge = LinkGauge(slowBytesPerSecond: settings.slowBytesPerSecond)
        }

        var isIdle: Bool { batcher.inFlight == 0 && batcher.waitingItems == 0 && !isScheduled }
    }

    /// Which store the delivery ids are of; set before the first event.
    public var origin: UInt64 = 0
    /// The uplinks that other cells hold open to this node; nil when it takes none.
    public var uplinks: UplinkRegistry?
    /// Makes requests smaller for slow links; nil leaves them as they are.
    public var compressor: (any CompressionPort)?
    /// Figures.
    public internal(set) var statistics = ForwarderStatistics()

    let settings: ForwarderSettings
    let directory: any RouteDirectory
    let links: any PeerLinkPort
    let clock: any ClockPort
    var table = NodeTable()
    var generator: SeededGenerator
    private var lanes: [CellIdentity: Lane] = [:]
    private var isSweepScheduled = false

    /// Creates a forwarder.
    ///
    /// - Parameters:
    ///   - directory: where accounts are hosted.
    ///   - links: connections to other nodes.
    ///   - clock: time and timers of the shard.
    ///   - seed: seeds the choice of nodes.
    ///   - settings: how to work.
    public init(
        directory: any RouteDirectory,
        links: any PeerLinkPort,
        clock: any ClockPort,
        seed: UInt64,
        settings: ForwarderSettings
    ) {
        precondition((1...256).contains(settings.batches.maximumItems), "a request takes 1 to 256 events")
        self.directory = directory
        self.links = links
        self.clock = clock
        self.settings = settings
        generator = SeededGenerator(seed: seed)
    }

    /// Sends an event to the cell that hosts an account, which is looked up each time.
    ///
    /// - Parameters:
    ///   - entry: the event.
    ///   - account: the owner of the receiving bus.
    ///   - deadline: from when on it is not sent any more, since nobody waits for the verdict; nil for never.
    ///   - completion: receives the verdict, or why there is none.
    public func forward(
        _ entry: ForwardEntry,
        to account: AccountID,
        deadline: Timestamp? = nil,
        completion: @escaping Completion
    ) {
        forward([entry], to: account, deadline: deadline) { completion($1) }
    }

    /// Sends events to the cell that hosts an account, which is looked up for all of them.
    ///
    /// - Parameters:
    ///   - entries: the events.
    ///   - account: the owner of the receiving buses.
    ///   - deadline: from when on they are not sent any more, since nobody waits for the verdicts; nil for never.
    ///   - completion: receives the verdict on each, or why there is none.
    public func forward(
        _ entries: [ForwardEntry],
        to account: AccountID,
        deadline: Timestamp? = nil,
        completion: @escaping BatchCompletion
    ) {
        guard !entries.isEmpty else { return }
        statistics.events += UInt64(entries.count)
        let items = entries.enumerated().lazy.map { place, entry in
            Item(entry: entry, account: account, deadline: deadline, place: place, completion: completion)
        }
        let route = directory.route(to: account)
        guard let cell = uplinks?.cell(hosting: account) ?? route?.cell else {
            let failure = ForwardFailure(.noRoute, "No cell is known to host account \(account) now.")
            for item in items { fail(item, failure) }
            return
        }
        let lane = lane(to: cell)
        if let route, route.cell == cell {
            lane.nodes = route.nodes
            if lane.sponsors != route.sponsors { lane.sponsors = route.sponsors }
        }
        lane.isTouched = true
        if deadline != nil { lane.hasDeadlines = true }
        for item in items {
            switch lane.batcher.add(item, of: item.entry.sourceAccount, bytes: item.entry.size) {
            case .taken: break
            case .displacing(let items):
                for item in items { fail(item, .full(item.entry.sourceAccount, cell)) }
            case .refused: fail(item, .full(item.entry.sourceAccount, cell))
            }
        }
        guard !lane.isScheduled else { return }
        lane.isScheduled = true
        _ = clock.schedule(after: .zero) { [weak self] in
            lane.isScheduled = false
            self?.pump(lane)
        }
    }

    /// What is under way, by cell in order; a cell that nothing was sent to for a while is left out.
    public var cells: [CellStatus] {
        lanes.values.sorted { $0.cell < $1.cell }.map { lane in
            CellStatus(
                cell: lane.cell,
                waiting: lane.batcher.waitingItems,
                requests: lane.batcher.inFlight,
                allowedRequests: lane.batcher.allowedInFlight,
                hasUplink: uplinks?.hasSession(of: lane.cell) == true,
                trouble: lane.trouble,
                isCompressing: isCompressing(lane)
            )
        }
    }

    private func fail(_ item: Item, _ failure: ForwardFailure) {
        statistics.failures[failure.code.rawValue, default: 0] += 1
        _ = clock.schedule(after: .zero) { item.finish(.failure(failure)) }
    }

    /// Makes requests as long as there is enough for one, or none is under way.
    func pump(_ lane: Lane, isUrgent: Bool = false) {
        var isUrgent = isUrgent
        while var items = lane.batcher.next(isUrgent: isUrgent) {
            isUrgent = false
            if lane.hasDeadlines { items = dropLate(items, lane) }
            guard !items.isEmpty else {
                lane.batcher.batchFinished(inTime: true, now: clock.now)
                continue
            }
            send(PeerRequest(lane: lane, items: items, batch: OpenBatch(items.count)))
        }
        // When no further request is allowed, the end of one makes the next.
        if lane.batcher.waitingItems > 0, lane.batcher.hasPermit { gather(lane) }
    }

    /// Lets go of items that waited here until their deadline; returns the others.
    private func dropLate(_ items: [Item], _ lane: Lane) -> [Item] {
        if lane.batcher.waitingItems == 0 { lane.hasDeadlines = false }
        let now = clock.now
        return items.filter { item in
            guard item.isLate(at: now) else { return true }
            let text = "The event waited here for cell \(lane.cell) until its time was up, and was not sent."
            fail(item, ForwardFailure(.overloaded, text))
            return false
        }
    }

    /// Sees to it that what does not fill a request leaves soon all the same: the answer that is due may never come.
    private func gather(_ lane: Lane) {
        guard !lane.isGathering else { return }
        lane.isGathering = true
        _ = clock.schedule(after: settings.gatherTime) { [weak self] in
            lane.isGathering = false
            self?.pump(lane, isUrgent: true)
        }
    }
}

/// Lanes come with the first event for a cell and go when there were none for a while.
extension PeerForwarder {
    private func lane(to cell: CellIdentity) -> Lane {
        if let lane = lanes[cell] { return lane }
        let lane = Lane(cell, settings)
        lanes[cell] = lane
        scheduleSweep()
        return lane
    }

    private func scheduleSweep() {
        guard !isSweepScheduled else { return }
        isSweepScheduled = true
        _ = clock.schedule(after: settings.idleTime) { [weak self] in
            guard let self else { return }
            isSweepScheduled = false
            sweep()
        }
    }

    /// Forgets the cells and nodes that nothing went to since the last sweep.
    private func sweep() {
        lanes = lanes.filter { _, lane in
            defer { lane.isTouched = false }
            return lane.isTouched || !lane.isIdle
        }
        table.forgetIdle(now: clock.now)
        if !lanes.isEmpty || !table.isEmpty { scheduleSweep() }
    }
}

extension ForwardFailure {
    fileprivate static func full(_ account: AccountID, _ cell: CellIdentity) -> ForwardFailure {
        ForwardFailure(.overloaded, "Too many events of account \(account) wait here for cell \(cell) already.")
    }
}
