import SansIO
import Testing
import Transport

/// RFC 9113's and RFC 7541's demands on a server, each seen from a socket.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ConformanceTests {
    private static let cases =
        FramingCases.all + StreamStateCases.all + FrameCases.all + SettingsCases.all + FlowControlCases.all
        + MessageCases.all + CompressionCases.all

    /// Answers everything but `/index.html`.
    static func server(
        tls: TLSContext? = nil,
        _ adjust: (inout HTTPServerConfiguration) -> Void = { _ in }
    ) async throws -> HTTPServer {
        try await HTTPServer.forTest(tls: tls, adjust) { request, reply in
            if request.target != "/index.html" {
                reply.send(HTTPResponse(status: 200, body: Array("a body".utf8)))
            } else {
                // Held, so that its stream stays half closed.
                reply.onCancel = {}
            }
        }
    }

    @Test(arguments: cases, [false, true])
    func keepsTheRule(_ rule: ConformanceCase, overTLS: Bool) async throws {
        let certificates = try TestCertificates.shared.get()
        try await Self.server(tls: overTLS ? try certificates.server() : nil).use { server in
            let tls = overTLS ? try certificates.client(protocols: .http2) : nil
            let client = try await ConformanceClient.connect(to: server.port, tls: tls)
            let problem = await rule.run(client)
            #expect(problem == nil, "\(rule.testDescription)")
            await client.close()
            // Whatever happened to that connection, the next one is served.
            let next = try await HTTP2TestClient.connect(to: server.port, tls: tls)
            #expect(try await next.get("/").status == 200)
            await next.raw.close()
        }
    }

    @Test func everyCaseNamesItsSectionOnce() {
        let names = Self.cases.map(\.testDescription)
        #expect(Set(names).count == names.count)
        #expect(names.count > 150)
    }
}
