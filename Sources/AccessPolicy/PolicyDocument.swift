/// A policy as parsed and checked, with its text byte for byte as it was given (spec: control §8.1).
public struct PolicyDocument: Sendable, Equatable {
    /// What a policy is attached to.
    public enum Attachment: Hashable, Sendable {
        /// A resource, such as an event bus or a queue: statements name principals.
        case resource
        /// A user or role, or a boundary of one: statements name no principals.
        case identity
        /// A role: who may assume it. Statements name principals and no resources, for the role itself is the resource.
        case trust
    }

    /// The version of the policy language.
    public enum Version: String, Hashable, Sendable {
        /// Without policy variables; also what a policy without a version has.
        case v2008 = "2008-10-17"
        /// With policy variables.
        case v2012 = "2012-10-17"
    }

    /// Policies beyond this size are refused, whatever they are attached to. Services have lower limits of their own.
    public static let maximumBytes = 131_072

    /// The text as given.
    public let text: String
    /// What the policy is attached to.
    public let attachment: Attachment
    /// The version, also where the text has none.
    public let version: Version
    /// The `Id`, if any.
    public let id: String?
    /// The statements in order.
    public let statements: [PolicyStatement]

    /// Where the values of the top-level members stand in the text.
    let layout: Layout

    struct Layout: Sendable, Equatable {
        var version: Range<Int>?
        var id: Range<Int>?
        var statements: [Range<Int>] = []
        /// Whether `Statement` is an object instead of an array.
        var hasSingleStatement = false
    }

    /// Parses and checks a policy.
    ///
    /// - Parameters:
    ///   - text: the JSON text.
    ///   - attachment: what the policy is attached to.
    /// - Throws: ``PolicyError`` with the place of the first fault.
    public init(parsing text: String, attachment: Attachment = .resource) throws(PolicyError) {
        var parser = PolicyParser(text: Array(text.utf8), attachment: attachment)
        try parser.parse()
        self.text = text
        self.attachment = attachment
        version = parser.version
        id = parser.id
        statements = parser.statements
        layout = parser.layout
    }

    /// Compares the texts byte for byte, and the attachments.
    public static func == (left: PolicyDocument, right: PolicyDocument) -> Bool {
        left.attachment == right.attachment && left.text.utf8.elementsEqual(right.text.utf8)
    }
}

/// One statement of a policy.
public struct PolicyStatement: Sendable, Hashable {
    /// What a matching statement does.
    public enum Effect: String, Hashable, Sendable {
        /// Grants the request.
        case allow = "Allow"
        /// Refuses the request, whatever else grants it.
        case deny = "Deny"
    }

    /// The values of an element or of its `Not` twin.
    public struct Patterns: Hashable, Sendable {
        /// Whether the statement is for everything but these.
        public var isNegated: Bool
        /// The values as written.
        public var values: [String]
    }

    /// The principals of a statement.
    public struct Principals: Hashable, Sendable {
        /// Whether the statement is for everyone but these.
        public var isNegated: Bool
        /// The principals as written, in order.
        public var names: [Name]

        /// One principal.
        public enum Name: Hashable, Sendable {
            /// `*`
            case everyone
            /// A twelve-digit account id or an ARN.
            case aws(String)
            /// A service, e.g. `events.amazonaws.com`.
            case service(String)
            /// An identity provider; nobody authenticates by one here, so it matches nobody.
            case federated(String)
            /// A canonical user id, which only S3 knows; it matches nobody.
            case canonicalUser(String)

            /// The name as written.
            public var text: String {
                switch self {
                case .everyone: "*"
                case .aws(let text), .service(let text), .federated(let text), .canonicalUser(let text): text
                }
            }
        }
    }

    /// One key under one operator.
    public struct Condition: Hashable, Sendable {
        /// The operator.
        public var comparison: ConditionOperator
        /// The key as written.
        public var key: String
        /// The values as text, as written.
        public var values: [String]
    }

    /// The statement id, if any.
    public var sid: String?
    /// What the statement does when it matches.
    public var effect: Effect
    /// Nil in identity policies.
    public var principals: Principals?
    /// `Action` or `NotAction`.
    public var actions: Patterns
    /// `Resource` or `NotResource`.
    public var resources: Patterns
    /// The conditions, all of which must hold.
    public var conditions: [Condition]
}
