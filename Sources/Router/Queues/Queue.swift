import EventModel
import SansIO

/// A queue as the catalog knows it.
public struct Queue: Sendable, Equatable {
    /// Region, owner and name.
    public var key: QueueKey
    /// The store's key for the queue's messages; never used again after the queue is gone.
    public var number: UInt64
    /// When it was created.
    public var createdAt: Timestamp
    /// When its attributes last changed.
    public var modifiedAt: Timestamp
    /// What was set.
    public var attributes: QueueAttributes
    /// The tags, by key.
    public var tags: [QueueTag]

    /// Creates a queue.
    public init(
        key: QueueKey,
        number: UInt64,
        createdAt: Timestamp,
        modifiedAt: Timestamp,
        attributes: QueueAttributes,
        tags: [QueueTag]
    ) {
        self.key = key
        self.number = number
        self.createdAt = createdAt
        self.modifiedAt = modifiedAt
        self.attributes = attributes
        self.tags = tags
    }

    /// The queue's ARN.
    public var arn: ARN { key.arn }
}

/// A tag of a queue.
public struct QueueTag: Sendable, Equatable {
    /// The key, unique on its queue.
    public var key: String
    /// The value.
    public var value: String

    /// Creates a tag.
    public init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }
}

extension Queue {
    /// The queue as a configuration value.
    var configuration: [UInt8] {
        let attributes = attributes.values.map { JSONObject.Member(key: $0.name, value: .string($0.value)) }
        let tags = tags.map { JSONObject.Member(key: $0.key, value: .string($0.value)) }
        let members: JSONObject = [
            "number": .integer(number),
            "created": .integer(createdAt.milliseconds),
            "modified": .integer(modifiedAt.milliseconds),
            "attributes": .object(JSONObject(attributes)),
            "tags": .object(JSONObject(tags)),
        ]
        return JSONValue.object(members).bytes
    }

    /// Reads a configuration entry back; nil when it is not what ``configuration`` writes.
    init?(_ entry: ConfigurationEntry) {
        guard let key = QueueKey(configurationKey: entry.key),
            let object = (try? JSONValue(parsing: entry.value, maximumDepth: 8))?.object,
            case .number(let lexeme)? = object["number"], let number = UInt64(lexeme),
            let created = object["created"]?.integer, let modified = object["modified"]?.integer,
            let attributes = Self.pairs(object["attributes"]), let tags = Self.pairs(object["tags"])
        else { return nil }
        self.init(
            key: key,
            number: number,
            createdAt: Timestamp(milliseconds: Int64(created)),
            modifiedAt: Timestamp(milliseconds: Int64(modified)),
            attributes: QueueAttributes(attributes.map { QueueAttribute($0.key, $0.value) }),
            tags: tags.map { QueueTag($0.key, $0.value) }
        )
    }

    private static func pairs(_ value: JSONValue?) -> [(key: String, value: String)]? {
        guard let members = value?.object?.members else { return nil }
        var result: [(key: String, value: String)] = []
        for member in members {
            guard let text = member.value.string else { return nil }
            result.append((member.key, text))
        }
        return result
    }

    /// Adds tags; a key that is there takes the new value.
    mutating func add(_ added: [QueueTag]) {
        for tag in added {
            remove(tagNamed: tag.key)
            let index = tags.firstIndex { tag.key.utf8.lexicographicallyPrecedes($0.key.utf8) } ?? tags.count
            tags.insert(tag, at: index)
        }
    }

    /// Removes a tag if it is there.
    mutating func remove(tagNamed key: String) {
        tags.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
    }
}
