import EventModel
import SansIO

/// What the catalog holds, as a value to be read by questions and by mutations that compute their deltas from it.
public struct CatalogState {
    /// A bus with its rules.
    final class Entry {
        var bus: Bus
        var rules: [String: Rule] = [:]
        /// Rule names in order; nil after a change, until the next listing.
        var sortedNames: [String]?
        /// The compiled rules; nil until the first event.
        var matcher: BusMatcher?

        init(_ bus: Bus) {
            self.bus = bus
        }

        /// Changes one rule of the compiled ones, at a cost that does not grow with their number.
        func updateMatcher(_ name: String, _ rule: Rule?) {
            guard var changed = matcher else { return }
            // The only reference now: a change then copies nothing.
            matcher = nil
            if let rule { changed.put(rule) } else { changed.remove(name) }
            matcher = changed
        }
    }

    /// Accounts that this cell hosts.
    public internal(set) var accounts: Set<AccountID>
    /// When the store was made; the creation time of default buses.
    public internal(set) var epoch: Timestamp
    /// When accounts came to this cell; zero for those that its store began with.
    var hostedSince: [AccountID: Timestamp] = [:]
    /// Limits that apply to every account.
    public let quotas: Quotas
    /// Regions in which accounts have a default bus; nil for any.
    public let regions: Set<String>?
    var entries: [BusAddress: Entry] = [:]
    var revisions: [UInt64: TargetRevision] = [:]

    init(accounts: Set<AccountID>, quotas: Quotas, regions: Set<String>?) {
        self.accounts = accounts
        self.quotas = quotas
        self.regions = regions
        epoch = .zero
    }

    /// The bus at an address; the default bus of a hosted account is always there.
    public func bus(_ address: BusAddress) -> Bus? {
        if let entry = entries[address] { return entry.bus }
        guard address.name == BusAddress.defaultName, accounts.contains(address.account),
            regions?.contains(address.region) ?? true
        else { return nil }
        return Bus(created: epoch)
    }

    /// Whether a bus has what an event of another cell needs: a policy, and a rule with a target.
    public func isReady(_ address: BusAddress) -> Bool {
        guard let entry = entries[address], entry.bus.policy != nil else { return false }
        return entry.rules.values.contains { !$0.targets.isEmpty }
    }

    /// Whether a bus, its policy or its rules may still be on their way here: its account came less than `span` ago.
    func isPending(_ address: BusAddress, span: Duration?, now: Timestamp) -> Bool {
        guard let span, isNew(address.account, span: span, now: now) else { return false }
        return !isReady(address)
    }

    /// When an account came to this cell; zero for one that was here from the beginning.
    func arrival(of account: AccountID) -> Timestamp { hostedSince[account] ?? .zero }

    /// Whether an account came to this cell less than `span` ago.
    public func isNew(_ account: AccountID, span: Duration, now: Timestamp) -> Bool {
        guard let since = hostedSince[account], since != .zero else { return false }
        // A clock that was set back makes nothing new for longer than that.
        return now - since < span && since - now < span
    }

    /// The bus at an address.
    ///
    /// - Throws: ``CatalogError/noSuchBus(_:)``.
    public func existingBus(_ address: BusAddress) throws(CatalogError) -> Bus {
        guard let bus = bus(address) else { throw .noSuchBus(address.name) }
        return bus
    }

    /// The rule of that name.
    ///
    /// - Throws: ``CatalogError/noSuchBus(_:)`` or ``CatalogError/noSuchRule(rule:bus:)``.
    public func existingRule(_ name: String, on address: BusAddress) throws(CatalogError) -> Rule {
        _ = try existingBus(address)
        guard let rule = entries[address]?.rules[name] else { throw .noSuchRule(rule: name, bus: address.name) }
        return rule
    }

    /// The buses of an account in a region, by name.
    public func buses(of account: AccountID, region: String) -> [(name: String, bus: Bus)] {
        var found: [(name: String, bus: Bus)] = []
        for (address, entry) in entries where address.account == account && address.region == region {
            found.append((address.name, entry.bus))
        }
        if accounts.contains(account), !found.contains(where: { $0.name == BusAddress.defaultName }) {
            found.append((BusAddress.defaultName, Bus(created: epoch)))
        }
        return found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// Every bus that was created or that has rules or a policy, by ARN.
    public var storedBuses: [(address: BusAddress, bus: Bus)] {
        entries.map { ($0.key, $0.value.bus) }.sorted { $0.0.arn.utf8.lexicographicallyPrecedes($1.0.arn.utf8) }
    }

    /// The names of a bus's rules, in order.
    public func ruleNames(on address: BusAddress) -> [String] {
        guard let entry = entries[address] else { return [] }
        if let names = entry.sortedNames { return names }
        let names = entry.rules.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        entry.sortedNames = names
        return names
    }

    /// How many rules a bus has.
    public func ruleCount(on address: BusAddress) -> Int {
        entries[address]?.rules.count ?? 0
    }

    /// The target revision of that key, also when its rule is gone.
    public func revision(_ key: UInt64) -> TargetRevision? {
        revisions[key]
    }

    mutating func apply(_ delta: CatalogDelta) {
        switch delta {
        case .bus(let address, let bus?):
            entry(address).bus = bus
        case .bus(let address, nil):
            entries[address] = nil
        case .rule(let address, let name, let rule):
            let entry = entry(address)
            if (entry.rules[name] == nil) != (rule == nil) { entry.sortedNames = nil }
            entry.rules[name] = rule
            entry.updateMatcher(name, rule)
        case .revision(let key, let revision):
            revisions[key] = revision
        }
    }

    private mutating func entry(_ address: BusAddress) -> Entry {
        if let entry = entries[address] { return entry }
        let entry = Entry(Bus(created: epoch))
        entries[address] = entry
        return entry
    }
}
