import EventModel
import Router
import SansIO
import Testing

/// Users and roles on the data path (spec: control §7.5, §8.8, §10.1).
@Suite struct IdentityTests {
    private let all = #"{"source":["shop"]}"#
    private let alice = "arn:aws:iam::111122223333:user/alice"
    private let role = "arn:aws:iam::111122223333:role/bus/forward"

    @Test func aUserNeedsAPolicyWhereRootNeedsNone() throws {
        let scene = RouterScene()
        scene.declare([Declared.user("alice")])
        #expect(scene.refusal("shop", by: "arn:aws:iam::111122223333:root") == nil)
        let text = try #require(scene.refusal("shop", by: alice))
        #expect(
            text == "User: \(alice) is not authorized to perform: events:PutEvents on resource: \(scene.bus().arn) "
                + "because no identity-based policy allows the events:PutEvents action"
        )
        scene.declare([Declared.user("alice", Declared.allow("events:PutEvents", scene.bus().arn))])
        #expect(scene.refusal("shop", by: alice) == nil)
        #expect(scene.refusal("shop", bus: "other", by: alice) != nil, "the policy names one bus")
        #expect(scene.refusal("shop", by: "arn:aws:iam::111122223333:user/bob")?.contains("not one that") == true)
    }

    @Test func aBoundaryLimitsAndAnUnreadablePolicyClosesItsUser() throws {
        let scene = RouterScene()
        var user = Declared.user("alice", Declared.allow("*"))
        user.permissionsBoundary = Declared.allow("sqs:*")
        scene.declare([user])
        #expect(scene.refusal("shop", by: alice)?.contains("no permissions boundary allows") == true)
        scene.declare([Declared.user("alice", Declared.allow("*"), "{}")])
        #expect(scene.refusal("shop", by: alice)?.hasSuffix("(one of its policies cannot be read)") == true)
        let decider = try #require(scene.router.decider as? PolicyDecider)
        #expect(decider.directory.faults.count == 1)
        #expect(decider.directory.faults.first?.hasPrefix("identity policy 2 of \(alice) cannot be read") == true)
    }

    @Test func acrossAccountsBothSidesMustAllow() {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        scene.allow("111122223333", on: orders)
        scene.declare([Declared.user("alice")])
        #expect(scene.refusal("shop", bus: orders.arn, by: alice)?.contains("no identity-based policy") == true)
        scene.declare([Declared.user("alice", Declared.allow("events:*"))])
        #expect(scene.refusal("shop", bus: orders.arn, by: alice) == nil)
        scene.putPolicy(organizationPolicy(orders, "o-1"), on: orders)
        #expect(scene.refusal("shop", bus: orders.arn, by: alice)?.contains("no resource-based policy") == true)
        scene.declare([Declared.user("alice", Declared.allow("events:*"))], organization: "o-1")
        #expect(scene.refusal("shop", bus: orders.arn, by: alice) == nil)
        #expect(scene.refusal("shop", bus: orders.arn, by: "arn:aws:iam::111122223333:root") == nil)
    }

    private func organizationPolicy(_ bus: BusAddress, _ organization: String) -> String {
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","#
            + #""Resource":"\#(bus.arn)","Condition":{"StringEquals":{"aws:PrincipalOrgID":"\#(organization)"}}}}"#
    }

    @Test func aForwardWithARoleNeedsTrustPolicyAndBothSides() throws {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        let queue = scene.createQueue("q", of: RouterScene.b)
        let letters = scene.createQueue("dlq")
        scene.putRule("in", pattern: all, on: orders, targets: [(queue, [:])])
        let definition: JSONObject = [
            "RoleArn": .string(role), "DeadLetterConfig": .object(["Arn": .string(letters)]),
        ]
        scene.putRule("out", pattern: all, on: scene.bus(), targets: [(orders.arn, definition)])
        scene.putPolicy(organizationPolicy(orders, "o-1"), on: orders)
        let rule = scene.bus().ruleARN("out")
        let trust = Declared.trust(sourceARN: rule)
        let allow = Declared.allow("events:PutEvents", orders.arn)
        func failure(_ declared: PrincipalDeclaration, _ organization: String? = "o-1") throws -> [String?] {
            scene.declare([declared], organization: organization)
            scene.put("shop")
            let letter = try #require(scene.drain("dlq").first)
            return [letter.text("ERROR_CODE"), letter.text("ERROR_MESSAGE"), letter.text("RETRY_ATTEMPTS")]
        }
        let refusal = "Provided role '\(role)' cannot be assumed by principal 'events.amazonaws.com'."
        #expect(
            try failure(Declared.role("other", trust: trust, allow)) == [
                "FAILED_TO_ASSUME_ROLE", "\(refusal) There is no such role.", nil,
            ]
        )
        #expect(
            try failure(Declared.role("forward", trust: Declared.trust(sourceARN: rule + "x"), allow)) == [
                "FAILED_TO_ASSUME_ROLE", "\(refusal) Its trust policy does not let it for \(rule).", nil,
            ]
        )
        #expect(
            try failure(Declared.role("forward", trust: nil, allow))[0] == "FAILED_TO_ASSUME_ROLE"
        )
        let session = "arn:aws:sts::111122223333:assumed-role/forward/out"
        let head = "User: \(session) is not authorized to perform: events:PutEvents on resource: \(orders.arn) because "
        #expect(
            try failure(Declared.role("forward", trust: trust)) == [
                "NO_PERMISSIONS", head + "no identity-based policy allows the events:PutEvents action", nil,
            ]
        )
        #expect(
            try failure(Declared.role("forward", trust: trust, allow), "o-2") == [
                "NO_PERMISSIONS", head + "no resource-based policy allows the events:PutEvents action", nil,
            ]
        )
        scene.declare([Declared.role("forward", trust: trust, allow)], organization: "o-1")
        scene.put("shop")
        #expect(scene.bodies("q", of: RouterScene.b).count == 1)
        #expect(scene.drain("dlq").isEmpty)
    }

    @Test func anOwnBusAndAnOwnQueueAskTheRoleToo() throws {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: all, on: scene.bus(), targets: [(queue, ["RoleArn": .string(role)])])
        scene.put("shop")
        #expect(scene.bodies("q").count == 1, "an account without declared roles is not limited")
        let trust = Declared.trust(sourceARN: scene.bus().ruleARN("r"))
        scene.declare([Declared.role("forward", trust: trust)])
        scene.put("shop")
        #expect(scene.bodies("q").isEmpty)
        #expect(scene.book(scene.bus()).dropped == 1)
        scene.declare([Declared.role("forward", trust: trust, Declared.allow("sqs:SendMessage", queue))])
        scene.put("shop")
        #expect(scene.bodies("q").count == 1)
    }

    @Test func aRoleOfAnotherAccountIsNobodysHere() throws {
        let scene = RouterScene()
        let decider = try #require(scene.router.decider as? PolicyDecider)
        var foreign = AccountDeclaration(account: RouterScene.b)
        foreign.principals = [Declared.role("forward", trust: Declared.trust(sourceARN: "*"), Declared.allow("*"))]
        decider.directory = IdentityDirectory([foreign])
        let verdict = decider.assume(
            role: "arn:aws:iam::444455556666:role/bus/forward",
            of: RouterScene.a,
            by: "events.amazonaws.com",
            for: scene.bus().ruleARN("r")
        )
        guard case .denied(let text) = verdict else { return #expect(Bool(false), "refused") }
        #expect(text.hasSuffix("It is not a role of account 111122223333."))
        #expect(
            !decider.assume(role: "nonsense", of: RouterScene.a, by: "events.amazonaws.com", for: "x").isAllowed
        )
    }

    @Test func aDoubtfulPolicyIsAcceptedWithAWarning() {
        let scene = RouterScene()
        let text =
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"events:PutEvents","#
            + #""Resource":"\#(scene.bus().arn)","Condition":{"StringEquals":{"aws:PrincipalOrgId2":"o"}}}}"#
        scene.putPolicy(text, on: scene.bus())
        #expect(scene.router.catalog.state.bus(scene.bus())?.policy == text)
        let warnings = scene.notices.compactMap { notice -> String? in
            if case .doubtfulPolicy(_, let warning) = notice { return warning }
            return nil
        }
        #expect(warnings == ["statement 1: unknown condition key aws:PrincipalOrgId2"])
    }

    @Test func namesAndPathsFollowIAM() {
        #expect(PrincipalDeclaration.fault(name: "a.b@c-d_e=f+g,h", path: "/x/y/") == nil)
        for (name, path) in [
            ("", "/"), ("a b", "/"), ("a:root", "/"), ("ä", "/"), ("a", ""), ("a", "/x"), ("a", "/ /"),
        ] {
            #expect(PrincipalDeclaration.fault(name: name, path: path) != nil, "\(name) \(path)")
        }
    }
}

extension ReceivedQueueMessage {
    /// The value of a string attribute.
    func text(_ name: String) -> String? {
        for attribute in content.attributes where attribute.name == name {
            if case .text(let text) = attribute.value { return text }
        }
        return nil
    }
}
