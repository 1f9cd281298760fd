import Cluster
import Delivery
import EventModel
import PeerProtocol
import SansIO

/// Takes events in, finds the rules that match, makes them durable with their targets, and sees them delivered.
///
/// The router belongs to one shard. An event is answered once its record is on disk (DESIGN §2); an event that no rule
/// wants needs no record, for nothing of it could be lost.
public final class EventRouter {
    /// Accounts, buses, rules, targets.
    public let catalog: Catalog
    /// The queues that events can go to.
    public let queues: QueueDriver
    /// The policy engine.
    public let decider: any AccessDecider
    /// Hears of what an operator may want to know.
    public var notice: (RouterNotice) -> Void = { _ in }
    /// Figures that belong to no bus.
    public internal(set) var statistics = RouterStatistics()
    /// Accounts whose cell is back, and to which forwards are tried again in a moment.
    var returned: Set<AccountID> = []
    /// The books of each bus that saw an event.
    public internal(set) var books: [BusAddress: BusBook] = [:]

    /// Sends events to buses of other cells; nil when this cell is alone. Set before the start.
    public var forwarder: PeerForwarder? {
        didSet { forwarder?.origin = origin }
    }

    /// Tells what is known of the cell that hosts an account of another cell, in lines for a person.
    public var describeCell: ((AccountID) -> [String])?
    /// What other cells lately refused.
    var recentVerdicts = RecentVerdicts()

    let settings: RouterSettings
    let store: any StorePort
    let clock: any ClockPort
    var generator: SeededGenerator
    private var compiledTargets: [UInt64: CompiledTarget] = [:]
    /// The compiled targets that are buses, by the account of the bus.
    private(set) var busTargets: [AccountID: Set<UInt64>] = [:]
    var retired: Set<UInt64> = []
    /// The deliveries that other cells made here lately, and the cell itself out of its retry queues.
    let ledger: DeliveryLedger
    /// Which store this is, for the receivers of its events (``ForwardFrame/origin``); 0 before the start.
    var origin: UInt64 = 0 {
        didSet { forwarder?.origin = origin }
    }
    /// Whether the router has started and was not stopped.
    var isServing = false
    private(set) var appendingBytes = 0
    private var driver: DeliveryDriver?

    /// Creates a router; call ``start(completion:)`` before anything else.
    ///
    /// - Parameters:
    ///   - accounts: the accounts that this cell hosts.
    ///   - store: the cell's store.
    ///   - clock: time and timers of the shard.
    ///   - decider: the policy engine.
    ///   - seed: seeds event ids, jitter and message ids.
    ///   - settings: how to work.
    public init(
        accounts: Set<AccountID>,
        store: any StorePort,
        clock: any ClockPort,
        decider: any AccessDecider,
        seed: UInt64,
        settings: RouterSettings = RouterSettings()
    ) {
        self.store = store
        self.clock = clock
        self.decider = decider
        self.settings = settings
        generator = SeededGenerator(seed: seed)
        catalog = Catalog(
            accounts: accounts,
            quotas: settings.quotas,
            regions: settings.regions,
            store: store,
            clock: clock
        )
        queues = QueueDriver(store: store, clock: clock, seed: generator.next(), quotas: settings.quotas)
        let window = settings.peers?.window ?? DuplicateWindow.Settings()
        ledger = DeliveryLedger(store: store, clock: clock, settings: window)
        ledger.onFailure = { [weak self] in self?.notice(.storeFailed($0)) }
    }

    /// Decides on behalf of deliveries.
    var authorizer: DeliveryAuthorizer {
        DeliveryAuthorizer(decider: decider, isStrict: settings.strictCompatibility)
    }

    var delivery: DeliveryDriver {
        if let driver { return driver }
        let made = DeliveryDriver(
            store: store,
            clock: clock,
            dispatcher: self,
            seed: generator.next(),
            settings: settings.delivery
        )
        driver = made
        return made
    }

    /// Deliveries that wait in memory or are under way.
    public var activeDeliveries: Int { delivery.activeDeliveries }

    /// Makes every accepted event durable and then hands it to delivery.
    ///
    /// - Parameters:
    ///   - records: events with their targets.
    ///   - settling: intake deliveries that the records replace.
    ///   - ids: ids of the deliveries by which the events came, where these may come again; durable in the same write.
    ///   - completion: hears of the outcome, before any delivery is attempted.
    func append(
        _ records: [IntakeRecord],
        settling: [DeliveryRef] = [],
        noting ids: WindowRecord = WindowRecord(),
        completion: @escaping (Result<Void, StoreError>) -> Void
    ) {
        var bytes = 0
        for index in records.indices { bytes += records[index].event.count }
        appendingBytes += bytes
        let note = ledger.record(ids)
        store.append(records + (note.map { [$0] } ?? []), settling: settling) { [self] result in
            appendingBytes -= bytes
            switch result {
            case .failure(let error):
                notice(.storeFailed(error))
                completion(.failure(error))
            case .success(let sequences):
                if let note, let sequence = sequences.last { ledger.appended(sequence, note, ids) }
                completion(.success(()))
                delivery.accept(records, sequences)
            }
        }
    }

    /// Matches an event on a bus.
    func match(_ envelope: [UInt8], on address: BusAddress) -> BusMatcher.Outcome {
        catalog.matcher(address)?.match(envelope) ?? BusMatcher.Outcome()
    }

    func compiled(_ target: UInt64) -> CompiledTarget? {
        if let compiled = compiledTargets[target] { return compiled }
        guard let revision = catalog.state.revision(target) else { return nil }
        let compiled = CompiledTarget(revision)
        compiledTargets[target] = compiled
        if case .bus(let address) = compiled.destination { busTargets[address.account, default: []].insert(target) }
        return compiled
    }

    /// Lets go of a target revision that nothing is delivered to any more.
    func forgetCompiled(_ target: UInt64) {
        guard let compiled = compiledTargets.removeValue(forKey: target),
            case .bus(let address) = compiled.destination
        else { return }
        busTargets[address.account]?.remove(target)
        if busTargets[address.account]?.isEmpty == true { busTargets[address.account] = nil }
    }
}
