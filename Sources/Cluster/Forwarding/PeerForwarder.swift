import EventModel
import Membership
import PeerProtocol
import SansIO

/// Sends events to buses of other cells and brings back a verdict for each (DESIGN §7).
///
/// It keeps nothing on disk: whoever hands over an event keeps it until the verdict, and tries again after a failure. A cell
/// is reached through the uplink that it holds open here, or else through one of its nodes. Events gather into a request
/// while an earlier one is under way; an idle cell gets its event at once.
///
/// The forwarder belongs to one shard.
public final class PeerForwarder {
    /// What receives the verdict on an event, or why there is none. Runs on a later turn.
    public typealias Completion = (Result<PeerVerdict, ForwardFailure>) -> Void

    struct Item {
        let entry: ForwardEntry
        let account: AccountID
        let completion: Completion
    }

    /// What waits for one cell and is under way to it.
    final class Lane {
        let cell: CellIdentity
        var nodes: [PeerNode] = []
        var batcher: AdaptiveBatcher<Item>
        var isScheduled = false
        var isGathering = false
        var trouble: String?

        init(_ cell: CellIdentity, _ limits: BatchLimits) {
            self.cell = cell
            batcher = AdaptiveBatcher(limits: limits)
        }
    }

    /// Which store the delivery ids are of; set before the first event.
    public var origin: UInt64 = 0
    /// The uplinks that other cells hold open to this node; nil when it takes none.
    public var uplinks: UplinkRegistry?
    /// Figures.
    public internal(set) var statistics = ForwarderStatistics()

    let settings: ForwarderSettings
    let directory: any RouteDirectory
    let links: any PeerLinkPort
    let clock: any ClockPort
    var table = NodeTable()
    var generator: SeededGenerator
    private var lanes: [CellIdentity: Lane] = [:]

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

    /// Sends an event to the cell that hosts an account.
    ///
    /// - Parameters:
    ///   - entry: the event.
    ///   - account: the owner of the receiving bus.
    ///   - completion: receives the verdict, or why there is none.
    public func forward(_ entry: ForwardEntry, to account: AccountID, completion: @escaping Completion) {
        statistics.events += 1
        let route = directory.route(to: account)
        guard let cell = uplinks?.cell(hosting: account) ?? route?.cell else {
            return fail(completion, ForwardFailure(.noRoute, "No cell is known to host account \(account) now."))
        }
        let lane = lanes[cell] ?? Lane(cell, settings.batches)
        lanes[cell] = lane
        if let route, route.cell == cell { lane.nodes = route.nodes }
        let item = Item(entry: entry, account: account, completion: completion)
        guard lane.batcher.add(item, bytes: entry.size) else {
            return fail(completion, ForwardFailure(.overloaded, "Too much waits for cell \(cell) already."))
        }
        guard !lane.isScheduled else { return }
        lane.isScheduled = true
        _ = clock.schedule(after: .zero) { [weak self] in
            lane.isScheduled = false
            self?.pump(lane)
        }
    }

    /// What is under way, by cell in order.
    public var cells: [CellStatus] {
        lanes.values.sorted { $0.cell < $1.cell }.map { lane in
            CellStatus(
                cell: lane.cell,
                waiting: lane.batcher.waitingItems,
                requests: lane.batcher.inFlight,
                hasUplink: uplinks?.session(of: lane.cell) != nil,
                trouble: lane.trouble
            )
        }
    }

    private func fail(_ completion: @escaping Completion, _ failure: ForwardFailure) {
        statistics.failures[failure.code.rawValue, default: 0] += 1
        _ = clock.schedule(after: .zero) { completion(.failure(failure)) }
    }

    /// Makes requests as long as there is enough for one, or none is under way.
    func pump(_ lane: Lane, isUrgent: Bool = false) {
        var isUrgent = isUrgent
        while let items = lane.batcher.next(isUrgent: isUrgent) {
            isUrgent = false
            send(PeerRequest(lane: lane, items: items, batch: OpenBatch(items.count)))
        }
        if lane.batcher.waitingItems > 0 { gather(lane) }
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
