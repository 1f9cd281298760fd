import EventModel
import SansIO

/// How catalog entities are written as JSON in the store.
enum CatalogCoding {
    static func encode(_ bus: Bus) -> JSONValue {
        var object: JSONObject = [
            "created": .integer(bus.created.milliseconds),
            "modified": .integer(bus.modified.milliseconds),
        ]
        object["description"] = bus.description.map(JSONValue.string)
        object["kmsKeyIdentifier"] = bus.kmsKeyIdentifier.map(JSONValue.string)
        object["deadLetterConfig"] = bus.deadLetterConfig.map(JSONValue.object)
        object["logConfig"] = bus.logConfig.map(JSONValue.object)
        object["policy"] = bus.policy.map(JSONValue.string)
        object["tags"] = encode(bus.tags)
        return .object(object)
    }

    static func bus(_ object: JSONObject) -> Bus? {
        guard let created = object["created"]?.integer, let modified = object["modified"]?.integer else { return nil }
        var bus = Bus(created: Timestamp(milliseconds: Int64(created)))
        bus.modified = Timestamp(milliseconds: Int64(modified))
        bus.description = object["description"]?.string
        bus.kmsKeyIdentifier = object["kmsKeyIdentifier"]?.string
        bus.deadLetterConfig = object["deadLetterConfig"]?.object
        bus.logConfig = object["logConfig"]?.object
        bus.policy = object["policy"]?.string
        bus.tags = tags(object["tags"])
        return bus
    }

    static func encode(_ rule: Rule) -> JSONValue {
        var object: JSONObject = [
            "state": .string(rule.state.rawValue),
            "createdBy": .string(rule.createdBy.description),
        ]
        object["pattern"] = rule.pattern.map(JSONValue.string)
        object["description"] = rule.description.map(JSONValue.string)
        object["roleArn"] = rule.roleARN.map(JSONValue.string)
        object["tags"] = encode(rule.tags)
        object["targets"] = .array(rule.targets.map(encode))
        return .object(object)
    }

    static func rule(_ object: JSONObject, name: String) -> Rule? {
        guard let state = object["state"]?.string.flatMap(Rule.State.init(rawValue:)),
            let creator = object["createdBy"]?.string, let createdBy = AccountID(creator)
        else { return nil }
        var rule = Rule(name: name, createdBy: createdBy)
        rule.state = state
        rule.pattern = object["pattern"]?.string
        rule.description = object["description"]?.string
        rule.roleARN = object["roleArn"]?.string
        rule.tags = tags(object["tags"])
        for element in object["targets"]?.array ?? [] {
            guard let target = element.object.flatMap(target) else { return nil }
            rule.targets.append(target)
        }
        return rule
    }

    static func encode(_ revision: TargetRevision) -> JSONValue {
        .object([
            "region": .string(revision.bus.region),
            "account": .string(revision.bus.account.description),
            "bus": .string(revision.bus.name),
            "rule": .string(revision.rule),
            "target": encode(revision.target),
        ])
    }

    static func revision(_ object: JSONObject) -> TargetRevision? {
        guard let region = object["region"]?.string, let owner = object["account"]?.string,
            let account = AccountID(owner), let bus = object["bus"]?.string, let rule = object["rule"]?.string,
            let target = object["target"]?.object.flatMap(target)
        else { return nil }
        return TargetRevision(
            bus: BusAddress(region: region, account: account, name: bus),
            rule: rule,
            target: target
        )
    }

    private static func encode(_ target: Target) -> JSONValue {
        .object([
            "key": .integer(target.key),
            "id": .string(target.id),
            "arn": .string(target.arn),
            "definition": .object(target.definition),
        ])
    }

    private static func target(_ object: JSONObject) -> Target? {
        guard case .number(let lexeme)? = object["key"], let key = UInt64(lexeme), let id = object["id"]?.string,
            let arn = object["arn"]?.string, let definition = object["definition"]?.object
        else { return nil }
        return Target(key: key, id: id, arn: arn, definition: definition)
    }

    private static func encode(_ tags: [Tag]) -> JSONValue? {
        guard !tags.isEmpty else { return nil }
        return .array(tags.map { .object(["key": .string($0.key), "value": .string($0.value)]) })
    }

    private static func tags(_ value: JSONValue?) -> [Tag] {
        (value?.array ?? []).compactMap { element in
            guard let key = element.object?["key"]?.string, let value = element.object?["value"]?.string else {
                return nil
            }
            return Tag(key: key, value: value)
        }
    }
}
