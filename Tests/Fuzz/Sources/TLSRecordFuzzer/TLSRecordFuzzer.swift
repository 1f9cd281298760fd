import Foundation
import FuzzDriver
import Transport
import TransportFuzzing

/// Two ends with certificates of this run.
///
/// `nonisolated(unsafe)`: made once and only read by the one thread that libFuzzer has.
nonisolated(unsafe) private let check = makeCheck()

private func makeCheck() -> TLSFuzzCheck {
    let package = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    let script = package.deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("certs/make-dev-certs")
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("busbar-fuzz-\(UUID().uuidString)")
    do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = script
        process.arguments = [folder.path]
        try process.run()
        process.waitUntilExit()
        let server = TLSConfiguration(
            certificateChainFile: folder.appendingPathComponent("node.pem").path,
            privateKeyFile: folder.appendingPathComponent("node.key").path,
            peerVerification: .none,
            minimumVersion: .tls12,
            applicationProtocols: .http2AndHTTP1
        )
        let client = TLSConfiguration(
            certificateChainFile: nil,
            privateKeyFile: nil,
            peerVerification: .required(caFile: folder.appendingPathComponent("ca.pem").path),
            applicationProtocols: .http2AndHTTP1
        )
        return TLSFuzzCheck(
            server: try TLSContext(role: .server, configuration: server),
            client: try TLSContext(role: .client, configuration: client)
        )
    } catch {
        preconditionFailure("cannot make certificates: \(error)")
    }
}

/// libFuzzer with this target's check.
@_cdecl("TLSRecordFuzzer_main")
public func startFuzzer(
    _ argumentCount: CInt,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
    FuzzDriver.run(argumentCount, arguments) { FuzzDriver.check($0, $1, check.check) }
}
