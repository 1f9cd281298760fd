import Foundation
import Testing

extension NodeTests {
    /// Scripts that drive a node through boto3, or through raw sockets.
    @Suite struct ScriptTests {
        @Test(arguments: ["events_api.py", "queues_api.py", "bad_input.py"])
        func script(name: String) async throws {
            let result = try await withNode { node in try node.run(name) }
            expectSuccess(result)
        }

        @Test func deliveriesWithCertificates() async throws {
            let result = try await withNode(certificates: true) { node in try node.run("delivery.py") }
            expectSuccess(result)
        }

        @Test func aListenersCertificateIsReplacedWithoutAFailure() async throws {
            let make = Tools.root.appendingPathComponent("certs/make-dev-certs").path
            let result = try await withNode(certificates: true) { node in
                try node.run("listener_certificate.py", [make])
            }
            expectSuccess(result)
        }

        @Test func attacksOnARealProcessCostItLittle() async throws {
            let result = try await withNode(certificates: true) { node in
                try node.run("abuse.py", [String(node.process.identifier)])
            }
            expectSuccess(result)
            print("attacks: \(result.transcript)")
        }
    }
}
