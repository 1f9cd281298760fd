import EventModel
import SansIO
import Testing

@testable import AccessPolicy

@Suite struct PolicyDocumentTests {
    private func statement(_ members: String) -> String {
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",\#(members)}]}"#
    }

    private let rest = #""Action":"events:*","Resource":"*""#

    // spec: control §8.1
    @Test(arguments: [
        (#"{"Statement":{"Effect":"Deny","Principal":"*","NotAction":"a:b","NotResource":["*"]}}"#, 1),
        (
            #"{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"","Effect":"Allow","Principal":{"AWS":"*"},"Action":"*","Resource":"*"},{"Sid":"","Effect":"Allow","NotPrincipal":{"Service":["a","b"]},"Action":["a:*"],"Resource":["arn:x"],"Condition":{}}]}"#,
            2
        ),
    ])
    func accepts(_ text: String, _ statements: Int) throws {
        let document = try PolicyDocument(parsing: text)
        #expect(document.statements.count == statements)
        #expect(document.version == .v2008)
        #expect(document.text == text)
    }

    @Test func keepsTheTextByteForByte() throws {
        let text = " {\n\t\"Statement\" : {\"Effect\":\"Allow\",\"Principal\":\"\\u002a\",\(rest)} }\n"
        let document = try PolicyDocument(parsing: text)
        #expect(Array(document.text.utf8) == Array(text.utf8))
        #expect(document.statements[0].principals?.names == [.everyone])
    }

    @Test(
        arguments: [
            ("[]", .wrongType(element: "the policy", expected: "an object")),
            ("{", .notJSON(.unexpectedEnd)),
            ("{} x", .notJSON(.trailingContent)),
            ("{}", .missingElement("Statement")),
            (#"{"Statement":[]}"#, .emptyList("Statement")),
            (#"{"Statement":[1]}"#, .wrongType(element: "Statement", expected: "an object")),
            (#"{"Version":"2013","Statement":[]}"#, .invalidVersion("2013")),
            (#"{"Version":2012}"#, .wrongType(element: "Version", expected: "a string")),
            (#"{"statement":[]}"#, .unknownElement("statement")),
            (#"{"Id":"a","Id":"b"}"#, .duplicateElement("Id")),
        ] as [(String, PolicyError.Reason)]
    )
    func refusesDocuments(_ text: String, _ reason: PolicyError.Reason) {
        #expect(throws: PolicyError.self) { try PolicyDocument(parsing: text) }
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: text)
        } catch {
            #expect(error.reason == reason)
        }
    }

    @Test(
        arguments: [
            (#""Action":"a:b","Resource":"*""#, .missingElement("Principal")),
            (
                #""Principal":"*","NotPrincipal":"*","Action":"a:b","Resource":"*""#,
                .exclusiveElements("Principal", "NotPrincipal")
            ),
            (#""Principal":"*","Resource":"*""#, .missingElement("Action")),
            (#""Principal":"*","Action":"a:b""#, .missingElement("Resource")),
            (
                #""Principal":"*","Action":"a:b","NotAction":"a:b","Resource":"*""#,
                .exclusiveElements("Action", "NotAction")
            ),
            (#""Principal":"x","Action":"a:b","Resource":"*""#, .invalidPrincipal("x")),
            (#""Principal":{},"Action":"a:b","Resource":"*""#, .emptyList("Principal")),
            (#""Principal":{"AWS":[]},"Action":"a:b","Resource":"*""#, .emptyList("AWS")),
            (#""Principal":{"aws":"*"},"Action":"a:b","Resource":"*""#, .unknownPrincipalType("aws")),
            (#""Principal":{"AWS":"12345678901"},"Action":"a:b","Resource":"*""#, .invalidPrincipal("12345678901")),
            (
                #""Principal":{"AWS":"arn:aws:iam::222222222222:group/g"},"Action":"a:b","Resource":"*""#,
                .invalidPrincipal("arn:aws:iam::222222222222:group/g")
            ),
            (
                #""Principal":{"AWS":"arn:aws:iam::222222222222:user/"},"Action":"a:b","Resource":"*""#,
                .invalidPrincipal("arn:aws:iam::222222222222:user/")
            ),
            (#""Principal":"*","Action":"PutEvents","Resource":"*""#, .invalidAction("PutEvents")),
            (#""Principal":"*","Action":[],"Resource":"*""#, .emptyList("Action")),
            (
                #""Principal":"*","Action":7,"Resource":"*""#,
                .wrongType(element: "Action", expected: "a string or a list of strings")
            ),
            (#""Principal":"*","Action":"a:b","Resource":"orders""#, .invalidResource("orders")),
            (#""Principal":"*","Action":"a:b","Resource":"*","Extra":1"#, .unknownElement("Extra")),
            (
                #""Principal":"*","Action":"a:b","Resource":"*","Condition":[]"#,
                .wrongType(element: "Condition", expected: "an object")
            ),
            (
                #""Principal":"*","Action":"a:b","Resource":"*","Condition":{"Equals":{"a:b":"c"}}"#,
                .unknownOperator("Equals")
            ),
            (#""Principal":"*","Action":"a:b","Resource":"*","Condition":{"Bool":{}}"#, .emptyList("Bool")),
            (#""Principal":"*","Action":"a:b","Resource":"*","Condition":{"Bool":{"a:b":[]}}"#, .emptyList("a:b")),
            (
                #""Principal":"*","Action":"a:b","Resource":"*","Condition":{"Bool":{"a:b":null}}"#,
                .wrongType(element: "a:b", expected: "a string or a list of strings")
            ),
            (
                #""Sid":1,"Principal":"*","Action":"a:b","Resource":"*""#,
                .wrongType(element: "Sid", expected: "a string")
            ),
        ] as [(String, PolicyError.Reason)]
    )
    func refusesStatements(_ members: String, _ reason: PolicyError.Reason) {
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: statement(members))
            Issue.record("accepted \(members)")
        } catch {
            #expect(error.reason == reason)
        }
    }

    @Test func refusesPrincipalsInIdentityPolicies() throws {
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: statement(#""Principal":"*","# + rest), attachment: .identity)
            Issue.record("accepted a principal")
        } catch {
            #expect(error.reason == .elementNotAllowed("Principal"))
        }
        let document = try PolicyDocument(parsing: statement(rest), attachment: .identity)
        #expect(document.statements[0].principals == nil)
    }

    @Test func refusesInvalidEffectsAndDuplicateIDsWithTheirPlace() {
        let one = #"{"Sid":"é","Effect":"Allow","Principal":"*","Action":"a:b","Resource":"*"}"#
        let text = "{\"Statement\": [\n" + one + ",\n" + one + "]}"
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: text)
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .duplicateStatementID("é"))
            #expect((error.line, error.column) == (3, 8))
            #expect(error.description == "statement id \"é\" stands twice (line 3, column 8)")
        }
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: one.replacing("Allow", with: "allow").replacing("\"é\"", with: "\"s\""))
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .unknownElement("Sid"))
            #expect(error.offset == 1)
        }
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: #"{"Statement":{"Effect":"allow"}}"#)
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .invalidEffect("allow"))
            #expect(error.offset == 23)
        }
    }

    @Test func refusesWhatIsTooLong() {
        let text = #"{"Statement":[]}"# + String(repeating: " ", count: PolicyDocument.maximumBytes)
        do throws(PolicyError) {
            _ = try PolicyDocument(parsing: text)
            Issue.record("accepted")
        } catch {
            #expect(error.reason == .tooLong(maximum: PolicyDocument.maximumBytes))
        }
    }

    /// Whatever the bytes are, reading, compiling, advising, rendering and deciding must end without a trap.
    @Test func mutatedPoliciesNeverTrap() throws {
        let seed = PolicyPropertyTests.seed("mutatedPoliciesNeverTrap")
        var random = RandomPolicies(seed: seed)
        var accepted = 0
        for _ in 0..<3_000 {
            var bytes = Array(try random.document(.resource, statements: 2).text.utf8)
            for _ in 0..<Int.random(in: 1...3, using: &random.generator) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random.generator)
                switch Int.random(in: 0..<4, using: &random.generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &random.generator)
                case 1: bytes.remove(at: place)
                case 2: bytes.insert(random.pick(Array(#"{}[]",:*?$\'0"#.utf8)), at: place)
                default:
                    let end = Int.random(in: place..<bytes.count, using: &random.generator)
                    bytes.append(contentsOf: Array(bytes[place...end]))
                }
            }
            let text = String(decoding: bytes, as: UTF8.self)
            guard let document = try? PolicyDocument(parsing: text) else { continue }
            accepted += 1
            _ = document.advice.map(\.description)
            let policies = ApplicablePolicies(
                resource: CompiledPolicy(document),
                resourceAccount: Fixture.owner,
                identity: .none
            )
            let request = random.request().authorizationRequest
            let explanation = PolicyEvaluator.explain(request, under: policies)
            #expect(!explanation.lines.isEmpty)
            let compact = try PolicyDocument(parsing: document.compactText)
            #expect(compact.statements == document.statements, "seed \(seed): \(text)")
        }
        #expect(accepted > 50, "seed \(seed)")
    }
}
