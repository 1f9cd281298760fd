import COpenSSL
import SansIO
import Testing
import Transport

/// Attacks with connections as such.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ConnectionAttackTests {
    @Test func handshakesThatNeverEndAreEnded() async throws {
        try await Attack.run {
            // As the default: the other client's handshakes have to be done within it.
            $0.handshakeTimeout = .seconds(10)
        } _: { attack in
            // The record header of a ClientHello that says more than ever comes, or nothing at all.
            var clients: [RawClient] = []
            for number in 0..<300 {
                let start: [UInt8] = number % 2 == 0 ? [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC] : []
                clients.append(try await RawClient.connect(to: attack.server.port, sending: start))
            }
            for client in clients { #expect(await client.receiveToEnd() == "") }
            #expect(attack.server.counters[.handshakeTime] == 300)
            #expect(attack.server.counters.handshakeFailures == 300)
        }
    }

    /// RFC 8446 §4.6.3.
    @Test(arguments: [SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED])
    func keyUpdateFloodIsEnded(type: Int32) async throws {
        try await Attack.run { attack in
            let tls = try #require(attack.tls)
            let sent = try await HandshakeFlood.keyUpdates(port: attack.server.port, tls: tls, type: type)
            #expect(sent > 20)
            #expect(attack.server.counters[.handshakeMessages] == 1)
        }
    }

    @Test func renegotiationFloodIsEnded() async throws {
        // Each ClientHello on an open connection of TLS 1.2 is answered with an alert (RFC 5746 §4.5).
        try await Attack.run { attack in
            let tls = try #require(attack.tls)
            let sent = try await HandshakeFlood.renegotiations(port: attack.server.port, tls: tls)
            #expect(sent > 20)
            #expect(attack.server.counters[.handshakeMessages] == 1)
        }
    }

    @Test func thousandsOfIdleConnectionsLockNobodyOut() async throws {
        // One loop, as a connection takes the place of another of its own loop.
        try await Attack.run(overTLS: false, loops: 1) {
            $0.maximumConnections = 500
        } _: { attack in
            var idle: [RawClient] = []
            for number in 0..<2000 {
                // Some never say a word, some are HTTP/1.1 between requests, some HTTP/2.
                let start: [UInt8] =
                    switch number % 3 {
                    case 0: []
                    case 1: Array("GET / HTTP/1.1\r\nHost: h\r\n\r\n".utf8)
                    default: Make.magic + Make.settings() + Make.headers(1)
                    }
                idle.append(try await RawClient.connect(to: attack.server.port, sending: start))
                #expect(attack.server.counters.connectionsOpen <= 502)
            }
            // The system takes a connection a moment before the server does.
            try await Eventually.holds { attack.server.counters[.connections] >= 1500 }
            #expect(attack.server.counters.connectionsRefused == 0)
            for client in idle { await client.close() }
        }
    }

    @Test func idleConnectionsHoldNothing() async throws {
        try await Attack.run { attack in
            var idle: [HTTP2TestClient] = []
            for _ in 0..<100 {
                let client = try await HTTP2TestClient.connect(to: attack.server.port, tls: attack.tls)
                #expect(try await client.get("/").status == 200)
                idle.append(client)
            }
            let load = try await attack.server.load()
            #expect(load.bufferedBytes == 0)
            #expect(load.unsentBytes == 0)
            #expect(load.streams <= 1)
            for client in idle { await client.raw.close() }
        }
    }
}
