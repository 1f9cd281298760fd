/// An Amazon Resource Name: `arn:partition:service:region:account:resource`.
public struct ARN: Hashable, Sendable, CustomStringConvertible {
    /// E.g. `aws`.
    public var partition: String
    /// E.g. `events`, `sqs`, `iam`.
    public var service: String
    /// E.g. `us-east-1`; empty for global services.
    public var region: String
    /// The twelve digits of the account; empty where none applies.
    public var account: String
    /// Everything behind the fifth colon; may hold colons.
    public var resource: String

    /// Creates an ARN from its parts.
    public init(partition: String = "aws", service: String, region: String, account: String, resource: String) {
        self.partition = partition
        self.service = service
        self.region = region
        self.account = account
        self.resource = resource
    }

    /// Splits a text at its first five colons; nil unless it begins with `arn:` and has six parts with partition, service
    /// and resource not empty.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 5, omittingEmptySubsequences: false)
        guard parts.count == 6, parts[0].elementsEqual("arn".utf8) else { return nil }
        let strings = parts.dropFirst().map { String($0) ?? "" }
        guard !strings[0].isEmpty, !strings[1].isEmpty, !strings[4].isEmpty else { return nil }
        self.init(
            partition: strings[0],
            service: strings[1],
            region: strings[2],
            account: strings[3],
            resource: strings[4]
        )
    }

    /// The text form.
    public var description: String {
        "arn:\(partition):\(service):\(region):\(account):\(resource)"
    }
}
