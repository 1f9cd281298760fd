import Foundation
import Transport

/// Certificates that `certs/make-dev-certs` made for this run of the tests, in a directory of their own.
struct TestCertificates {
    let directory: URL

    /// Made once for all tests that only read them.
    static let shared = Result { try TestCertificates() }

    static let clients = ["123456789012/alice", "210987654321/bob"]

    /// The script, found from this file, which the build may see through a link.
    static var script: URL {
        URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("certs/make-dev-certs")
    }

    init() throws {
        directory = try TemporaryFolders.make("busbar-certs")
        try make()
    }

    /// Runs the script and gives back what it printed.
    @discardableResult
    func make() throws -> String {
        let process = Process()
        process.executableURL = Self.script
        process.arguments = [directory.path] + Self.clients
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ScriptFailed(status: process.terminationStatus) }
        return String(decoding: text, as: UTF8.self)
    }

    struct ScriptFailed: Error {
        let status: Int32
    }

    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

    var authority: String { path("ca.pem") }

    func server(
        _ verification: TLSConfiguration.PeerVerification = .none,
        protocols: TLSConfiguration.ApplicationProtocols = .http2AndHTTP1,
        minimum: TLSConfiguration.MinimumVersion = .tls12
    ) throws -> TLSContext {
        try TLSContext(
            role: .server,
            configuration: TLSConfiguration(
                certificateChainFile: path("node.pem"),
                privateKeyFile: path("node.key"),
                peerVerification: verification,
                minimumVersion: minimum,
                applicationProtocols: protocols
            )
        )
    }

    /// The node's own client context, as it talks to its peers.
    func peer(authority: String? = nil, minimum: TLSConfiguration.MinimumVersion = .tls13) throws -> TLSContext {
        try TLSContext(
            role: .client,
            configuration: TLSConfiguration(
                certificateChainFile: path("node.pem"),
                privateKeyFile: path("node.key"),
                peerVerification: .required(caFile: authority ?? self.authority),
                minimumVersion: minimum,
                applicationProtocols: .http2
            )
        )
    }

    /// The node's own server context, as its peers see it.
    func peerListener() throws -> TLSContext {
        try server(.required(caFile: authority), protocols: .http2, minimum: .tls13)
    }

    func client(
        _ name: String? = nil,
        protocols: TLSConfiguration.ApplicationProtocols = .http2AndHTTP1
    ) throws -> TLSContext {
        try TLSContext(
            role: .client,
            configuration: TLSConfiguration(
                certificateChainFile: name.map { path("\($0).pem") },
                privateKeyFile: name.map { path("\($0).key") },
                peerVerification: .required(caFile: authority),
                applicationProtocols: protocols
            )
        )
    }
}
