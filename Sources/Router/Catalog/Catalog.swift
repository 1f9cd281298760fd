import EventModel
import SansIO

/// The catalog of accounts, buses, rules and targets: in memory for questions, in the store for good.
///
/// Changes are applied one after the other: each computes its deltas from the state, the store makes them durable, and only
/// then do they take effect and the caller hears of it. The catalog belongs to one shard.
public final class Catalog {
    /// What a mutation computes: the deltas to write, and what to tell the caller.
    public typealias Mutation<Value> = (CatalogState) throws(CatalogError) -> (deltas: [CatalogDelta], value: Value)

    /// The present state.
    public private(set) var state: CatalogState
    private let store: any StorePort
    private let clock: any ClockPort
    private var waiting: [() -> Void] = []
    private var isWriting = false
    /// Whether the store told which accounts it hosted.
    private var knowsHosted = false
    /// Whether the store was read.
    private var isLoaded = false
    private static let epochKey = "meta/epoch"
    private static let hostedKey = "meta/hosted"

    /// Creates an empty catalog; call ``load(completion:)`` before anything else.
    public init(
        accounts: Set<AccountID>,
        quotas: Quotas,
        regions: Set<String>? = nil,
        store: any StorePort,
        clock: any ClockPort
    ) {
        state = CatalogState(accounts: accounts, quotas: quotas, regions: regions)
        self.store = store
        self.clock = clock
    }

    /// Reads the catalog from the store.
    ///
    /// - Parameter completion: receives the keys of entries that could not be read, which the catalog leaves alone, or
    ///   the store's error.
    public func load(completion: @escaping (Result<[String], CatalogError>) -> Void) {
        store.configuration(prefix: "") { [self] result in
            switch result {
            case .failure(let error): completion(.failure(.store(error)))
            case .success(let entries):
                let unreadable = adopt(entries)
                isLoaded = true
                noteNewAccounts()
                loadEpoch(unreadable, completion: completion)
            }
        }
    }

    private func adopt(_ entries: [ConfigurationEntry]) -> [String] {
        var unreadable: [String] = []
        var rules: [CatalogDelta] = []
        for entry in entries {
            if entry.key == Self.epochKey {
                let text = String(decoding: entry.value, as: UTF8.self)
                state.epoch = Int64(text).map(Timestamp.init(milliseconds:)) ?? .zero
                continue
            }
            if entry.key == Self.hostedKey {
                knowsHosted = true
                state.hostedSince = Self.decodeHosted(entry.value)
                continue
            }
            let prefixes = [CatalogDelta.busPrefix, CatalogDelta.rulePrefix, CatalogDelta.revisionPrefix]
            guard prefixes.contains(where: { entry.key.utf8.starts(with: $0.utf8) }) else { continue }
            guard let delta = CatalogDelta(entry: entry) else {
                unreadable.append(entry.key)
                continue
            }
            if case .rule = delta { rules.append(delta) } else { state.apply(delta) }
        }
        // Buses first: a rule of the default bus may make its entry.
        for delta in rules { state.apply(delta) }
        return unreadable
    }

    private func loadEpoch(_ unreadable: [String], completion: @escaping (Result<[String], CatalogError>) -> Void) {
        guard state.epoch == .zero else {
            completion(.success(unreadable))
            return
        }
        let now = clock.now
        state.epoch = now
        let change = ConfigurationChange(key: Self.epochKey, value: Array(String(now.milliseconds).utf8))
        store.configure([change]) { result in
            completion(result.map { unreadable }.mapError(CatalogError.store))
        }
    }

    /// Notes since when the cell hosts accounts of which that is not known. Those of a new store begin with it, and in one of
    /// an older release those with buses or rules do.
    private func noteNewAccounts() {
        guard state.epoch != .zero else {
            for account in state.accounts { state.hostedSince[account] = .zero }
            return writeHosted()
        }
        let known = knowsHosted ? [] : Set(state.entries.keys.map(\.account))
        let unknown = state.accounts.filter { state.hostedSince[$0] == nil }
        let gone = state.hostedSince.keys.filter { !state.accounts.contains($0) }
        guard !unknown.isEmpty || !gone.isEmpty else { return }
        for account in gone { state.hostedSince[account] = nil }
        for account in unknown { state.hostedSince[account] = known.contains(account) ? .zero : clock.now }
        writeHosted()
    }

    /// Not waited for: without it a restart takes the accounts for new once more.
    private func writeHosted() {
        let lines = state.hostedSince.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.milliseconds)" }
        let value = Array(lines.joined(separator: "\n").utf8)
        store.configure([ConfigurationChange(key: Self.hostedKey, value: value)]) { _ in }
    }

    private static func decodeHosted(_ bytes: [UInt8]) -> [AccountID: Timestamp] {
        var since: [AccountID: Timestamp] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: " ")
            guard parts.count == 2, let account = AccountID(String(parts[0])), let time = Int64(parts[1]) else {
                continue
            }
            since[account] = Timestamp(milliseconds: time)
        }
        return since
    }

    /// Applies a change when it is its turn.
    ///
    /// - Parameters:
    ///   - mutation: computes the deltas, or refuses.
    ///   - completion: hears of the outcome once the change is durable and in effect.
    public func perform<Value>(
        _ mutation: @escaping Mutation<Value>,
        completion: @escaping (Result<Value, CatalogError>) -> Void
    ) {
        let work = { [self] in
            let outcome: (deltas: [CatalogDelta], value: Value)
            do throws(CatalogError) {
                outcome = try mutation(state)
            } catch {
                finish { completion(.failure(error)) }
                return
            }
            guard !outcome.deltas.isEmpty else {
                finish { completion(.success(outcome.value)) }
                return
            }
            store.configure(outcome.deltas.map(\.change)) { [self] result in
                finish { [self] in
                    switch result {
                    case .success:
                        for delta in outcome.deltas { state.apply(delta) }
                        completion(.success(outcome.value))
                    case .failure(let error):
                        completion(.failure(.store(error)))
                    }
                }
            }
        }
        waiting.append(work)
        if !isWriting { startNext() }
    }

    private func finish(_ report: () -> Void) {
        report()
        isWriting = false
        startNext()
    }

    private func startNext() {
        guard !isWriting, !waiting.isEmpty else { return }
        isWriting = true
        waiting.removeFirst()()
    }

    /// Replaces the accounts that this cell hosts; returns those that came. What an account has stays in the store while it
    /// is away.
    func host(_ accounts: Set<AccountID>) -> Set<AccountID> {
        // What the store tells of those that were here before must not be written over; reading it notes the new ones.
        guard isLoaded else {
            state.accounts = accounts
            return []
        }
        let added = accounts.subtracting(state.accounts)
        let isChanged = accounts != state.accounts
        state.accounts = accounts
        for account in state.hostedSince.keys where !accounts.contains(account) { state.hostedSince[account] = nil }
        for account in added { state.hostedSince[account] = clock.now }
        if isChanged { writeHosted() }
        return added
    }

    /// A fresh key for a target revision.
    func nextKey() -> UInt64 {
        store.nextSequence()
    }

    /// The compiled rules of a bus; nil when there is no such bus.
    public func matcher(_ address: BusAddress) -> BusMatcher? {
        guard let entry = state.entries[address] else {
            return state.bus(address) == nil ? nil : .empty
        }
        if let matcher = entry.matcher { return matcher }
        let matcher = BusMatcher(rules: state.ruleNames(on: address).compactMap { entry.rules[$0] })
        entry.matcher = matcher
        return matcher
    }
}
