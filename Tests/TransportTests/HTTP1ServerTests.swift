import Foundation
import SansIO
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct HTTP1ServerTests {
    /// What the server answers to bytes that are sent at once, until it closes.
    private func exchange(
        _ bytes: String,
        _ adjust: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) async throws -> String {
        try await HTTPServer.forTest(adjust).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(bytes)
            return await client.receiveToEnd()
        }
    }

    @Test func keepsTheConnectionAliveAndNamesLengthAndDate() async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            for number in 0..<3 {
                try await client.send("POST /a?\(number) HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab")
                let response = await client.receiveResponse()
                #expect(response.status == 200)
                #expect(response.body == "POST /a?\(number) 2 ab")
                #expect(response.headers["content-length"] == "\(response.body.utf8.count)")
                #expect(response.headers["date"]?.hasSuffix(" GMT") == true)
                #expect(response.headers["connection"] == nil)
            }
            await client.close()
            #expect(server.counters.http1Requests == 3)
            #expect(server.counters.connectionsAccepted == 1)
        }
    }

    @Test func takesARequestByteByByte() async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            let request =
                "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;e=1\r\nde\r\n0\r\nt: 1\r\n\r\n"
            for byte in request.utf8 { try await client.send([byte]) }
            let response = await client.receiveResponse()
            #expect(response.body == "POST /x 5 abcde")
            await client.close()
        }
    }

    @Test func headersAreLowerCaseTrimmedAndInOrder() async throws {
        let server = try await HTTPServer.answering { request, reply in
            let lines = request.headers.map { "\($0.name)=\($0.value)." }
            reply.send(HTTPResponse(status: 200, body: Array(lines.joined().utf8)))
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET / HTTP/1.1\r\nHOST: h\r\nX-B: \t 1 2 \t \r\nX-a:\r\nX-B: 3\r\n\r\n")
            let response = await client.receiveResponse()
            #expect(response.body == "host=h.x-b=1 2.x-a=.x-b=3.")
            await client.close()
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.answering { request, reply in
            if request.target == "/now" { TestHandler.echo(request, reply) } else { held.hold(request, reply) }
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            let one = "GET /late HTTP/1.1\r\nHost: h\r\n\r\n"
            let two = "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"
            try await client.send(one + two)
            try await held.wait(count: 1)
            #expect(client.received.isEmpty)
            try await held.answer("/late")
            #expect(await client.receiveResponse().body == "/late")
            #expect(await client.receiveResponse().body == "GET /now 0 ")
            await client.close()
        }
    }

    @Test func tooManyPipelinedRequestsCloseTheConnectionAfterTheAllowedOnes() async throws {
        let requests = String(repeating: "GET / HTTP/1.1\r\nHost: h\r\n\r\n", count: 20)
        let held = HeldReplies()
        let server = try await HTTPServer.forTest {
            $0.maximumPipelinedRequests = 4
        } handler: { request, reply in
            if held.targets.isEmpty { held.hold(request, reply) } else { TestHandler.echo(request, reply) }
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(requests)
            try await server.wait { $0[.pipelinedRequests] > 0 }
            try await held.answer("/")
            let text = await client.receiveToEnd()
            #expect(text.components(separatedBy: "HTTP/1.1 200").count - 1 == 5)
            #expect(text.components(separatedBy: "connection: close").count - 1 == 1)
        }
    }

    @Test func expectContinueIsAnsweredBeforeTheBody() async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
            let interim = await client.receiveResponse()
            #expect(interim.status == 100)
            try await client.send("abc")
            #expect(await client.receiveResponse().body == "PUT / 3 abc")
            await client.close()
        }
    }

    @Test func expectContinueForTooMuchIsRefusedAtOnce() async throws {
        let text = try await exchange(
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000\r\nExpect: 100-continue\r\n\r\n"
        ) { $0.maximumBodyBytes = 1000 }
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.hasSuffix("limit 1000"))
        #expect(text.contains("connection: close\r\n"))
    }

    @Test(arguments: [
        "Content-Length: 5000\r\n\r\n" + String(repeating: "a", count: 5000),
        "Transfer-Encoding: chunked\r\n\r\n"
            + String(repeating: "100\r\n" + String(repeating: "a", count: 256) + "\r\n", count: 8),
    ])
    func tooLongABodyIsHandedOverAsAFault(_ rest: String) async throws {
        let text = try await exchange("POST / HTTP/1.1\r\nHost: h\r\n" + rest) { $0.maximumBodyBytes = 1000 }
        #expect(text.hasPrefix("HTTP/1.1 413 "))
        #expect(text.hasSuffix("limit 1000"))
    }

    @Test func aBodyOfExactlyTheLimitPasses() async throws {
        try await HTTPServer.forTest { $0.maximumBodyBytes = 1000 }.use { server in
            let client = try await RawClient.connect(to: server.port)
            let body = String(repeating: "a", count: 1000)
            try await client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" + body)
            #expect(await client.receiveResponse().body == "POST / 1000 " + body)
            await client.close()
        }
    }

    @Test(arguments: [
        // Two ways to find the end (RFC 9112 §6.3).
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4, 4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x4\r\n\r\nabcd",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        // One host exactly (RFC 9112 §3.2).
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        // Not HTTP/1.
        "GET / HTTP/1.1\r\nHost: h\r\nbad name: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\n: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nx: a\0b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nx\r\n\r\n",
        "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
        "GET / HTTQ/1.1\r\n\r\n",
        "FROB / HTTP/1.1\r\nHost: h\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}",
        "hello\r\n\r\n",
    ])
    func refusesWhatCouldBeReadInTwoWays(_ bytes: String) async throws {
        let text = try await exchange(bytes)
        #expect(text.hasPrefix("HTTP/1.1 400 "), "\(bytes) -> \(text)")
        #expect(text.components(separatedBy: "HTTP/1.1 ").count == 2, "\(bytes) -> \(text)")
        #expect(text.contains("connection: close\r\n"))
    }

    @Test(arguments: [
        "G", "GET / HTTP/1.1\r\nHos", "PRI * HTT", "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    ])
    func truncatedRequestsAreRefused(_ bytes: String) async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(bytes)
            try await client.finishSending()
            let text = await client.receiveToEnd()
            #expect(text.hasPrefix("HTTP/1.1 400 "), "\(bytes) -> \(text)")
            #expect(server.counters.http1Requests == 0)
        }
    }

    @Test func aRequestWhoseSenderFinishedIsStillAnswered() async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n")
            try await client.finishSending()
            let text = await client.receiveToEnd()
            #expect(text.hasSuffix("GET /a 0 "))
        }
    }

    @Test func tooLargeAHeaderIsAnswered431() async throws {
        let bytes = "GET / HTTP/1.1\r\nHost: h\r\nX: " + String(repeating: "a", count: 5000) + "\r\n\r\n"
        #expect(try await exchange(bytes) { $0.maximumHeaderBytes = 4096 }.hasPrefix("HTTP/1.1 431 "))
        let target = "GET /" + String(repeating: "a", count: 5000) + " HTTP/1.1\r\nHost: h\r\n\r\n"
        #expect(try await exchange(target) { $0.maximumHeaderBytes = 4096 }.hasPrefix("HTTP/1.1 431 "))
    }

    @Test func tooManyHeaderFieldsAreAnswered431() async throws {
        let bytes = "GET / HTTP/1.1\r\nHost: h\r\n" + String(repeating: "X: a\r\n", count: 20) + "\r\n"
        #expect(try await exchange(bytes) { $0.maximumHeaderCount = 20 }.hasPrefix("HTTP/1.1 431 "))
    }

    @Test func version10ClosesUnlessAskedOtherwise() async throws {
        #expect(try await exchange("GET / HTTP/1.0\r\n\r\n").contains("connection: close\r\n"))
        try await HTTPServer.forTest().use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(await client.receiveResponse().headers["connection"] == "keep-alive")
            await client.close()
        }
    }

    @Test func connectionCloseIsObeyed() async throws {
        let text = try await exchange(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
        )
        #expect(text.components(separatedBy: "HTTP/1.1 200").count == 2)
    }

    @Test func anUpgradeIsDeclinedByAnsweringAndClosing() async throws {
        let text = try await exchange(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
        )
        #expect(text.hasPrefix("HTTP/1.1 200 "))
        #expect(text.contains("connection: close\r\n"))
    }

    @Test func headHasALengthAndNoBody() async throws {
        let text = try await exchange("HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        #expect(text.contains("content-length: 9\r\n"))
        #expect(text.hasSuffix("\r\n\r\n"))
    }

    @Test func noHeaderValueCanSplitTheResponse() async throws {
        let server = try await HTTPServer.answering { _, reply in
            let headers = [
                HTTPField("x", "a\r\nset-cookie: b"), HTTPField("y\r\nz", "1"),
                HTTPField("transfer-encoding", "chunked"),
            ]
            reply.send(HTTPResponse(status: 200, headers: headers))
        }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            let response = await client.receiveResponse()
            #expect(response.headers["x"] == "a  set-cookie: b")
            #expect(response.headers.count == 3)
            await client.close()
        }
    }

    @Test func aLargeResponseArrivesWhole() async throws {
        let body = (0..<5_000_000).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        let server = try await HTTPServer.answering { _, reply in reply.send(HTTPResponse(status: 200, body: body)) }
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET / HTTP/1.0\r\n\r\n")
            while await client.receiveMore() {}
            #expect(Array(client.received.suffix(body.count)) == body)
        }
    }

    @Test func theHandlerHearsOfAConnectionThatShutdownEnds() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(handler: held.hold)
        try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send("GET /gone HTTP/1.1\r\nHost: h\r\n\r\n")
            try await held.wait(count: 1)
            await server.shutdown(within: .zero)
            try await held.waitForCancellation()
            #expect(held.cancelled == ["/gone"])
            try await held.answer("/gone")
            await client.close()
        }
    }
}
