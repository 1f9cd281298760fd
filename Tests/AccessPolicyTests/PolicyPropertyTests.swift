import EventModel
import SansIO
import Testing

@testable import AccessPolicy

@Suite struct PolicyPropertyTests {
    static func seed(_ name: String) -> UInt64 {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("\(name): seed \(seed)")
        return seed
    }

    private func compiled(_ plain: PlainEvaluator) -> ApplicablePolicies {
        ApplicablePolicies(
            resource: plain.resource.map { CompiledPolicy($0) },
            resourceAccount: plain.owner,
            identity: plain.identity.map { .policies($0.map { CompiledPolicy($0) }) } ?? .allowAll,
            permissionsBoundary: plain.boundary.map { CompiledPolicy($0) },
            session: plain.session.map { CompiledPolicy($0) }
        )
    }

    private func policies(_ random: inout RandomPolicies) throws -> PlainEvaluator {
        var plain = PlainEvaluator(owner: Fixture.owner)
        let statements = Int.random(in: 1...5, using: &random.generator)
        if random.chance(90) { plain.resource = try random.document(.resource, statements: statements) }
        plain.identity = random.chance(30) ? nil : []
        for _ in 0..<Int.random(in: 0...2, using: &random.generator) where plain.identity != nil {
            plain.identity?.append(try random.document(.identity, statements: 2))
        }
        if random.chance(15) { plain.boundary = try random.document(.identity, statements: 2) }
        if random.chance(15) { plain.session = try random.document(.identity, statements: 2) }
        return plain
    }

    @Test func agreesWithThePlainEvaluator() throws {
        let seed = Self.seed("agreesWithThePlainEvaluator")
        var random = RandomPolicies(seed: seed)
        var counts: [String: Int] = [:]
        for _ in 0..<1_500 {
            let plain = try policies(&random)
            let compiled = compiled(plain)
            for _ in 0..<4 {
                let request = random.request()
                let decision = PolicyEvaluator.decide(request.authorizationRequest, under: compiled)
                let expected = plain.decide(request)
                counts[expected, default: 0] += 1
                if decision.summary != expected {
                    let policies = [plain.resource?.text ?? "-"] + (plain.identity ?? []).map(\.text)
                    Issue.record("seed \(seed): \(decision) is not \(expected) for \(request) under \(policies)")
                    return
                }
            }
        }
        // Each answer must be frequent, or the comparison shows nothing.
        for answer in ["ALLOW", "DENY(explicit)", "DENY(implicit)"] {
            #expect(counts[answer, default: 0] > 300, "seed \(seed)")
        }
    }

    @Test func addingADenyNeverAllowsMore() throws {
        let seed = Self.seed("addingADenyNeverAllowsMore")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<600 {
            let request = random.request().authorizationRequest
            let statements = (0..<3).map { _ in random.statement(.resource) }
            let before = try decide(request, statements)
            let after = try decide(request, statements + [random.statement(.resource, effect: "Deny")])
            #expect(before.isAllowed || !after.isAllowed, "seed \(seed)")
        }
    }

    @Test func removingAnAllowNeverAllowsMore() throws {
        let seed = Self.seed("removingAnAllowNeverAllowsMore")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<600 {
            let request = random.request().authorizationRequest
            let statements = (0..<3).map { _ in random.statement(.resource) }
            let fuller = try decide(request, statements + [random.statement(.resource, effect: "Allow")])
            let poorer = try decide(request, statements)
            #expect(fuller.isAllowed || !poorer.isAllowed, "seed \(seed)")
        }
    }

    @Test func orderOfStatementsNeverMatters() throws {
        let seed = Self.seed("orderOfStatementsNeverMatters")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<600 {
            let request = random.request().authorizationRequest
            let statements = (0..<5).map { _ in random.statement(.resource) }
            let shuffled = statements.shuffled(using: &random.generator)
            #expect(try decide(request, statements).summary == decide(request, shuffled).summary, "seed \(seed)")
        }
    }

    /// Explaining must agree with deciding, and a near miss must have a reason.
    @Test func explanationsAgreeWithDecisions() throws {
        let seed = Self.seed("explanationsAgreeWithDecisions")
        var random = RandomPolicies(seed: seed)
        for _ in 0..<600 {
            let compiled = compiled(try policies(&random))
            let request = random.request().authorizationRequest
            let explanation = PolicyEvaluator.explain(request, under: compiled)
            #expect(explanation.decision == PolicyEvaluator.decide(request, under: compiled), "seed \(seed)")
            switch explanation.decision {
            case .allow(by: .statement(let reference)):
                #expect(compiled.statement(reference)?.effect == .allow, "seed \(seed)")
            case .deny(.explicit(let reference)):
                #expect(compiled.statement(reference)?.effect == .deny, "seed \(seed)")
                #expect(explanation.deciding?.reference == reference, "seed \(seed)")
            case .deny(.implicit(.resource)):
                #expect(explanation.nearest?.mismatches.isEmpty != true, "seed \(seed)")
            default: break
            }
        }
    }

    private func decide(_ request: AuthorizationRequest, _ statements: [JSONValue]) throws -> PolicyDecision {
        PolicyEvaluator.decide(
            request,
            resourcePolicy: CompiledPolicy(try RandomPolicies.document(statements, .resource)),
            identityPolicies: .allowAll,
            resourceAccount: Fixture.owner
        )
    }
}
