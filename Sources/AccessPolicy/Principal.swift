import EventModel

/// What is known about a caller beyond its name.
public struct PrincipalAttributes: Sendable, Equatable {
    /// The organization of its account; nil when the account is in none.
    public var organizationID: String?
    /// The places of its account in the organization.
    public var organizationPaths: [String]
    /// Its tags, by key in order.
    public var tags: [(key: String, value: String)]
    /// Its unique id; nil derives one from the name.
    public var userID: String?

    /// Creates attributes.
    public init(
        organizationID: String? = nil,
        organizationPaths: [String] = [],
        tags: [(key: String, value: String)] = [],
        userID: String? = nil
    ) {
        self.organizationID = organizationID
        self.organizationPaths = organizationPaths
        self.tags = tags
        self.userID = userID
    }

    /// Compares member by member.
    public static func == (left: PrincipalAttributes, right: PrincipalAttributes) -> Bool {
        left.organizationID == right.organizationID && left.organizationPaths == right.organizationPaths
            && left.userID == right.userID
            && left.tags.elementsEqual(right.tags) { $0.key == $1.key && $0.value == $1.value }
    }
}

/// Who makes a request (spec: control §8.2).
///
/// A principal is made once, when a caller authenticates, and used for all its requests: it keeps the condition values that
/// follow from it. Copying one costs a reference count.
public struct Principal: Sendable, Equatable, CustomStringConvertible {
    /// The kinds of principal.
    public enum Kind: Hashable, Sendable {
        /// The account itself.
        case root
        /// A user.
        case user
        /// A session of a role.
        case roleSession
        /// A service.
        case service
    }

    final class Storage: Sendable {
        let kind: Kind
        let account: AccountID?
        let arn: String
        let roleARN: String
        let rootARN: String
        let attributes: PrincipalAttributes
        let context: RequestContext

        init(
            kind: Kind,
            account: AccountID?,
            arn: String,
            roleARN: String,
            rootARN: String,
            attributes: PrincipalAttributes,
            context: RequestContext
        ) {
            self.kind = kind
            self.account = account
            self.arn = arn
            self.roleARN = roleARN
            self.rootARN = rootARN
            self.attributes = attributes
            self.context = context
        }
    }

    let storage: Storage

    /// What kind of principal this is.
    public var kind: Kind { storage.kind }
    /// The account it belongs to; nil for services.
    public var account: AccountID? { storage.account }
    /// Its ARN: for a session the assumed-role ARN, for a service its name.
    public var arn: String { storage.arn }
    /// The role of a session, with its path; nil for others.
    public var roleARN: String? { storage.kind == .roleSession ? storage.roleARN : nil }
    /// What is known about it beyond its name.
    public var attributes: PrincipalAttributes { storage.attributes }
    /// The ARN.
    public var description: String { storage.arn }

    /// The root of an account. It also stands for a rule of that account which delivers without a role
    /// (spec: control §7.5).
    public static func root(
        of account: AccountID,
        attributes: PrincipalAttributes = PrincipalAttributes(),
        partition: String = "aws"
    ) -> Principal {
        let arn = "arn:\(partition):iam::\(account):root"
        return Principal(.root, account, arn, roleARN: "", partition, attributes, type: "Account", id: "\(account)")
    }

    /// A user; `path` begins and ends with a slash.
    public static func user(
        _ name: String,
        path: String = "/",
        of account: AccountID,
        attributes: PrincipalAttributes = PrincipalAttributes(),
        partition: String = "aws"
    ) -> Principal {
        let arn = "arn:\(partition):iam::\(account):user\(path)\(name)"
        return Principal(
            .user,
            account,
            arn,
            roleARN: "",
            partition,
            attributes,
            type: "User",
            id: name,
            username: name
        )
    }

