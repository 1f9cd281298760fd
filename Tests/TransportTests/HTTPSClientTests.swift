import NIOPosix
import SansIO
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct HTTPSClientTests {
    @Test(arguments: [TLSConfiguration.ApplicationProtocols.http2AndHTTP1, .http2, .http1])
    func alpnChoosesTheProtocol(protocols: TLSConfiguration.ApplicationProtocols) async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.answering(tls: certificates.server(protocols: protocols)) { request, reply in
            let text = "\(request.connection.majorVersion) \(request.method) \(request.target) \(request.body.count)"
            reply.send(HTTPResponse(status: 202, headers: [HTTPField("x-a", "b")], body: Array(text.utf8)))
        }
        try await server.use { server in
            try await TestHTTPSClient.use(authority: certificates.authority) { client in
                let version = protocols == .http1 ? 1 : 2
                for host in ["localhost", "127.0.0.1"] {
                    let url = "https://\(host):\(server.port)/x?y=z"
                    let response = try await client.send("PUT", url, body: [1, 2, 3]).get()
                    #expect(response.status == 202)
                    #expect(response.headers.contains(HTTPField("x-a", "b")))
                    #expect(String(decoding: response.body, as: UTF8.self) == "\(version) PUT /x?y=z 3")
                }
            }
        }
    }

    @Test func aServerOfAnotherAuthorityIsRefused() async throws {
        let certificates = try TestCertificates.shared.get()
        let strangers = try TestCertificates()
        try await HTTPServer.forTest(tls: certificates.server()).use { server in
            try await TestHTTPSClient.use(authority: strangers.authority) { client in
                let text = try await client.text("GET", "https://localhost:\(server.port)/")
                #expect(text.hasPrefix("handshake: TLS with localhost:\(server.port)"))
                #expect(text.contains("certificate verify failed"))
            }
        }
    }

    @Test func aServerWithAnotherNameIsRefused() async throws {
        let certificates = try TestCertificates.shared.get()
        // An address of the loopback that the certificate does not carry.
        let server = try await HTTPServer.start(
            group: MultiThreadedEventLoopGroup.singleton,
            host: "127.0.0.2",
            port: 0,
            tls: certificates.server()
        ) { _ in TestHandler(TestHandler.echo) }
        try await server.use { server in
            try await TestHTTPSClient.use(authority: certificates.authority) { client in
                let text = try await client.text("GET", "https://127.0.0.2:\(server.port)/")
                #expect(text.hasPrefix("handshake: "))
                #expect(text.contains("mismatch"))
            }
        }
    }

    @Test(arguments: [TLSConfiguration.ApplicationProtocols.http2, .http1])
    func connectionsAreUsedAgain(protocols: TLSConfiguration.ApplicationProtocols) async throws {
        let certificates = try TestCertificates.shared.get()
        try await HTTPServer.forTest(tls: certificates.server(protocols: protocols)).use { server in
            try await TestHTTPSClient.use(authority: certificates.authority) { client in
                for number in 0..<20 {
                    let text = try await client.text("POST", "https://localhost:\(server.port)/\(number)", body: [65])
                    #expect(text == "200 POST /\(number) 1 A")
                }
                let counters = try await client.counters
                #expect(counters.connectionAttempts == 1)
            }
        }
    }

    @Test func requestsOverHTTP1ShareABoundedNumberOfConnections() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.forTest(tls: certificates.server(protocols: .http1))
        try await server.use { server in
            try await TestHTTPSClient.use(authority: certificates.authority, { $0.connectionsPerHost = 3 }) { client in
                let url = "https://localhost:\(server.port)"
                let texts = await withTaskGroup(of: String.self) { group in
                    for number in 0..<50 {
                        group.addTask { (try? await client.text("GET", "\(url)/\(number)")) ?? "no URL" }
                    }
                    return await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(texts == Set((0..<50).map { "200 GET /\($0) 0 " }))
                let counters = try await client.counters
                #expect((1...3).contains(counters.connectionAttempts))
            }
        }
    }

    @Test(arguments: [TLSConfiguration.ApplicationProtocols.http2, .http1])
    func aLargeAnswerPassesUpToTheLimit(protocols: TLSConfiguration.ApplicationProtocols) async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.server(protocols: protocols)
        let server = try await HTTPServer.answering(tls: tls) { request, reply in
            let count = Int(request.target.dropFirst()) ?? 0
            reply.send(HTTPResponse(status: 200, body: [UInt8](repeating: 65, count: count)))
        }
        try await server.use { server in
            try await TestHTTPSClient.use(authority: certificates.authority, { $0.maximumResponseBytes = 300_000 }) {
                client in
                let url = "https://localhost:\(server.port)"
                #expect(try await client.send("GET", "\(url)/300000").get().body.count == 300_000)
                let text = try await client.text("GET", "\(url)/300001")
                #expect(text.hasPrefix("broken: localhost:\(server.port)"))
                #expect(text.contains("over a limit") || text.contains("more than 300000 bytes"))
                #expect(try await client.send("GET", "\(url)/1").get().body == [65])
            }
        }
    }

    @Test(arguments: [TLSConfiguration.ApplicationProtocols.http2, .http1])
    func anAnswerThatDoesNotComeTimesOut(protocols: TLSConfiguration.ApplicationProtocols) async throws {
        let certificates = try TestCertificates.shared.get()
        let held = HeldReplies()
        let tls = try certificates.server(protocols: protocols)
        try await HTTPServer.answering(tls: tls, { held.hold($0, $1) }).use { server in
            try await TestHTTPSClient.use(authority: certificates.authority) { client in
                let url = "https://localhost:\(server.port)/"
                let text = try await client.text("GET", url, timeout: .milliseconds(200))
                #expect(text.hasPrefix("timedOut: "))
            }
        }
    }

    @Test func headerFieldsCannotBreakOutOverHTTP1() async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.server(protocols: .http1)
        let server = try await PlainTLSServer.start(tls: tls) { _ in .bytes("HTTP/1.1 204 No Content\r\n\r\n") }
        try await TestHTTPSClient.use(authority: certificates.authority) { client in
            let headers = [
                HTTPField("x-a", "1\r\nx-evil: 2"), HTTPField("bad name", "3"), HTTPField("host", "other"),
                HTTPField("content-length", "99"), HTTPField("transfer-encoding", "chunked"),
            ]
            let response = try await client.send("POST", "\(server.url)/p", headers: headers).get()
            #expect(response.status == 204)
        }
        let port = server.url.split(separator: ":").last ?? ""
        let lines = ["POST /p HTTP/1.1", "host: localhost:\(port)", "x-a: 1  x-evil: 2", "content-length: 0", "", ""]
        #expect(server.requests == [lines.joined(separator: "\r\n")])
        await server.stop()
    }

    @Test func everyFramingOfHTTP1AnswersIsRead() async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.server(protocols: .http1)
        let server = try await PlainTLSServer.start(tls: tls) { request in
            switch request.split(separator: " ")[1] {
            case "/chunked":
                .bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
            case "/interim": .bytes("HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx")
            case "/close": .bytesAndClose("HTTP/1.1 200 OK\r\n\r\nto the end")
            case "/cut": .bytesAndCut("HTTP/1.1 200 OK\r\n\r\nto the")
            case "/short": .bytesAndClose("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc")
            case "/last": .bytes("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
            default: .bytes("SSH-2.0-x\r\n\r\n")
            }
        }
        try await TestHTTPSClient.use(authority: certificates.authority) { client in
            let whole = [
                ("GET", "chunked", "200 abcde"), ("GET", "interim", "200 x"), ("HEAD", "last", "200 "),
                ("GET", "last", "200 ok"), ("GET", "close", "200 to the end"),
            ]
            for (method, path, expected) in whole {
                let text = try await client.text(method, "\(server.url)/\(path)")
                #expect(text == expected)
            }
            // What may have been cut short is no answer.
            for path in ["cut", "short", "other"] {
                let text = try await client.text("GET", "\(server.url)/\(path)")
                #expect(text.hasPrefix("broken: "), "\(path): \(text)")
            }
        }
        await server.stop()
    }

    @Test func theSystemsAuthoritiesCanBeLoaded() throws {
        let file = TLSConfiguration.systemAuthorityFile
        #expect(file.hasPrefix("/"))
        #expect(throws: Never.self) { try TLSContext(role: .client, configuration: .web()) }
    }
}
