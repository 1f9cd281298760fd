import AccessPolicy
import EventModel
import SansIO

/// What is decided: a forward by a role of account a to a bus of account b, which the last of five statements allows.
struct Scene {
    /// The benchmark's own data is not what it should be.
    struct Fault: Error {}

    private let plain: PlainEvaluator
    private let plainRequest: PlainRequest
    private let request: AuthorizationRequest
    private let policy: CompiledPolicy
    private let identity: IdentityPolicies
    private let owner: AccountID
    private let keys: [(key: ConditionKey, value: String)]

    private static let bus = "arn:aws:events:eu-west-1:444455556666:event-bus/orders"

    private static let resourceText = #"""
        {"Version":"2012-10-17","Statement":[
        {"Effect":"Deny","Principal":"*","Action":"events:PutEvents","Resource":"*",
         "Condition":{"Bool":{"aws:SecureTransport":"false"}}},
        {"Effect":"Allow","Principal":{"AWS":"777788889999"},"Action":"events:PutEvents","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"events:PutRule","Resource":"*"},
        {"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/other"},"Action":"events:*","Resource":"*"},
        {"Effect":"Allow","Principal":"*","Action":"events:PutEvents",
         "Resource":"arn:aws:events:eu-west-1:444455556666:event-bus/orders",
         "Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"},
         "ArnLike":{"aws:SourceArn":"arn:aws:events:eu-west-1:111122223333:rule/*"},
         "ForAllValues:StringEquals":{"events:source":["web","shop"]}}}]}
        """#

    private static let identityText = #"""
        {"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"events:PutEvents",
        "Resource":"arn:aws:events:*:444455556666:event-bus/*"}]}
        """#

    init() throws {
        guard let account = AccountID("111122223333"), let owner = AccountID("444455556666") else { throw Fault() }
        let resource = try PolicyDocument(parsing: Self.resourceText)
        let own = try PolicyDocument(parsing: Self.identityText, attachment: .identity)
        let principal = Principal.roleSession(
            role: "forward",
            session: "out",
            of: account,
            attributes: PrincipalAttributes(organizationID: "o-a1b2c3")
        )
        let values = [
            ("events:source", "shop"), ("events:detail-type", "order"), ("events:eventbusinvocation", "true"),
            ("aws:sourcearn", "arn:aws:events:eu-west-1:111122223333:rule/out"),
            ("aws:sourceaccount", "111122223333"), ("aws:securetransport", "true"),
        ]
        keys = values.map { (ConditionKey($0.0), $0.1) }
        plainRequest = PlainRequest(
            principal: principal,
            action: "events:PutEvents",
            resource: Self.bus,
            context: Dictionary(uniqueKeysWithValues: values.map { ($0.0, [$0.1]) })
        )
        plain = PlainEvaluator(resource: resource, identity: [own], boundary: nil, session: nil, owner: owner)
        request = plainRequest.authorizationRequest
        policy = CompiledPolicy(resource)
        identity = .policies([CompiledPolicy(own)])
        self.owner = owner
    }

    /// Whether both evaluators allow.
    var isSound: Bool { decide() && prepareAndDecide() && decidePlainly() }

    func decide() -> Bool {
        PolicyEvaluator.decide(
            request,
            resourcePolicy: policy,
            identityPolicies: identity,
            resourceAccount: owner
        ).isAllowed
    }

    /// With the context built anew, as a data path does for every event.
    func prepareAndDecide() -> Bool {
        var question = AuthorizationRequest(principal: request.principal, action: .putEvents, resource: Self.bus)
        question.context = RequestContext()
        for (key, value) in keys { question.context.add(key, value) }
        return PolicyEvaluator.decide(
            question,
            resourcePolicy: policy,
            identityPolicies: identity,
            resourceAccount: owner
        ).isAllowed
    }

    func decidePlainly() -> Bool { plain.decide(plainRequest) == "ALLOW" }
}
