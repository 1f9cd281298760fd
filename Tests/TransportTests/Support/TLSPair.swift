import NIOCore
import SansIO
import Transport

/// Two ends of a TLS connection without a socket.
struct TLSPair {
    let client: TLSSession
    let server: TLSSession
    /// What each end's handshake came to.
    private(set) var clientStatus = TLSSession.HandshakeStatus.needsInput
    private(set) var serverStatus = TLSSession.HandshakeStatus.needsInput
    /// What the client's first reading after its handshake failed with, such as the server's refusal.
    private(set) var clientReadError: TLSError?

    /// Shakes hands to the end.
    init(client: TLSSession, server: TLSSession) {
        self.client = client
        self.server = server
        clientStatus = client.handshake()
        while client.outputBytes > 0 || server.outputBytes > 0 {
            Self.carry(from: client, to: server)
            if serverStatus == .needsInput { serverStatus = server.handshake() }
            Self.carry(from: server, to: client)
            if clientStatus == .needsInput { clientStatus = client.handshake() }
            if clientStatus == .complete { readAsClient() }
        }
    }

    private static func carry(from: TLSSession, to: TLSSession) {
        guard from.outputBytes > 0 else { return }
        let bytes = from.output
        from.clearOutput()
        to.receive(bytes)
    }

    private mutating func readAsClient() {
        var storage = [UInt8](repeating: 0, count: 1024)
        if case .failed(let error) = storage.withUnsafeMutableBytes({ client.read(into: $0) }) {
            clientReadError = clientReadError ?? error
        }
    }

    var isComplete: Bool { clientStatus == .complete && serverStatus == .complete }

    /// Why the server refused the client.
    var serverError: TLSError? {
        if case .failed(let error) = serverStatus { return error }
        return nil
    }

    /// Why the client refused the server.
    var clientError: TLSError? {
        if case .failed(let error) = clientStatus { return error }
        return nil
    }
}
