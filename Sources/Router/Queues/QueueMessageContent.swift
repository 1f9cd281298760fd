/// A user attribute of a message (spec: control §13.5).
public struct MessageAttribute: Sendable, Equatable {
    /// The value's two transport types.
    public enum Value: Sendable, Equatable {
        /// Text; numbers too.
        case text(String)
        /// Bytes.
        case binary([UInt8])
    }

    /// The name.
    public var name: String
    /// `String`, `Number` or `Binary`, perhaps with a suffix such as `Number.int`.
    public var dataType: String
    /// The value.
    public var value: Value

    /// Creates an attribute.
    public init(name: String, dataType: String, value: Value) {
        self.name = name
        self.dataType = dataType
        self.value = value
    }

    /// Bytes that the attribute adds to its message's size.
    public var byteCount: Int {
        let bytes: Int
        switch value {
        case .text(let text): bytes = text.utf8.count
        case .binary(let data): bytes = data.count
        }
        return name.utf8.count + dataType.utf8.count + bytes
    }
}

/// Everything of a message that the store keeps without looking inside.
public struct QueueMessageContent: Sendable, Equatable {
    /// The message's id.
    public var id: MessageID
    /// The ARN of the queue it was sent to. In any other queue it is the source that a redrive took it from.
    public var home: String
    /// Who sent it, as `SenderId` shows.
    public var sender: String
    /// The `AWSTraceHeader` system attribute.
    public var traceHeader: String?
    /// The `MessageGroupId`, which standard queues only carry along.
    public var groupID: String?
    /// User attributes in the order sent.
    public var attributes: [MessageAttribute]
    /// The body, UTF-8.
    public var body: [UInt8]

    /// Creates a content.
    public init(
        id: MessageID,
        home: String,
        sender: String,
        traceHeader: String? = nil,
        groupID: String? = nil,
        attributes: [MessageAttribute] = [],
        body: [UInt8]
    ) {
        self.id = id
        self.home = home
        self.sender = sender
        self.traceHeader = traceHeader
        self.groupID = groupID
        self.attributes = attributes
        self.body = body
    }
}
