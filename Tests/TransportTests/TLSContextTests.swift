import Foundation
import Testing
import Transport

@Suite struct TLSContextTests {
    @Test func missingAndMismatchedFilesAreNamed() throws {
        let certificates = try TestCertificates.shared.get()
        func problem(_ chain: String, _ key: String) -> String? {
            let configuration = TLSConfiguration(certificateChainFile: chain, privateKeyFile: key)
            do {
                _ = try TLSContext(role: .server, configuration: configuration)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(problem("/nowhere.pem", certificates.path("node.key"))?.contains("/nowhere.pem") == true)
        #expect(problem(certificates.path("node.pem"), certificates.path("node.pem"))?.contains("private key") == true)
        #expect(problem(certificates.path("node.pem"), certificates.path("ca.key"))?.contains("private key") == true)
        #expect(problem(certificates.path("node.pem"), certificates.path("node.key")) == nil)
    }

    @Test func theScriptKeepsWhatIsValidAndGuardsItsKeys() throws {
        let certificates = try TestCertificates()
        #expect(try certificates.make() == "")
        for name in ["ca.key", "node.key", "client-123456789012-alice.key"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: certificates.path(name))
            #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        }
        try FileManager.default.removeItem(atPath: certificates.path("node.key"))
        #expect(try certificates.make().contains("node.pem"))
        _ = try certificates.server()
    }
}
