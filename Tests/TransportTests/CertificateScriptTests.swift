import Foundation
import SansIO
import Testing
import Transport

/// The scripts in `certs/`, by what a node makes of their files.
@Suite(.timeLimit(.minutes(10))) struct CertificateScriptTests {
    private let folder: CertificateFolder

    init() throws {
        folder = try CertificateFolder()
    }

    @discardableResult
    private func run(_ script: String, _ arguments: String...) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = TestCertificates.script.deletingLastPathComponent().appendingPathComponent(script)
        process.arguments = [folder.directory.path] + arguments
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    private func store(_ node: String) throws -> CertificateStore {
        try CertificateStore(
            files: CertificateFiles(
                certificateChainFile: folder.path("\(node).pem"),
                privateKeyFile: folder.path("\(node).key"),
                authorityFiles: [folder.path("ca.pem")],
                revocationListFiles: [folder.path("crl.pem")]
            )
        )
    }

    /// Why one node refuses another's certificate; nil when it does not.
    private func refusal(of node: String, by other: String) throws -> TLSError.Code? {
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let verifier = try ChainVerifier(store(other))
        do {
            for usage in [CertificateUsage.client, .server] {
                _ = try verifier.verify(store(node).ownChain, usage: usage, now: now)
            }
            return nil
        } catch let error as TLSError {
            return error.code
        }
    }

    private func names(_ node: String) throws -> CertificateIdentity? { try store(node).ownChain.first?.identity }

    private static let nodes = ["west/w1=123456789012", "hub/h1=*", "plant:line/n1=210987654321,123456789012"]

    @Test func aClusterOfCellsAndASiteVerifies() throws {
        let made = try run("make-cluster-certs", Self.nodes[0], Self.nodes[1], Self.nodes[2])
        #expect(made.status == 0, "\(made.text)")
        for node in ["w1", "h1", "n1"] {
            for other in ["w1", "h1", "n1"] { #expect(try refusal(of: node, by: other) == nil) }
        }
        #expect(try names("w1")?.uris == ["spiffe://busbar.local/cell/west/node/w1"])
        #expect(try names("w1")?.dnsNames == ["localhost", "123456789012.account.busbar.local"])
        #expect(try names("h1")?.dnsNames == ["localhost", "*.account.busbar.local"])
        #expect(try names("n1")?.uris == ["spiffe://plant.busbar.local/cell/line/node/n1"])
        #expect(try store("n1").ownChain.count == 2)
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.path("n1.key"))
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        let again = try run("make-cluster-certs", Self.nodes[0], Self.nodes[1], Self.nodes[2])
        #expect(again.status == 0 && again.text == "")
        // With another account the site's authority has to be another one too.
        let wider = try run("make-cluster-certs", "plant:line/n1=210987654321")
        #expect(wider.text.contains("site-plant.pem") && wider.text.contains("n1.pem"))
    }

    @Test func revokingANodeOrASiteShowsInTheList() throws {
        try run("make-cluster-certs", Self.nodes[0], Self.nodes[1], Self.nodes[2])
        #expect(try run("revoke", "w1").status == 0)
        #expect(try refusal(of: "w1", by: "h1") == .certificateRevoked)
        #expect(try refusal(of: "n1", by: "h1") == nil)
        #expect(try run("revoke", "site-plant").status == 0)
        #expect(try refusal(of: "n1", by: "h1") == .certificateRevoked)
        #expect(try run("revoke", "w1").text.contains("revoked already"))
        #expect(try run("revoke", "nobody").status == 2)
        #expect(try run("revoke").status == 0)
        #expect(try refusal(of: "w1", by: "h1") == .certificateRevoked)
        #expect(try refusal(of: "h1", by: "h1") == nil)
    }

    @Test func aSiteKeepsItsKeyAndItsListWhenItsAccountsChange() throws {
        try run("make-cluster-certs", Self.nodes[1], "plant:line/n1=123456789012", "plant:line/n2=210987654321")
        for name in ["n1", "n2"] {
            try FileManager.default.copyItem(atPath: folder.path("\(name).pem"), toPath: folder.path("old-\(name).pem"))
            try FileManager.default.copyItem(atPath: folder.path("\(name).key"), toPath: folder.path("old-\(name).key"))
        }
        #expect(try run("revoke", "n1").status == 0)
        let key = try String(contentsOfFile: folder.path("site-plant.key"), encoding: .utf8)
        let changed = try run("make-cluster-certs", "plant:line/n3=123456789012")
        #expect(changed.text.contains("site-plant.pem") && changed.text.contains("n3.pem"))
        #expect(try String(contentsOfFile: folder.path("site-plant.key"), encoding: .utf8) == key)
        for _ in 0..<2 {
            #expect(try refusal(of: "old-n1", by: "h1") == .certificateRevoked)
            #expect(try refusal(of: "n3", by: "h1") == nil)
            #expect(try run("revoke").status == 0)
        }
        // The site has lost this node's account, and can still revoke it.
        #expect(try run("revoke", "old-n2").status == 0)
        #expect(try refusal(of: "old-n2", by: "h1") == .certificateRevoked)
        #expect(try run("revoke", "n3").status == 0)
        #expect(try refusal(of: "n3", by: "h1") == .certificateRevoked)
        // A site that is revoked itself is not trusted with its key again.
        #expect(try run("revoke", "site-plant").status == 0)
        #expect(try run("make-cluster-certs", "plant:line/n4=123456789012,210987654321").status == 0)
        #expect(try String(contentsOfFile: folder.path("site-plant.key"), encoding: .utf8) != key)
        #expect(try refusal(of: "old-n1", by: "h1") == .certificateRevoked)
        #expect(try refusal(of: "n4", by: "h1") == nil)
        #expect(try run("revoke", "n4").status == 0)
        #expect(try refusal(of: "n4", by: "h1") == .certificateRevoked)
    }

    @Test func anAuthorityIsChangedInTwoSteps() throws {
        try run("make-cluster-certs", Self.nodes[0], Self.nodes[1], Self.nodes[2])
        try run("revoke", "w1")
        #expect(try run("rotate-authority", "begin").status == 0)
        #expect(try refusal(of: "h1", by: "h1") == nil)
        #expect(try refusal(of: "w1", by: "h1") == .certificateRevoked)
        try FileManager.default.removeItem(atPath: folder.path("h1.pem"))
        #expect(try run("make-cluster-certs", Self.nodes[1]).text.contains("h1.pem"))
        #expect(try refusal(of: "h1", by: "n1") == nil)
        #expect(try refusal(of: "n1", by: "h1") == nil)
        #expect(try run("rotate-authority", "end").status == 0)
        #expect(try refusal(of: "h1", by: "h1") == nil)
        #expect(try refusal(of: "n1", by: "h1") == .unknownAuthority)
        #expect(try run("make-cluster-certs", Self.nodes[2]).text.contains("site-plant.pem"))
        #expect(try refusal(of: "n1", by: "h1") == nil)
        #expect(try run("rotate-authority", "sideways").status == 2)
    }

    @Test(arguments: [
        "w1", "west/w1", "west/w1=", "west/w1=12345", "west/w1=123456789012,", "west/ca=123456789012", "plant:c/n=*",
        "UP:c/n=123456789012", "a/b/c=123456789012", "west/w1=123456789012;id",
    ])
    func aMalformedNodeIsRefusedInWords(_ argument: String) throws {
        let result = try run("make-cluster-certs", argument)
        #expect(result.status == 2 && result.text.hasPrefix("make-cluster-certs: "))
        #expect(!FileManager.default.fileExists(atPath: folder.path("ca.pem")))
    }
}
