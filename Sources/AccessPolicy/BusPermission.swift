import EventModel

/// The statement that `PutPermission` makes of its members (spec: control §7.1).
public struct BusPermission: Sendable, Hashable {
    /// Who is let in.
    public enum Grantee: Sendable, Hashable {
        /// Everyone.
        case everyone
        /// Every principal of an account that the account itself lets.
        case account(AccountID)
    }

    /// The statement id.
    public var statementID: String
    /// Who is let in.
    public var grantee: Grantee
    /// The action, which the caller has checked: `events:PutEvents`.
    public var action: String
    /// Limits `everyone` to an organization.
    public var organizationID: String?

    /// Creates a permission.
    public init(
        statementID: String,
        grantee: Grantee,
        action: String = "events:PutEvents",
        organizationID: String? = nil
    ) {
        self.statementID = statementID
        self.grantee = grantee
        self.action = action
        self.organizationID = organizationID
    }

    /// The statement in the member order that AWS renders.
    public func statement(on bus: ARN) -> JSONValue {
        let principal: JSONValue =
            switch grantee {
            case .everyone: "*"
            case .account(let account): .object(["AWS": .string("arn:\(bus.partition):iam::\(account):root")])
            }
        var members: JSONObject = [
            "Sid": .string(statementID),
            "Effect": "Allow",
            "Principal": principal,
            "Action": .string(action),
            "Resource": .string(bus.description),
        ]
        if let organizationID {
            let test: JSONObject = ["aws:PrincipalOrgID": .string(organizationID)]
            members["Condition"] = .object(["StringEquals": .object(test)])
        }
        return .object(members)
    }
}