    /// A session of a role; `path` is the role's and begins and ends with a slash.
    public static func roleSession(
        role: String,
        path: String = "/",
        session: String,
        of account: AccountID,
        attributes: PrincipalAttributes = PrincipalAttributes(),
        partition: String = "aws"
    ) -> Principal {
        Principal(
            .roleSession,
            account,
            "arn:\(partition):sts::\(account):assumed-role/\(role)/\(session)",
            roleARN: "arn:\(partition):iam::\(account):role\(path)\(role)",
            partition,
            attributes,
            type: "AssumedRole",
            id: "\(role):\(session)"
        )
    }

    /// A service, e.g. `events.amazonaws.com`.
    public static func service(_ name: String) -> Principal {
        var context = RequestContext(reservingValues: 3, bytes: 64)
        context.add(ConditionKey(.principalIsAWSService), true)
        context.add(ConditionKey(.principalServiceName), name)
        context.add(ConditionKey(.principalServiceNamesList), name)
        return Principal(
            storage: Storage(
                kind: .service,
                account: nil,
                arn: name,
                roleARN: "",
                rootARN: "",
                attributes: PrincipalAttributes(),
                context: context
            )
        )
    }

    /// The principal that an ARN names: an account's root, a user, or a session of a role with path `rolePath`.
    /// Nil for any other text.
    public init?(arn text: String, rolePath: String = "/", attributes: PrincipalAttributes = PrincipalAttributes()) {
        guard let arn = ARN(text), arn.region.isEmpty, let account = AccountID(arn.account) else { return nil }
        let parts = arn.resource.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        switch (arn.service, parts[0], parts.count) {
        case ("iam", "root", 1):
            self = .root(of: account, attributes: attributes, partition: arn.partition)
        case ("iam", "user", 2...):
            let path = "/" + parts[1..<parts.count - 1].map { $0 + "/" }.joined()
            let name = parts[parts.count - 1]
            guard !name.isEmpty else { return nil }
            self = .user(name, path: path, of: account, attributes: attributes, partition: arn.partition)
        case ("sts", "assumed-role", 3):
            guard !parts[1].isEmpty, !parts[2].isEmpty else { return nil }
            self = .roleSession(
                role: parts[1],
                path: rolePath,
                session: parts[2],
                of: account,
                attributes: attributes,
                partition: arn.partition
            )
        default: return nil
        }
    }

    private init(storage: Storage) {
        self.storage = storage
    }

    private init(
        _ kind: Kind,
        _ account: AccountID,
        _ arn: String,
        roleARN: String,
        _ partition: String,
        _ attributes: PrincipalAttributes,
        type: String,
        id: String,
        username: String? = nil
    ) {
        var context = RequestContext(reservingValues: 8, bytes: 256)
        context.add(ConditionKey(.principalARN), kind == .roleSession ? roleARN : arn)
        context.add(ConditionKey(.principalAccount), account.description)
        context.add(ConditionKey(.principalType), type)
        context.add(ConditionKey(.userID), attributes.userID ?? id)
        context.add(ConditionKey(.principalIsAWSService), false)
        if let username { context.add(ConditionKey(.username), username) }
        if let organization = attributes.organizationID {
            context.add(ConditionKey(.principalOrganizationID), organization)
        }
        for path in attributes.organizationPaths {
            context.add(ConditionKey(.principalOrganizationPaths), path)
        }
        for tag in attributes.tags {
            context.add(.principalTag(tag.key), tag.value)
        }
        storage = Storage(
            kind: kind,
            account: account,
            arn: arn,
            roleARN: roleARN,
            rootARN: "arn:\(partition):iam::\(account):root",
            attributes: attributes,
            context: context
        )
    }

    /// Principals are equal when their names and what is known about them are.
    public static func == (left: Principal, right: Principal) -> Bool {
        left.storage === right.storage
            || left.storage.kind == right.storage.kind && left.storage.arn.utf8.elementsEqual(right.storage.arn.utf8)
                && left.storage.roleARN.utf8.elementsEqual(right.storage.roleARN.utf8)
                && left.storage.attributes == right.storage.attributes
    }
}
