import Foundation
import SansIO
import Testing
import Transport

@testable import busbar

@Suite struct ListenerCertificatesTests {
    private func configuration(_ certificate: String = "node.pem") -> TLSConfiguration {
        TLSConfiguration(
            certificateChainFile: TestNodeFiles.shared.path(certificate),
            privateKeyFile: TestNodeFiles.shared.path("node.key")
        )
    }

    @Test func listenersWithTheSameFilesShareAStore() throws {
        var certificates = ListenerCertificates()
        let plain = try certificates.context(for: nil)
        #expect(plain === nil && certificates.stores.isEmpty)
        let first = try certificates.context(for: configuration())
        let second = try certificates.context(for: configuration())
        #expect(first !== nil && second !== nil && first !== second && certificates.stores.count == 1)
        #expect(certificates.stores[0].poll().isEmpty)
        #expect(certificates.stores[0].status.validities.map(\.kind) == [.own])
    }

    @Test func aFileThatIsNotUsableIsNamed() throws {
        var certificates = ListenerCertificates()
        let missing = configuration("nowhere.pem")
        do {
            _ = try certificates.context(for: missing)
            Issue.record("a missing file was taken")
        } catch {
            #expect("\(error)".contains("nowhere.pem"))
        }
    }

    @Test func metricsGiveOneSampleForEachName() {
        let now = Timestamp(milliseconds: 1_000_000)
        func item(_ kind: CertificateValidity.Kind, _ name: String, _ seconds: Int) -> CertificateValidity {
            CertificateValidity(kind: kind, name: name, notBefore: now, notAfter: now + .seconds(seconds))
        }
        var peers = CertificateStatus()
        peers.validities = [item(.own, "CN=n", 50), item(.authority, "CN=a", 900), item(.authority, "CN=a", 300)]
        peers.reloads = 2
        var listener = CertificateStatus()
        listener.validities = [item(.own, "CN=n", 40)]
        listener.reloads = 1
        listener.usesFormerFiles = true
        var page = MetricsPage()
        page.add([peers, listener], now: now)
        let samples = page.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(
            samples == [
                #"busbar_certificate_expires_in_seconds{kind="authority",name="CN=a"} 300"#,
                #"busbar_certificate_expires_in_seconds{kind="own",name="CN=n"} 40"#,
                "busbar_certificate_reloads_total 3",
                "busbar_certificate_reload_failures_total 0",
                "busbar_certificate_uses_former_files 1",
            ]
        )
    }
}
