import EventModel
import SansIO
import Testing

@testable import AccessPolicy

@Suite struct PolicyDecisionTests {
    private let allowAll = #"{"Effect":"Allow","Action":"*","Resource":"*"}"#
    private let denyAll = #"{"Effect":"Deny","Action":"*","Resource":"*"}"#
    private let allowOther = #"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#

    private func policies(_ resource: [String], _ identity: [String]) throws -> ApplicablePolicies {
        ApplicablePolicies(
            resource: try Fixture.policy(resource),
            resourceAccount: Fixture.owner,
            identity: .policies(try identity.map { try Fixture.identityPolicy($0) })
        )
    }

    private func ending(_ caller: String, _ policies: ApplicablePolicies) -> String {
        let request = Fixture.request(caller)
        let text = PolicyEvaluator.decide(request, under: policies).denialText(for: request) ?? "allowed"
        let head =
            "User: \(request.principal.arn) is not authorized to perform: events:PutEvents on resource: \(Fixture.bus) "
        return text.hasPrefix(head) ? String(text.dropFirst(head.count)) : text
    }

    // spec: control §8.9
    @Test func denialTexts() throws {
        #expect(ending("bob", try policies(["{}"], [allowAll])) == "allowed")
        #expect(
            ending("alice", try policies([], []))
                == "because no identity-based policy allows the events:PutEvents action"
        )
        #expect(
            ending("bob", try policies([], [allowAll]))
                == "because no resource-based policy allows the events:PutEvents action"
        )
        #expect(
            ending("alice", try policies([], [allowAll, denyAll]))
                == "with an explicit deny in an identity-based policy"
        )
        #expect(
            ending("pubB", try policies([#"{"Effect":"Deny"}"#], [allowAll]))
                == "with an explicit deny in a resource-based policy"
        )
    }

    @Test func denialTextsOfLimits() throws {
        let endings: [(WritableKeyPath<ApplicablePolicies, CompiledPolicy?>, String)] = [
            (\.permissionsBoundary, "permissions boundary"), (\.session, "session policy"),
            (\.serviceControl, "service control policy"),
        ]
        for (limit, name) in endings {
            var policies = try policies(["{}"], [allowAll])
            policies[keyPath: limit] = try Fixture.identityPolicy(allowOther)
            #expect(ending("bob", policies) == "because no \(name) allows the events:PutEvents action")
            policies[keyPath: limit] = try Fixture.identityPolicy(allowAll + "," + denyAll)
            #expect(ending("bob", policies) == "with an explicit deny in a \(name)")
            policies[keyPath: limit] = try Fixture.identityPolicy(allowAll)
            #expect(ending("bob", policies) == "allowed")
        }
    }

    // spec: control §8.9: for role sessions the assumed-role ARN is printed; PassRole has the same form
    @Test func denialTextOfPassRole() throws {
        var request = Fixture.request("pubB", .passRole)
        request.resource = "arn:aws:iam::222222222222:role/r"
        let decision = PolicyEvaluator.decide(
            request,
            resourcePolicy: nil,
            identityPolicies: .none,
            resourceAccount: Fixture.other
        )
        #expect(
            decision.denialText(for: request)
                == "User: arn:aws:sts::222222222222:assumed-role/pub/s1 is not authorized to perform: iam:PassRole on "
                + "resource: arn:aws:iam::222222222222:role/r because no identity-based policy allows the iam:PassRole action"
        )
    }

    // spec: control §8.8, step 4
    @Test func grantsOfTheOwnAccountAndLimits() throws {
        let session = Principal.roleSession(role: "r", path: "/p/", session: "s", of: Fixture.owner)
        func decide(_ principal: String, boundary: String?) throws -> PolicyDecision {
            PolicyEvaluator.decide(
                AuthorizationRequest(principal: session, action: .putEvents, resource: Fixture.bus),
                resourcePolicy: try Fixture.policy([#"{"Principal":{"AWS":"\#(principal)"}}"#]),
                identityPolicies: .none,
                resourceAccount: Fixture.owner,
                permissionsBoundary: try boundary.map { try Fixture.identityPolicy($0) }
            )
        }
        let role = "arn:aws:iam::111111111111:role/p/r"
        #expect(try decide(role, boundary: nil).isAllowed)
        #expect(try decide(role, boundary: allowAll).isAllowed)
        #expect(try decide(role, boundary: allowOther) == .deny(.implicit(missing: .permissionsBoundary)))
        #expect(try decide(session.arn, boundary: allowOther).isAllowed)
        #expect(try decide("111111111111", boundary: nil) == .deny(.implicit(missing: .identity)))
    }

    @Test func namesTheStatementThatDecided() throws {
        let policies = try policies([#"{"Action":"events:PutRule"}"#, "{}"], [allowOther, allowAll])
        let bob = PolicyEvaluator.decide(Fixture.request("bob"), under: policies)
        #expect(bob == .allow(by: .statement(StatementReference(policy: .resource, statementIndex: 1))))
        let alice = PolicyEvaluator.decide(Fixture.request("alice"), under: policies)
        #expect(
            alice == .allow(by: .statement(StatementReference(policy: .identity, policyIndex: 1, statementIndex: 0)))
        )
        let root = PolicyEvaluator.decide(Fixture.request("rootA"), under: try self.policies([], []))
        #expect(root == .allow(by: .accountRoot))
    }

    // spec: control §10.2
    @Test func queuePolicyForRules() throws {
        let queue = "arn:aws:sqs:eu-west-1:111111111111:q"
        let rule = "arn:aws:events:eu-west-1:111111111111:rule/orders/r"
        let policy = try CompiledPolicy(
            parsing:
                #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"\#(queue)","Condition":{"ArnEquals":{"aws:SourceArn":"\#(rule)"}}}]}"#
        )
        func isAllowed(_ source: String, _ principal: Principal) -> Bool {
            var request = AuthorizationRequest(principal: principal, action: .sendMessage, resource: queue)
            request.context.add(.sourceARN, source)
            return PolicyEvaluator.decide(
                request,
                resourcePolicy: policy,
                identityPolicies: .none,
                resourceAccount: Fixture.owner
            ).isAllowed
        }
        let events = Principal.service("events.amazonaws.com")
        #expect(isAllowed(rule, events))
        // Forgetting the bus in the rule's name is a frequent error.
        #expect(!isAllowed("arn:aws:events:eu-west-1:111111111111:rule/r", events))
        #expect(!isAllowed(rule, .service("scheduler.amazonaws.com")))
        #expect(!isAllowed(rule, Fixture.caller("bob")))
    }

    // spec: control §8.2: without its account in the list a principal is still denied
    @Test func notPrincipalNeedsEveryName() throws {
        func isAllowed(_ listed: String) throws -> Bool {
            let deny = #"{"Effect":"Deny","NotPrincipal":{"AWS":[\#(listed)]}}"#
            return PolicyEvaluator.decide(Fixture.request("pubB"), under: try policies(["{}", deny], [allowAll]))
                .isAllowed
        }
        let session = #""arn:aws:sts::222222222222:assumed-role/pub/s1""#
        let role = #""arn:aws:iam::222222222222:role/team/pub""#
        #expect(try isAllowed("\(session),\(role),\"222222222222\""))
        #expect(try !isAllowed("\(session),\(role)"))
        #expect(try !isAllowed("\(role),\"222222222222\""))
        #expect(try !isAllowed("\(session),\"222222222222\""))
    }

    @Test func principalsFromARNs() {
        let session = Principal(arn: "arn:aws:sts::222222222222:assumed-role/pub/s1", rolePath: "/team/")
        #expect(session?.roleARN == "arn:aws:iam::222222222222:role/team/pub")
        #expect(
            Principal(arn: "arn:aws:iam::222222222222:user/a/b/bob")?.arn == "arn:aws:iam::222222222222:user/a/b/bob"
        )
        #expect(Principal(arn: "arn:aws:iam::222222222222:root") == .root(of: Fixture.other))
        for text in [
            "", "bob", "arn:aws:iam::22:root", "arn:aws:iam::222222222222:role/r",
            "arn:aws:sts::222222222222:assumed-role/r", "arn:aws:iam::222222222222:user/",
        ] {
            #expect(Principal(arn: text) == nil, "\(text)")
        }
    }

    @Test func timeOfTheRequest() {
        var context = RequestContext()
        context.addTime(Timestamp(milliseconds: 1_768_478_400_999))
        #expect(context.values(of: .currentTime) == ["2026-01-15T12:00:00Z"])
        #expect(context.values(of: .epochTime) == ["1768478400"])
        context.removeAll()
        context.addTime(Timestamp(milliseconds: -1))
        #expect(context.values(of: .currentTime) == ["1969-12-31T23:59:59Z"])
        #expect(context.values(of: .epochTime) == ["-1"])
    }

    // The principal's own values cannot be overruled by the request.
    @Test func principalValuesWin() {
        var request = Fixture.request("bob")
        request.context.add(.principalAccount, "111111111111")
        #expect(request.values(of: .principalAccount) == ["222222222222"])
        request.context.remove(.sourceIP)
        #expect(request.values(of: .sourceIP).isEmpty)
        #expect(request.values(of: .secureTransport) == ["true"])
    }
}
