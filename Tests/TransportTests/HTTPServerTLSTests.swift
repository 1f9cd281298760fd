import Foundation
import SansIO
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct HTTPServerTLSTests {
    private static let request = "GET /tls HTTP/1.1\r\nHost: localhost\r\n\r\n"

    @Test func alpnChoosesHTTP1() async throws {
        let certificates = try TestCertificates.shared.get()
        try await HTTPServer.forTest(tls: certificates.server()).use { server in
            let client = try await RawClient.connect(to: server.port, tls: certificates.client(protocols: .http1))
            try await client.send(Self.request)
            #expect(await client.receiveResponse().body == "GET /tls 0 ")
            #expect(client.tls.value.applicationProtocol == "http/1.1")
            #expect(client.tls.value.version == "TLSv1.3")
            #expect(client.tls.value.serverURIs == ["spiffe://busbar.local/cell/dev/node/dev-1"])
            await client.close()
            #expect(server.counters.handshakes == 1)
        }
    }

    @Test func alpnChoosesHTTP2() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.answering(tls: certificates.server()) { request, reply in
            let text =
                "\(request.connection.majorVersion) \(request.connection.isSecure) \(request.connection.remoteAddress)"
            reply.send(HTTPResponse(status: 200, body: Array(text.utf8)))
        }
        try await server.use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: certificates.client())
            let response = try await client.get("/a")
            #expect(String(decoding: response.body, as: UTF8.self) == "2 true 127.0.0.1")
            #expect(response.headers.contains { $0.name == "date" })
            #expect(client.raw.tls.value.applicationProtocol == "h2")
            await client.raw.close()
            #expect(server.counters.http2Requests == 1)
        }
    }

    @Test func bodiesPassOverHTTP2() async throws {
        let certificates = try TestCertificates.shared.get()
        let server = try await HTTPServer.answering(tls: certificates.server()) { request, reply in
            reply.send(HTTPResponse(status: 200, body: request.body))
        }
        try await server.use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: certificates.client())
            let body = (0..<2_500_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let response = try await client.exchange(SessionPair.request(body: body))
            #expect(response.body == body)
            await client.raw.close()
        }
    }

    @Test func aClientCertificateGivesAnIdentity() async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.server(.optional(caFile: certificates.authority))
        let server = try await HTTPServer.answering(tls: tls) { request, reply in
            let uris = request.connection.clientIdentity?.uris.joined(separator: ",") ?? "none"
            reply.send(HTTPResponse(status: 200, body: Array(uris.utf8)))
        }
        try await server.use { server in
            let known = try certificates.client("client-123456789012-alice", protocols: .http1)
            let client = try await RawClient.connect(to: server.port, tls: known)
            try await client.send(Self.request)
            #expect(await client.receiveResponse().body == "spiffe://busbar.local/account/123456789012/user/alice")
            await client.close()
            let other = try await RawClient.connect(to: server.port, tls: certificates.client(protocols: .http1))
            try await other.send(Self.request)
            #expect(await other.receiveResponse().body == "none")
            await other.close()
        }
    }

    @Test func aRequiredCertificateIsRequired() async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.server(.required(caFile: certificates.authority))
        try await HTTPServer.forTest(tls: tls).use { server in
            let client = try await RawClient.connect(to: server.port, tls: certificates.client(protocols: .http1))
            // In TLS 1.3 the client is done before the server has seen that there is no certificate.
            try? await client.send(Self.request)
            #expect(await client.receiveToEnd() == "")
            #expect(client.tls.value.failure?.reason.contains("certificate required") == true)
            try await server.wait { $0.handshakeFailures == 1 }
        }
    }

    @Test func aCertificateOfAnotherAuthorityIsRefused() async throws {
        let certificates = try TestCertificates.shared.get()
        let strangers = try TestCertificates()
        let tls = try certificates.server(.optional(caFile: certificates.authority))
        try await HTTPServer.forTest(tls: tls).use { server in
            let stranger = try TLSContext(
                role: .client,
                configuration: TLSConfiguration(
                    certificateChainFile: strangers.path("client-123456789012-alice.pem"),
                    privateKeyFile: strangers.path("client-123456789012-alice.key"),
                    peerVerification: .required(caFile: certificates.authority),
                    applicationProtocols: .http1
                )
            )
            let client = try await RawClient.connect(to: server.port, tls: stranger)
            try? await client.send(Self.request)
            #expect(await client.receiveToEnd() == "")
            try await server.wait { $0.handshakeFailures == 1 }
            #expect(server.counters.http1Requests == 0)
        }
    }

    @Test func plainTextOnATLSPortFailsTheHandshake() async throws {
        let certificates = try TestCertificates.shared.get()
        try await HTTPServer.forTest(tls: certificates.server()).use { server in
            let client = try await RawClient.connect(to: server.port)
            try await client.send(Self.request)
            let answer = await client.receiveToEnd()
            #expect(!answer.contains("HTTP/1.1 200"))
            #expect(server.counters.handshakeFailures == 1)
        }
    }

    @Test func reloadServesNewConnectionsAndDisturbsNoOpenOne() async throws {
        let certificates = try TestCertificates()
        let others = try TestCertificates()
        let tls = try certificates.server()
        try await HTTPServer.forTest(tls: tls).use { server in
            let before = try await RawClient.connect(to: server.port, tls: certificates.client(protocols: .http1))
            try await before.send(Self.request)
            #expect(await before.receiveResponse().status == 200)
            for name in ["node.pem", "node.key"] {
                try Data(contentsOf: others.directory.appendingPathComponent(name))
                    .write(to: certificates.directory.appendingPathComponent(name))
            }
            try tls.reload()
            try await before.send(Self.request)
            #expect(await before.receiveResponse().status == 200)
            let after = try await RawClient.connect(to: server.port, tls: others.client(protocols: .http1))
            try await after.send(Self.request)
            #expect(await after.receiveResponse().status == 200)
            try Data("no key".utf8).write(to: certificates.directory.appendingPathComponent("node.key"))
            #expect(throws: TLSError.self) { try tls.reload() }
            let still = try await RawClient.connect(to: server.port, tls: others.client(protocols: .http1))
            try await still.send(Self.request)
            #expect(await still.receiveResponse().status == 200)
            for client in [before, after, still] { await client.close() }
        }
    }

    @Test func http2PriorKnowledgeOnPlainText() async throws {
        try await HTTPServer.forTest().use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
            #expect(String(decoding: try await client.get("/p").body, as: UTF8.self) == "GET /p 0 ")
            await client.raw.close()
        }
    }

    @Test func curlSpeaksBothVersions() async throws {
        let path = "/usr/bin/curl"
        guard FileManager.default.isExecutableFile(atPath: path) else { return }
        let certificates = try TestCertificates.shared.get()
        try await HTTPServer.forTest(tls: certificates.server()).use { server in
            for (flag, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
                let arguments = [
                    "-s", flag, "--cacert", certificates.authority, "-d", "hello", "-w", " %{http_version}",
                    "https://localhost:\(server.port)/c",
                ]
                let output = try await run(path, arguments)
                #expect(output == "POST /c 5 hello \(version)")
            }
        }
    }

    /// Runs a program and waits for its end without holding a thread.
    private func run(_ path: String, _ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        let output = Pipe()
        process.standardOutput = output
        return try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { _ in
                let data = output.fileHandleForReading.readDataToEndOfFile()
                continuation.resume(returning: String(decoding: data, as: UTF8.self))
            }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
