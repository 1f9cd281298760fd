import EventModel
import SansIO

/// A resource of the events service that carries tags.
public enum TaggedResource: Sendable, Equatable {
    /// A bus.
    case bus(BusAddress)
    /// A rule.
    case rule(String, BusAddress)

    /// Reads the ARN of a bus or a rule; nil for any other text.
    public init?(arn text: String) {
        if let bus = BusAddress(arn: text) {
            self = .bus(bus)
            return
        }
        guard let arn = ARN(text), arn.partition == "aws", arn.service == "events",
            let account = AccountID(arn.account),
            arn.resource.utf8.starts(with: "rule/".utf8)
        else { return nil }
        let path = arn.resource.dropFirst("rule/".count)
        let name: Substring
        let bus: Substring
        if let slash = path.lastIndex(of: "/") {
            name = path[path.index(after: slash)...]
            bus = path[..<slash]
        } else {
            name = path
            bus = Substring(BusAddress.defaultName)
        }
        guard !name.isEmpty, !bus.isEmpty else { return nil }
        self = .rule(String(name), BusAddress(region: arn.region, account: account, name: String(bus)))
    }

    /// The resource's ARN in the one spelling that policies are asked about.
    public var arn: String {
        switch self {
        case .bus(let address): address.arn
        case .rule(let name, let address): address.ruleARN(name)
        }
    }

    /// The account that owns the resource.
    public var account: AccountID {
        switch self {
        case .bus(let address), .rule(_, let address): address.account
        }
    }
}

/// Tags of buses and rules (spec: control §3.5).
extension Catalog {
    /// The tags of a resource.
    ///
    /// - Throws: ``CatalogError`` when the resource does not exist.
    public func tags(of resource: TaggedResource) throws(CatalogError) -> [Tag] {
        switch resource {
        case .bus(let address): try state.existingBus(address).tags
        case .rule(let name, let address): try state.existingRule(name, on: address).tags
        }
    }

    /// Sets and removes tags of a resource.
    public func changeTags(
        of resource: TaggedResource,
        set: [Tag],
        remove: [String],
        completion: @escaping (Result<Void, CatalogError>) -> Void
    ) {
        let limit = state.quotas.tagsPerResource
        let change = { (tags: [Tag]) throws(CatalogError) -> [Tag] in
            let merged = Self.merge(tags, set: set, remove: remove)
            guard merged.count <= limit else { throw .tooManyTags }
            return merged
        }
        switch resource {
        case .bus(let address):
            updateBus(address) { (bus) throws(CatalogError) in
                var bus = bus
                bus.tags = try change(bus.tags)
                return bus
            } completion: { result in
                completion(result.map { _ in })
            }
        case .rule(let name, let address):
            updateRule(name, on: address) { (rule) throws(CatalogError) in
                var rule = rule
                rule.tags = try change(rule.tags)
                return rule
            } completion: { result in
                completion(result.map { _ in })
            }
        }
    }

    static func merge(_ tags: [Tag], set: [Tag], remove: [String]) -> [Tag] {
        var merged = tags
        for tag in set {
            if let index = merged.firstIndex(where: { $0.key.utf8.elementsEqual(tag.key.utf8) }) {
                merged[index].value = tag.value
            } else {
                merged.append(tag)
            }
        }
        merged.removeAll { tag in remove.contains { $0.utf8.elementsEqual(tag.key.utf8) } }
        return merged
    }
}
