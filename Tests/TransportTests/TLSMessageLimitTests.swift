import COpenSSL
import NIOCore
import Testing

@testable import Transport

/// Messages of the handshake protocol after the handshake (RFC 8446 §4.6.3).
@Suite struct TLSMessageLimitTests {
    private func pair() throws -> TLSPair {
        let certificates = try TestCertificates.shared.get()
        let pair = TLSPair(
            client: try TLSSession(context: certificates.client(), serverName: "localhost"),
            server: try TLSSession(context: certificates.server())
        )
        #expect(pair.isComplete)
        return pair
    }

    private func read(_ session: TLSSession) -> TLSSession.ReadResult {
        var storage = [UInt8](repeating: 0, count: 1024)
        return storage.withUnsafeMutableBytes { session.read(into: $0) }
    }

    private func update(_ session: TLSSession, times: Int) {
        for _ in 0..<times { session.requestKeyUpdate(SSL_KEY_UPDATE_NOT_REQUESTED) }
    }

    @Test func someKeyUpdatesAreTaken() throws {
        let pair = try pair()
        update(pair.client, times: 20)
        #expect([UInt8]([1, 2]).withUnsafeBytes { pair.client.write($0) } == nil)
        pair.server.receive(pair.client.output)
        #expect(read(pair.server) == .bytes(2))
        #expect(!pair.server.isOverMessageLimit)
    }

    @Test func nothingIsDecryptedBehindTooManyKeyUpdates() throws {
        let pair = try pair()
        update(pair.client, times: 1000)
        let bytes = pair.client.output
        pair.server.receive(bytes)
        let error = TLSError(.protocolError, operation: "read", reason: "too many handshake messages")
        #expect(read(pair.server) == .failed(error))
        #expect(pair.server.isOverMessageLimit)
        let each = bytes.readableBytes / 1000
        #expect(pair.server.unreadBytes == bytes.readableBytes - 21 * each)
    }

    @Test func aClientBoundsWhatItsServerSendsToo() throws {
        let pair = try pair()
        pair.server.clearOutput()
        update(pair.server, times: 1000)
        pair.client.receive(pair.server.output)
        #expect(read(pair.client) != .needsInput)
        #expect(pair.client.isOverMessageLimit)
    }
}
