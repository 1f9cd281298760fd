import NIOCore
import NIOPosix
import SansIO
import Testing

@testable import Transport

/// The host of a request (RFC 9112 §3.2, RFC 9110 §7.2, RFC 3986 §3.2).
@Suite(.timeLimit(.minutes(10))) struct AuthorityTests {
    static let invalid = [
        "a b", "x, y", "a@b", "a/b", "a@b/c", "[::1", "::1", "[]", "[1]", "[::g]", "[::1]x", "x:abc", "x:99999999",
        "x:65536", "x:1:2", "<x>", "a%4", "a%zz", "a?b", "a#b", "a\"b", "\u{E9}", "a\u{7F}", "a\\b", "x: 80", "x:-1",
        "[fe80::1%]", "[fe80::1%eth 0]", "[fe80::1%a%b]", "[%eth0]",
    ]
    static let valid = [
        "", "h", "h:", "h:80", "h:0080", "127.0.0.1:65535", "[::1]", "[::1]:8443", "[fe80::1.2.3.4]",
        "[fe80::1%eth0]:7443", "[fe80::1%25en-1.2_a~]",
        "a_b-c.example.com.", "a%41b", "~h!$&'()*+,;=",
    ]

    @Test(arguments: invalid) func whatIsNoAuthorityIsSeen(_ text: String) {
        #expect(!Authority.isValid(text))
    }

    @Test(arguments: valid) func whatIsAnAuthorityIsSeen(_ text: String) {
        #expect(Authority.isValid(text))
    }

    /// A zone means something at the sender alone (RFC 6874 §4).
    @Test(arguments: [
        ("fe80::1%eth0", "[fe80::1]:7443"), ("fe80::1", "[fe80::1]:7443"), ("192.0.2.7", "192.0.2.7:7443"),
        ("n1.example.com", "n1.example.com:7443"),
    ])
    func requestsToANodeNameItsHostWithoutAZone(_ host: String, _ authority: String) {
        #expect(ConnectionPool.authority(of: NodeEndpoint(host: host, port: 7443)) == authority)
        #expect(Authority.isValid(authority))
    }

    private func status(_ request: [UInt8]) async throws -> String {
        let server = try await HTTPServer.answering { request, reply in
            let text = "\(request.target) of \(request.header("host") ?? "nobody")"
            reply.send(HTTPResponse(status: 200, body: Array(text.utf8)))
        }
        return try await server.use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(request)
            let response = await client.receiveResponse()
            await client.close()
            return response.status == 200 ? response.body : "\(response.status)"
        }
    }

    @Test(arguments: ["a b", "x, y", "a@b/c", "[::1", "x:abc", "x:99999999", "<x>"])
    func aHostThatIsNoneIsRefused(_ host: String) async throws {
        #expect(try await status(Array("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n".utf8)) == "400")
    }

    @Test func aHostBeyondASCIIIsRefused() async throws {
        #expect(try await status(Array("GET / HTTP/1.1\r\nHost: ".utf8) + [0xFF] + Array("\r\n\r\n".utf8)) == "400")
    }

    @Test(arguments: [
        ("GET http://a.example:81/x?y=1 HTTP/1.1\r\nHost: b\r\n\r\n", "/x?y=1 of a.example:81"),
        ("GET HTTPS://a HTTP/1.1\r\nHost: a\r\n\r\n", "/ of a"),
        ("GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n", "/?q of a"),
        ("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n", "* of a"),
        ("GET http://a/x HTTP/1.0\r\n\r\n", "/x of a"),
        ("GET http://a/x HTTP/1.1\r\n\r\n", "400"),
        ("GET http://u@a/x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n", "400"),
        ("GET /http://a/x HTTP/1.1\r\nHost: b\r\n\r\n", "/http://a/x of b"),
    ])
    func theAuthorityOfAnAbsoluteTargetReplacesTheHost(_ request: String, _ expected: String) async throws {
        #expect(try await status(Array(request.utf8)) == expected)
    }

    @Test func errorsOfTheEventLoopAreToldInPlainWords() {
        #expect(ConnectFailure.words(ChannelError.connectTimeout(.seconds(1))) == "timed out")
        #expect(ConnectFailure.words(ChannelError.ioOnClosedChannel) == "the connection was closed")
        #expect(ConnectFailure.words(EventLoopError.shutdown) == "this node is stopping")
        #expect(ConnectFailure.words(IOError(errnoCode: 113, reason: "connect")) == "no route to host")
    }
}
