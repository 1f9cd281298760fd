import EventModel

/// What the data path asks the policy engine: may this principal do this to that resource.
public struct AccessRequest: Sendable {
    /// Who asks.
    public enum Subject: Sendable, Equatable {
        /// A principal of an account, by its ARN, e.g. `arn:aws:iam::111122223333:root`.
        case principal(arn: String, account: AccountID)
        /// A session of a role that a rule's target names (spec: control §7.5).
        case role(arn: String, session: String, account: AccountID)
        /// A principal of an account that another cell hosts, which the sending node's certificate speaks for. The other
        /// side's policies were asked there; of the principal only its account is proven. The resource's policy must allow it,
        /// also when the account is the resource's own.
        case remote(arn: String, session: String, account: AccountID)
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

    /// Decides whether a service may act with a role for a resource, such as `events.amazonaws.com` for a rule
    /// (spec: control §10.1).
    ///
    /// - Parameters:
    ///   - role: the role's ARN.
    ///   - account: the account that owns the resource; a role of another one is refused.
    ///   - service: the service's principal.
    ///   - sourceARN: the resource that it acts for.
    /// - Returns: the answer; a refusal in the service's words for roles that cannot be assumed (spec: control §4.2).
    func assume(role: String, of account: AccountID, by service: String, for sourceARN: String) -> AccessVerdict

    /// Decides like ``decide(_:policy:)`` and says why, in lines for a person.
    func explain(_ request: AccessRequest, policy: String?) -> AccessExplanation

    /// Checks that a text is a policy that a resource may carry; returns what is wrong with it, or nil.
    func fault(inPolicy text: String) -> String?

    /// What is doubtful about a policy that may be carried, a line each.
    func warnings(aboutPolicy text: String) -> [String]
}

/// A decision with its reasons.
public struct AccessExplanation: Sendable, Equatable {
    /// The answer.
    public var verdict: AccessVerdict
    /// Which statement decided, or for a refusal which came closest and what of it did not match.
    public var lines: [String]
    /// Whether the answer is this side's alone, for the cell that holds the bus has not said what it says.
    public var isOpen = false
    /// The deciding statement or the closest one: its policy's kind, its place from zero, its Sid.
    public var statement: (policy: String, policyIndex: Int, index: Int, sid: String?)?

    /// Creates an explanation.
    public init(
        verdict: AccessVerdict,
        lines: [String],
        statement: (policy: String, policyIndex: Int, index: Int, sid: String?)? = nil
    ) {
        self.verdict = verdict
        self.lines = lines
        self.statement = statement
    }

    /// Compares answer and lines, which name the statement.
    public static func == (left: AccessExplanation, right: AccessExplanation) -> Bool {
        left.verdict == right.verdict && left.lines == right.lines
    }
}
