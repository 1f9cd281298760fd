import SansIO
import Testing
import Transport

/// Attacks over HTTP/1.1: slowness, size, and requests that two readers could take in two ways.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HTTP1AttackTests {
    /// Sends a request's bytes one at a time, at the pace of another client's requests, until the server closes.
    private func drip(_ attack: Attack, _ start: String, _ byte: String, clients: Int = 20) async throws -> [String] {
        var slow: [RawClient] = []
        for _ in 0..<clients {
            slow.append(
                try await RawClient.connect(to: attack.server.port, tls: attack.http1TLS, sending: Array(start.utf8))
            )
        }
        let pace = try await HTTP2TestClient.connect(to: attack.server.port, tls: attack.tls)
        while attack.server.counters.timeouts < clients {
            for client in slow { try? await client.send(byte) }
            guard try await pace.get("/good").status == 200 else { break }
        }
        var answers: [String] = []
        for client in slow { answers.append(await client.receiveToEnd()) }
        await pace.raw.close()
        return answers
    }

    @Test func slowHeadersAreEnded() async throws {
        try await Attack.run {
            $0.headerTimeout = .milliseconds(500)
        } _: { attack in
            let answers = try await drip(attack, "GET / HTTP/1.1\r\nHost: h\r\nX: ", "a")
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 408 ") })
            #expect(attack.server.counters[.headerTime] >= 20)
        }
    }

    @Test func slowBodiesAreEnded() async throws {
        try await Attack.run {
            $0.bodyTimeout = .milliseconds(500)
        } _: { attack in
            let answers = try await drip(attack, "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", "a")
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 408 ") })
            #expect(attack.server.counters[.bodyTime] >= 20)
        }
    }

    @Test func slowReadersAreDropped() async throws {
        let body = [UInt8](repeating: 1, count: 8 << 20)
        try await Attack.run(overTLS: false) { configuration in
            configuration.writeTimeout = .milliseconds(300)
        } handler: {
            $1.send(HTTPResponse(status: 200, body: body))
        } _: { attack in
            var slow: [RawClient] = []
            let request = "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
            for _ in 0..<8 {
                let first = Array(String(repeating: request, count: 10).utf8)
                slow.append(try await RawClient.connect(to: attack.server.port, sending: first, reads: false))
            }
            try await attack.server.wait { $0[.writeTime] >= 8 }
            // One answer a connection at most was made, of the ten that were asked for.
            #expect(attack.server.counters.http1Requests <= 16)
            for client in slow { await client.close() }
        }
    }

    @Test func aSlowReaderThatGoesOnReadingGetsALongLastAnswer() async throws {
        let body = [UInt8](repeating: 1, count: 24 << 20)
        let server = try await HTTPServer.forTest { configuration in
            configuration.lingerTimeout = .milliseconds(1)
        } handler: {
            $1.send(HTTPResponse(status: 200, body: body))
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            while await client.receiveMore() {}
            #expect(client.received.count > body.count)
        }
    }

    @Test func oversizedRequestsAreRefusedBeforeTheyAreHeld() async throws {
        let line = "GET /" + String(repeating: "a", count: 200_000) + " HTTP/1.1\r\nHost: h\r\n\r\n"
        let header = "GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "a", count: 200_000) + "\r\n\r\n"
        let fields = "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: a\r\n", count: 5000) + "\r\n"
        let trailers =
            "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
            + String(repeating: "X: a\r\n", count: 5000) + "\r\n"
        try await Attack.run { attack in
            for bytes in [line, header, fields, trailers] {
                let client = try await RawClient.connect(to: attack.server.port, tls: attack.http1TLS)
                try? await client.send(bytes)
                let text = await client.receiveToEnd()
                #expect(text.hasPrefix("HTTP/1.1 431 "), "\(bytes.prefix(60)) -> \(text)")
                #expect(text.contains("connection: close\r\n"))
            }
            #expect(attack.server.counters[.header] == 4)
            #expect(attack.server.counters.http1Requests == 0)
        }
    }

    @Test func chunkExtensionsWithoutEndAreRefused() async throws {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
        let long = head + "1;" + String(repeating: "a", count: 500_000)
        let many = head + String(repeating: "1;" + String(repeating: "a", count: 500) + "\r\nx\r\n", count: 1000)
        try await Attack.run { attack in
            for bytes in [long, many] {
                let client = try await RawClient.connect(to: attack.server.port, tls: attack.http1TLS)
                try? await client.send(bytes)
                let text = await client.receiveToEnd()
                #expect(text.hasPrefix("HTTP/1.1 4"), "\(text)")
                #expect(text.contains("connection: close\r\n"))
            }
            #expect(attack.server.counters.http1Requests == 0)
        }
    }

    @Test func aSmuggledRequestReachesNoHandler() async throws {
        let inner = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
        let post = "POST /outer HTTP/1.1\r\nHost: h\r\n"
        let attempts = [
            post + "Content-Length: \(inner.utf8.count + 5)\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n" + inner,
            post + "Content-Length: 0\r\nContent-Length: \(inner.utf8.count)\r\n\r\n" + inner,
            post + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n" + inner,
            post + "Content-Length : \(inner.utf8.count)\r\n\r\n" + inner,
            post + "Content-Length:\u{B}0\r\n\r\n" + inner,
            post + "Content-Length: 0 0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding:\u{B}chunked\r\n\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding\u{B}: chunked\r\n\r\n0\r\n\r\n" + inner,
            // A folded line (RFC 9112 §5.2).
            post + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + inner,
            post + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner,
            // A bare LF and a bare CR as line ends (RFC 9112 §2.2).
            post + "X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner,
            post + "X: a\rContent-Length: 0\r\n\r\n" + inner,
            "POST /outer HTTP/1.1\nHost: h\n\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n0\n\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n1;\nX\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n1\r\nXY\r\n0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n +0\r\n\r\n" + inner,
            post + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n" + inner,
            post + "X: a\0b\r\n\r\n" + inner,
            post + "X\0: a\r\n\r\n" + inner,
            "POST /ou\0ter HTTP/1.1\r\nHost: h\r\n\r\n" + inner,
            "POST /outer HTTP/1.1\r\n Host: h\r\n\r\n" + inner,
            "POST /outer HTTP/1.1 \r\nHost: h\r\n\r\n" + inner,
            "POST /outer HTTP/1.10\r\nHost: h\r\n\r\n" + inner,
            "POST /outer HTTP/1.2\r\nHost: h\r\n\r\n" + inner,
            "POST /outer http/1.1\r\nHost: h\r\n\r\n" + inner,
            "POST /outer\r\n" + inner,
        ]
        let seen = HeldReplies()
        try await Attack.run { _ in
        } handler: { request, reply in
            seen.hold(request, reply)
            TestHandler.echo(request, reply)
        } _: { attack in
            for bytes in attempts {
                let client = try await RawClient.connect(to: attack.server.port, tls: attack.http1TLS)
                try? await client.send(bytes)
                let text = await client.receiveToEnd()
                #expect(text.hasPrefix("HTTP/1.1 400 "), "\(bytes.debugDescription) -> \(text)")
                #expect(text.contains("connection: close\r\n"))
            }
            #expect(seen.targets == [])
        }
    }
}
