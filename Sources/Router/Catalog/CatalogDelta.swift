import EventModel
import SansIO

/// One change of one catalog entity, as it is written to the store and then applied in memory. Nil removes.
public enum CatalogDelta: Sendable, Equatable {
    /// A bus.
    case bus(BusAddress, Bus?)
    /// A rule with its targets.
    case rule(BusAddress, name: String, Rule?)
    /// A target revision.
    case revision(key: UInt64, TargetRevision?)

    /// The configuration entry that holds the entity.
    var change: ConfigurationChange {
        switch self {
        case .bus(let address, let bus):
            ConfigurationChange(key: Self.busKey(address), value: bus.map { CatalogCoding.encode($0).bytes })
        case .rule(let address, let name, let rule):
            ConfigurationChange(
                key: Self.ruleKey(address, name),
                value: rule.map { CatalogCoding.encode($0).bytes }
            )
        case .revision(let key, let revision):
            ConfigurationChange(
                key: "\(Self.revisionPrefix)\(key)",
                value: revision.map { CatalogCoding.encode($0).bytes }
            )
        }
    }

    static let busPrefix = "bus/"
    static let rulePrefix = "rule/"
    static let revisionPrefix = "target/"

    private static func busKey(_ address: BusAddress) -> String {
        "\(busPrefix)\(address.region)/\(address.account)/\(address.name)"
    }

    private static func ruleKey(_ address: BusAddress, _ name: String) -> String {
        "\(rulePrefix)\(address.region)/\(address.account)/\(address.name)/\(name)"
    }

    /// Reads an entry back; nil for a key of another kind or a value that this version cannot read.
    init?(entry: ConfigurationEntry) {
        guard let object = (try? JSONValue(parsing: entry.value))?.object else { return nil }
        if let path = Self.path(entry.key, behind: Self.busPrefix, parts: 3) {
            guard let address = Self.address(path), let bus = CatalogCoding.bus(object) else { return nil }
            self = .bus(address, bus)
        } else if let path = Self.path(entry.key, behind: Self.rulePrefix, parts: 4) {
            guard let address = Self.address(path), let rule = CatalogCoding.rule(object, name: path[3]) else {
                return nil
            }
            self = .rule(address, name: path[3], rule)
        } else if let path = Self.path(entry.key, behind: Self.revisionPrefix, parts: 1) {
            guard let key = UInt64(path[0]), let revision = CatalogCoding.revision(object) else { return nil }
            self = .revision(key: key, revision)
        } else {
            return nil
        }
    }

    private static func path(_ key: String, behind prefix: String, parts: Int) -> [String]? {
        guard key.utf8.starts(with: prefix.utf8) else { return nil }
        let path = key.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        return path.count == parts ? path.map(String.init) : nil
    }

    private static func address(_ path: [String]) -> BusAddress? {
        guard let account = AccountID(path[1]) else { return nil }
        return BusAddress(region: path[0], account: account, name: path[2])
    }
}
