import EventModel

/// Names a queue: a name within a region of an account.
public struct QueueKey: Hashable, Sendable, CustomStringConvertible {
    /// The region, e.g. `us-east-1`.
    public var region: String
    /// The owner.
    public var account: AccountID
    /// The name, letters, digits, `-` and `_`.
    public var name: String

    /// Creates a key.
    public init(region: String, account: AccountID, name: String) {
        self.region = region
        self.account = account
        self.name = name
    }

    /// The queue that an ARN names; nil when it is not the ARN of a queue (spec: control §3.1).
    public init?(_ arn: ARN) {
        guard arn.partition.utf8.elementsEqual("aws".utf8), arn.service.utf8.elementsEqual("sqs".utf8),
            let account = AccountID(arn.account)
        else { return nil }
        self.init(region: arn.region, account: account, name: arn.resource)
    }

    /// The queue's ARN.
    public var arn: ARN {
        ARN(service: "sqs", region: region, account: account.description, resource: name)
    }

    /// The text of the ARN.
    public var description: String { arn.description }

    /// Where the store's configuration holds the queue.
    var configurationKey: String { "\(Self.configurationPrefix)\(region)/\(account)/\(name)" }

    static let configurationPrefix = "queue/"

    /// Reads a configuration key back.
    init?(configurationKey: String) {
        let parts = configurationKey.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].elementsEqual("queue".utf8), let region = String(parts[1]),
            let account = AccountID(String(parts[2]) ?? ""), let name = String(parts[3]), !name.isEmpty
        else { return nil }
        self.init(region: region, account: account, name: name)
    }
}

/// The queues that one account sees in one region.
struct QueueTenant: Hashable {
    var region: String
    var account: AccountID
}
