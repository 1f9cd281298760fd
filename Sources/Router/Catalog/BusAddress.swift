import EventModel

/// Names an event bus: every account has its own buses in every region.
public struct BusAddress: Hashable, Sendable {
    /// The region, as clients name it.
    public var region: String
    /// The owner.
    public var account: AccountID
    /// The bus's name.
    public var name: String

    /// Leaves the region out: few accounts have buses of one name in several.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(account.number)
        hasher.combine(name)
    }

    /// The name of the bus that every account has without creating it.
    public static let defaultName = "default"

    /// Creates an address.
    public init(region: String, account: AccountID, name: String) {
        self.region = region
        self.account = account
        self.name = name
    }

    /// Resolves what a request calls a bus: nothing (the default bus), a name, or an ARN.
    public init?(reference: String?, region: String, account: AccountID) {
        guard let reference, !reference.isEmpty else {
            self.init(region: region, account: account, name: Self.defaultName)
            return
        }
        if reference.utf8.starts(with: "arn:".utf8) {
            self.init(arn: reference)
        } else {
            self.init(region: region, account: account, name: reference)
        }
    }

    /// Reads a bus's ARN; nil for any other text.
    public init?(arn text: String) {
        guard let arn = ARN(text), arn.partition == "aws", arn.service == "events",
            let account = AccountID(arn.account),
            arn.resource.utf8.starts(with: "event-bus/".utf8)
        else { return nil }
        let name = String(arn.resource.dropFirst("event-bus/".count))
        guard !name.isEmpty else { return nil }
        self.init(region: arn.region, account: account, name: name)
    }

    /// The bus's ARN.
    public var arn: String {
        "arn:aws:events:\(region):\(account):event-bus/\(name)"
    }

    /// The ARN of a rule of this bus; rules of the default bus leave the bus out (spec: control §3.1).
    public func ruleARN(_ rule: String) -> String {
        let path = name == Self.defaultName ? rule : "\(name)/\(rule)"
        return "arn:aws:events:\(region):\(account):rule/\(path)"
    }
}
