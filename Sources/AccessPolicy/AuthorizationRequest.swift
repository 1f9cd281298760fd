/// What a caller wants to do, e.g. `events:PutEvents`.
public struct PolicyAction: Hashable, Sendable, CustomStringConvertible {
    /// The name as AWS spells it.
    public let name: String
    /// Actions compare without regard to letter case, so the comparison form is made once.
    let lowered: [UInt8]

    /// Creates an action from `service:Name`.
    public init(_ name: String) {
        self.name = name
        lowered = Bytes.lowercasedASCII(name)
    }

    /// The name.
    public var description: String { name }

    /// `events:PutEvents`
    public static let putEvents = PolicyAction("events:PutEvents")
    /// `sqs:SendMessage`
    public static let sendMessage = PolicyAction("sqs:SendMessage")
    /// `sts:AssumeRole`
    public static let assumeRole = PolicyAction("sts:AssumeRole")
    /// `iam:PassRole`
    public static let passRole = PolicyAction("iam:PassRole")
}

/// One question to the policies: may this principal do this to that resource?
public struct AuthorizationRequest: Sendable {
    /// Who asks.
    public var principal: Principal
    /// What it wants to do.
    public var action: PolicyAction
    /// The ARN of the resource, or `*` for actions without one (spec: control §8.4).
    public var resource: String
    /// The values for conditions. What follows from the principal need not be added, and cannot be overruled here.
    public var context: RequestContext

    /// Creates a request.
    public init(
        principal: Principal,
        action: PolicyAction,
        resource: String,
        context: RequestContext = RequestContext(reservingValues: 0, bytes: 0)
    ) {
        self.principal = principal
        self.action = action
        self.resource = resource
        self.context = context
    }

    /// The values of a condition key, of the principal or of the request.
    public func values(of key: ConditionKey) -> [String] {
        let own = principal.storage.context.values(of: key)
        return own.isEmpty ? context.values(of: key) : own
    }
}
