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

    /// A connection of TLS 1.2, and what its client needs to go on with further handshakes.
    private func renegotiating() throws -> (TLSPair, RenegotiatingClient) {
        let certificates = try TestCertificates.shared.get()
        let pair = TLSPair(
            client: try RenegotiatingClient.session(certificates.client()),
            server: try TLSSession(context: certificates.server())
        )
        #expect(pair.isComplete)
        return (pair, try #require(RenegotiatingClient(pair.client)))
    }

    @Test func anotherHandshakeIsDeclinedAndTheConnectionGoesOn() throws {
        let (pair, client) = try renegotiating()
        // Each counts with the alert that answers it, of a header, a nonce, two bytes and a tag.
        pair.server.receive(ByteBuffer(bytes: client.hellos(10)))
        #expect(read(pair.server) == .needsInput)
        #expect(!pair.server.isOverMessageLimit)
        #expect(pair.server.outputBytes == 10 * (5 + 8 + 2 + 16))
        #expect([UInt8]([1, 2]).withUnsafeBytes { pair.server.write($0) } == nil)
    }

    @Test func nothingIsDecryptedBehindTooManyAttemptsAtAnotherHandshake() throws {
        let (pair, client) = try renegotiating()
        let bytes = client.hellos(1000)
        pair.server.receive(ByteBuffer(bytes: bytes))
        let error = TLSError(.protocolError, operation: "read", reason: "too many handshake messages")
        #expect(read(pair.server) == .failed(error))
        #expect(pair.server.isOverMessageLimit)
        #expect(pair.server.unreadBytes == bytes.count / 1000 * (1000 - 11))
        #expect(pair.server.outputBytes <= 11 * (5 + 8 + 2 + 16))
    }

    @Test func aPeersListenerHasNoTLS12ToRenegotiate() throws {
        let certificates = try TestCertificates.shared.get()
        let pair = TLSPair(
            client: try RenegotiatingClient.session(certificates.client()),
            server: try TLSSession(context: certificates.peerListener())
        )
        #expect(pair.serverError?.code == .protocolError)
        #expect(!pair.isComplete)
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
