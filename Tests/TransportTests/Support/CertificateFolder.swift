import Foundation
import SansIO
import Synchronization
import Transport

/// A wall clock that a test sets.
final class TestClock: Sendable {
    private let time: Mutex<Timestamp>

    init(_ time: Timestamp = Timestamp(milliseconds: 1_800_000_000_000)) {
        self.time = Mutex(time)
    }

    var now: Timestamp { time.withLock { $0 } }

    func advance(_ duration: Duration) { time.withLock { $0 = $0 + duration } }

    /// As ``TLSContext`` and ``CertificateStore`` take it.
    var read: @Sendable () -> Timestamp { { self.now } }
}

/// PEM files of one node, in a directory of their own that goes with this object.
final class CertificateFolder: Sendable {
    let directory: URL

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("busbar-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    /// Replaces a file in one step, as a sound issuer does.
    func write(_ name: String, _ text: String) throws {
        try Data(text.utf8).write(to: directory.appendingPathComponent(name), options: .atomic)
    }

    /// Writes a certificate with its chain and key, and what it trusts.
    func write(_ certificate: TestCertificate, authorities: [TestAuthority], lists: String? = nil) throws {
        try write("node.pem", certificate.chainPEM)
        try write("node.key", certificate.keyPEM)
        try write("ca.pem", authorities.map(\.certificate.pem).joined())
        if let lists { try write("crl.pem", lists) }
    }

    func files(lists: Bool = false) -> CertificateFiles {
        CertificateFiles(
            certificateChainFile: path("node.pem"),
            privateKeyFile: path("node.key"),
            authorityFiles: [path("ca.pem")],
            revocationListFiles: lists ? [path("crl.pem")] : []
        )
    }

    /// A store over new files.
    static func store(
        _ certificate: TestCertificate,
        authorities: [TestAuthority],
        lists: String? = nil,
        policy: CertificatePolicy = .member,
        clock: TestClock
    ) throws -> (store: CertificateStore, folder: CertificateFolder) {
        let folder = try CertificateFolder()
        try folder.write(certificate, authorities: authorities, lists: lists)
        let files = folder.files(lists: lists != nil)
        return (try CertificateStore(files: files, policy: policy, clock: clock.read), folder)
    }
}
