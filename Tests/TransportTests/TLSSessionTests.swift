import NIOCore
import SansIO
import Testing
import Transport

@Suite struct TLSSessionTests {
    /// Carries encrypted bytes both ways until both sides are quiet, in pieces of at most `chunk` bytes.
    private func shakeHands(_ client: TLSSession, _ server: TLSSession, chunk: Int = .max) -> [TLSSession
        .HandshakeStatus]
    {
        var statuses: [TLSSession.HandshakeStatus] = [.needsInput, .needsInput]
        statuses[0] = client.handshake()
        while client.outputBytes > 0 || server.outputBytes > 0 {
            for (from, to, index) in [(client, server, 1), (server, client, 0)] {
                var output = from.output
                from.clearOutput()
                while let piece = output.readSlice(length: min(chunk, output.readableBytes)), piece.readableBytes > 0 {
                    to.receive(piece)
                    let status = to.handshake()
                    if statuses[index] != .complete { statuses[index] = status }
                    if case .failed = status { break }
                }
            }
        }
        return statuses
    }

    private func sessions(
        _ verification: (TestCertificates) -> TLSConfiguration.PeerVerification = { _ in .none },
        client name: String? = nil,
        serverName: String = "localhost"
    ) throws -> (client: TLSSession, server: TLSSession) {
        let certificates = try TestCertificates.shared.get()
        return (
            try TLSSession(context: certificates.client(name), serverName: serverName),
            try TLSSession(context: certificates.server(verification(certificates)))
        )
    }

    @Test(arguments: [1, 7, 100, Int.max])
    func handshakeAndBytesPassInAnySplit(_ chunk: Int) throws {
        let (client, server) = try sessions()
        #expect(shakeHands(client, server, chunk: chunk) == [.complete, .complete])
        #expect(server.applicationProtocol == "h2")
        #expect(client.peerIdentity?.uris == ["spiffe://busbar.local/cell/dev/node/dev-1"])
        #expect(client.peerIdentity?.dnsNames == ["localhost", "*.account.busbar.local"])
        #expect(server.peerIdentity == nil)
        let message = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        #expect(message.withUnsafeBytes { client.write($0) } == nil)
        var received: [UInt8] = []
        var output = client.output
        client.clearOutput()
        var storage = [UInt8](repeating: 0, count: 16 << 10)
        while let piece = output.readSlice(length: min(chunk, output.readableBytes)), piece.readableBytes > 0 {
            server.receive(piece)
            while case .bytes(let count) = storage.withUnsafeMutableBytes({ server.read(into: $0) }) {
                received += storage[..<count]
            }
        }
        #expect(received == message)
    }

    @Test func theClosingAlertIsSeen() throws {
        let (client, server) = try sessions()
        #expect(shakeHands(client, server) == [.complete, .complete])
        client.close()
        server.receive(client.output)
        var storage = [UInt8](repeating: 0, count: 100)
        #expect(storage.withUnsafeMutableBytes { server.read(into: $0) } == .closed)
        #expect([1].withUnsafeBytes { client.write($0) } != nil)
    }

    @Test func aWrongServerNameIsRefused() throws {
        let (client, server) = try sessions(serverName: "elsewhere.example")
        let statuses = shakeHands(client, server)
        guard case .failed(let error) = statuses[0] else {
            Issue.record("the client took a certificate for another name")
            return
        }
        #expect(error.reason.contains("hostname mismatch"))
    }

    @Test func anAddressIsLookedForAmongTheAddresses() throws {
        for (address, isTaken) in [("127.0.0.1", true), ("::1", true), ("127.0.0.2", false), ("::2", false)] {
            let (client, server) = try sessions(serverName: address)
            let statuses = shakeHands(client, server)
            #expect((statuses[0] == .complete) == isTaken)
            if case .failed(let error) = statuses[0] { #expect(error.code == .wrongName) }
        }
    }

    @Test func aVerifiedClientHasAnIdentity() throws {
        let (client, server) = try sessions({ .required(caFile: $0.authority) }, client: "client-123456789012-alice")
        #expect(shakeHands(client, server) == [.complete, .complete])
        let identity = CertificateIdentity(
            uris: ["spiffe://busbar.local/account/123456789012/user/alice"],
            dnsNames: []
        )
        #expect(server.peerIdentity == identity)
    }

    @Test func brokenRecordsFailWithAnAlertAndStayFailed() throws {
        let (client, server) = try sessions()
        #expect(shakeHands(client, server) == [.complete, .complete])
        server.receive(ByteBuffer(bytes: [23, 3, 3, 0, 20] + Array(repeating: 9, count: 20)))
        var storage = [UInt8](repeating: 0, count: 100)
        guard case .failed = storage.withUnsafeMutableBytes({ server.read(into: $0) }) else {
            Issue.record("a record that does not decrypt was taken")
            return
        }
        #expect(server.outputBytes > 0)
        guard case .failed = storage.withUnsafeMutableBytes({ server.read(into: $0) }) else {
            Issue.record("a broken connection came back to life")
            return
        }
    }

    @Test func anotherConnectionsErrorDoesNotSpill() throws {
        let (client, server) = try sessions()
        #expect(shakeHands(client, server) == [.complete, .complete])
        let (_, broken) = try sessions()
        broken.receive(ByteBuffer(string: "GET / HTTP/1.1\r\n\r\n"))
        guard case .failed = broken.handshake() else {
            Issue.record("plain text passed for a handshake")
            return
        }
        var storage = [UInt8](repeating: 0, count: 100)
        #expect(storage.withUnsafeMutableBytes { server.read(into: $0) } == .needsInput)
    }

    @Test func noBytesMakeAHandshakeTrap() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let (client, server) = try sessions()
            _ = client.handshake()
            var bytes = Array(client.output.readableBytesView)
            for _ in 0..<Int.random(in: 1...5, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            server.receive(ByteBuffer(bytes: bytes))
            #expect(server.handshake() != .complete, "seed \(seed)")
        }
    }
}
