import NIOCore
import SansIO
import Synchronization
import Testing
import Transport

/// A server under attack, and a client of good will that has to be served meanwhile.
struct Attack {
    let server: HTTPServer
    /// For clients of a server with TLS; nil over plain text.
    let tls: TLSContext?
    /// The same for clients that speak HTTP/1.1.
    let http1TLS: TLSContext?

    /// Starts a server, lets `body` attack it, and has the other client make requests until that is over. The handler gets
    /// all requests but those of the good client, whose target is `/good`. With `loops` the server has event loops of its own,
    /// which no other test keeps busy.
    static func run(
        overTLS: Bool = true,
        loops: Int? = nil,
        _ adjust: (inout HTTPServerConfiguration) -> Void = { _ in },
        handler: @escaping @Sendable (HTTPRequest, any HTTPReply) -> Void = TestHandler.echo,
        _ body: @escaping (Attack) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = overTLS ? try certificates.server() : nil
        let server = try await HTTPServer.forTest(tls: tls, loops: loops, adjust) {
            $0.target == "/good" ? TestHandler.echo($0, $1) : handler($0, $1)
        }
        try await server.use { server in
            let attack = Attack(
                server: server,
                tls: overTLS ? try certificates.client() : nil,
                http1TLS: overTLS ? try certificates.client(protocols: .http1) : nil
            )
            let isOver = Atomic<Bool>(false)
            async let served = attack.serveGoodClient { isOver.load(ordering: .relaxed) }
            do {
                try await body(attack)
            } catch {
                isOver.store(true, ordering: .relaxed)
                _ = try? await served
                throw error
            }
            isOver.store(true, ordering: .relaxed)
            #expect(try await served >= 20)
        }
    }

    /// Makes requests one after the other, each tenth over a new connection.
    ///
    /// - Returns: how many were answered; all of them, or the test fails.
    private func serveGoodClient(until isOver: () -> Bool) async throws -> Int {
        var answered = 0
        while answered < 20 || !isOver() {
            let client = try await HTTP2TestClient.connect(to: server.port, tls: tls)
            for _ in 0..<10 {
                let response = try await client.get("/good")
                #expect(response.status == 200)
                guard response.status == 200 else { return answered }
                answered += 1
            }
            await client.raw.close()
        }
        return answered
    }

    /// An attacker that has sent its preface.
    func connect(settings: [UInt8] = Make.settings()) async throws -> ConformanceClient {
        try await ConformanceClient.connect(to: server.port, tls: tls, preface: Make.magic + settings)
    }

    /// Sends some PING frames, each after the answer to the one before, and waits for the server to close the connection.
    ///
    /// - Returns: false when it did not close.
    func pingUntilClosed(_ client: ConformanceClient) async -> Bool {
        for number in 0..<40 where !client.hasEnded {
            await client.send(Make.ping(UInt8(number)))
            await client.wait { $0.hasPong(UInt8(number)) }
        }
        await client.wait { _ in false }
        return client.hasEnded
    }

    /// Sends rounds of frames until the server closes the connection.
    ///
    /// - Returns: how many rounds were sent, and the code of the GOAWAY.
    func flood(
        _ client: ConformanceClient,
        limit: Int = 200_000,
        _ frames: (Int) -> [UInt8]
    ) async -> (rounds: Int, code: UInt32?) {
        var rounds = 0
        // In bursts of about a socket's buffer, with a look at the answers between them.
        while rounds < limit, !client.hasEnded {
            var burst: [UInt8] = []
            while burst.count < 16 << 10, rounds < limit {
                burst += frames(rounds)
                rounds += 1
            }
            guard await client.sent(burst) else { break }
            if client.goAwayCode != nil { break }
        }
        await client.wait { _ in false }
        return (rounds, client.goAwayCode)
    }
}
