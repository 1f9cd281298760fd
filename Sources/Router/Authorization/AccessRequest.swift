import EventModel

/// What the data path asks the policy engine: may this principal do this to that resource.
public struct AccessRequest: Sendable {
    /// Who asks.
    public enum Subject: Sendable, Equatable {
        /// A principal of an account, by its ARN, e.g. `arn:aws:iam::111122223333:root`.
        case principal(arn: String, account: AccountID)
        /// A session of a role that a rule's target names (spec: control §7.5).
        case role(arn: String, session: String, account: AccountID)
        /// A service acting for a resource, e.g. `events.amazonaws.com` for a rule (spec: patterns §5.6).
        case service(name: String, sourceARN: String, sourceAccount: AccountID)
    }

    /// Who asks.
    public var subject: Subject
    /// The action, e.g. `events:PutEvents`.
    public var action: String
    /// The ARN of the resource.
    public var resource: String
    /// The account that owns the resource.
    public var resourceAccount: AccountID
    /// Further condition keys with their values, in the order given.
    public var context: [(key: String, values: [String])]

    /// Creates a request.
    public init(
        subject: Subject,
        action: String,
        resource: String,
        resourceAccount: AccountID,
        context: [(key: String, values: [String])] = []
    ) {
        self.subject = subject
        self.action = action
        self.resource = resource
        self.resourceAccount = resourceAccount
        self.context = context
    }
}

/// The policy engine's answer.
public enum AccessVerdict: Sendable, Equatable {
    /// Go ahead.
    case allowed
    /// Refused; the text is the one that clients see (spec: control §8.9).
    case denied(String)

    /// Whether the answer is yes.
    public var isAllowed: Bool { self == .allowed }
}

/// Decides access on behalf of the router and the queues.
public protocol AccessDecider: AnyObject {
    /// Decides one request against the resource's policy text, nil when it has none.
    func decide(_ request: AccessRequest, policy: String?) -> AccessVerdict

    /// Checks that a text is a policy that a resource may carry; returns what is wrong with it, or nil.
    func fault(inPolicy text: String) -> String?
}
