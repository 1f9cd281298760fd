import AccessPolicy
import EventModel
import Testing

/// Policies that say who may assume a role: principals, and no resources.
@Suite struct TrustPolicyTests {
    private func parse(_ statement: String) throws -> CompiledPolicy {
        try CompiledPolicy(
            parsing: #"{"Version":"2012-10-17","Statement":{\#(statement)}}"#,
            attachment: .trust
        )
    }

    private let service = #""Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sts:AssumeRole""#

    private func isAllowed(_ policy: CompiledPolicy, _ service: String, source: String = "") throws -> Bool {
        let account = try #require(AccountID("111122223333"))
        var request = AuthorizationRequest(
            principal: .service(service),
            action: .assumeRole,
            resource: "arn:aws:iam::111122223333:role/r"
        )
        request.context.add(.sourceARN, source)
        return PolicyEvaluator.decide(
            request,
            resourcePolicy: policy,
            identityPolicies: .none,
            resourceAccount: account
        ).isAllowed
    }

    @Test func theServiceNamedMayAssume() throws {
        let policy = try parse(service)
        #expect(try isAllowed(policy, "events.amazonaws.com"))
        #expect(try !isAllowed(policy, "scheduler.amazonaws.com"))
    }

    @Test func conditionsOnTheSourceHold() throws {
        let policy = try parse(service + #","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:events:*:1:rule/*"}}"#)
        #expect(try isAllowed(policy, "events.amazonaws.com", source: "arn:aws:events:r:1:rule/x"))
        #expect(try !isAllowed(policy, "events.amazonaws.com", source: "arn:aws:events:r:2:rule/x"))
    }

    @Test(arguments: ["Resource", "NotResource"])
    func resourcesAreRefused(element: String) {
        do {
            _ = try parse(service + #","\#(element)":"*""#)
            Issue.record("a trust policy has no \(element)")
        } catch {
            #expect((error as? PolicyError)?.reason == .elementNotAllowed(element))
        }
    }

    @Test func principalsAreNeeded() {
        #expect(throws: PolicyError.self) { try parse(#""Effect":"Allow","Action":"sts:AssumeRole""#) }
    }
}
