import SansIO
import Testing
import Transport

/// A new certificate that peers do not take, as its authority is not theirs: links made with the former one go on.
@Suite(.timeLimit(.minutes(10))) struct RefusedCertificateTests {
    /// One node with certificates of its own.
    private struct Node {
        let name: String
        let store: CertificateStore
        let folder: CertificateFolder

        init(_ name: String, of authority: TestAuthority, clock: TestClock) throws {
            self.name = name
            let certificate = try Self.certificate(name, "former", authority)
            (store, folder) = try CertificateFolder.store(certificate, authorities: [authority], clock: clock)
        }

        private static func certificate(_ node: String, _ stage: String, _ authority: TestAuthority) throws
            -> TestCertificate
        {
            try authority.issue {
                $0.subject = node
                $0.names = [.uri("spiffe://example.com/cell/\(node)/node/n1"), .dns("\(stage).example.com")]
            }
        }

        func context(_ role: TLSContext.Role) throws -> TLSContext {
            try store.makeContext(
                role: role,
                verification: .required,
                minimumVersion: .tls13,
                applicationProtocols: .http2
            )
        }

        /// Takes a certificate of another authority into use.
        func renew(_ authority: TestAuthority, trusting authorities: [TestAuthority]) throws {
            try folder.write(Self.certificate(name, "new", authority), authorities: authorities)
            #expect(store.reload().contains { if case .reloaded = $0 { true } else { false } })
        }

        func trust(_ authorities: [TestAuthority]) throws {
            try folder.write("ca.pem", authorities.map(\.certificate.pem).joined())
            #expect(store.reload().contains { if case .reloaded = $0 { true } else { false } })
        }

        /// Waits for the line in the log that says that others refuse this node.
        func waitForRefusal() async throws {
            try await Eventually.holds {
                store.poll().contains { event in
                    if case .refusedByPeers = event { event.severity == .error } else { false }
                }
            }
        }
    }

    private let former: TestAuthority
    private let other: TestAuthority
    private let server: Node
    private let client: Node
    private let held = HeldReplies()

    init() throws {
        let clock = TestClock()
        former = try TestAuthority("former root", epoch: clock.now)
        other = try TestAuthority("other root", epoch: clock.now)
        server = try Node("server", of: former, clock: clock)
        client = try Node("client", of: former, clock: clock)
    }

    /// Answers with the client's DNS name.
    private func listener() async throws -> HTTPServer {
        try await HTTPServer.answering(tls: server.context(.server)) { [held] request, reply in
            if request.target == "/held" { return held.hold(request, reply) }
            let names = request.connection.clientIdentity?.dnsNames.joined() ?? "nobody"
            reply.send(HTTPResponse(status: 200, body: Array(names.utf8)))
        }
    }

    private static func address(_ listener: HTTPServer) -> PeerAddress {
        TestLinks.address(listener.port, uri: "spiffe://example.com/cell/server/node/n1")
    }

    /// Links that do not wait long between attempts, with one connection a peer.
    private static func links(_ context: TLSContext) async throws -> TestLinks {
        try await TestLinks.make(context) {
            $0.reconnectCap = .milliseconds(10)
            $0.connectionsPerPeer = 1
        }
    }

    /// The names by which server and client know each other, or the error.
    private static func names(_ links: TestLinks, _ peer: PeerAddress) async -> String {
        switch await links.exchange(with: peer) {
        case .success(let reply): "\(String(decoding: reply.body, as: UTF8.self)) \(reply.identity.dnsNames.joined())"
        case .failure(let error): error.code.rawValue
        }
    }

    @Test func linksGoOnUntilThePeerTakesTheNewCertificate() async throws {
        try await listener().use { listener in
            let peer = Self.address(listener)
            let links = try await Self.links(client.context(.client))
            async let open = links.exchange(path: "/held", with: peer)
            try await held.wait(count: 1)
            try client.renew(other, trusting: [former, other])
            // Attempts go on, and so do requests.
            for attempts in 1...3 {
                try await Eventually.holds { try await links.counters.certificateRefusals >= UInt64(attempts) }
                #expect(await Self.names(links, peer) == "former.example.com former.example.com")
            }
            try await client.waitForRefusal()
            #expect(listener.counters.connectionsAccepted >= 4)
            try server.trust([former, other])
            try await Eventually.holds { await Self.names(links, peer) == "new.example.com former.example.com" }
            // What was open is answered where it was asked, and then the former connection ends.
            try await held.answer("/held")
            #expect(try await open.get().status == 200)
            try await Eventually.holds { try await links.openConnections == 1 }
            #expect(await Self.names(links, peer) == "new.example.com former.example.com")
            try await links.close()
        }
    }

    @Test func filesThatArePutRightAreTriedAtOnceAndAllConnectionsAreReplaced() async throws {
        try await listener().use { listener in
            let peer = Self.address(listener)
            let links = try await TestLinks.make(client.context(.client)) {
                $0.requestsPerConnection = 1
                $0.connectionsPerPeer = 3
                $0.reconnectBase = .seconds(86_400)
                $0.reconnectCap = .seconds(86_400)
            }
            // Three connections, each with a request that is under way.
            async let open = withTaskGroup(of: Int?.self) { group in
                for _ in 0..<3 { group.addTask { try? await links.exchange(path: "/held", with: peer).get().status } }
                return await group.reduce(into: [Int?]()) { $0.append($1) }
            }
            try await held.wait(count: 3)
            try client.renew(other, trusting: [former, other])
            try await Eventually.holds { try await links.counters.certificateRefusals == 1 }
            try client.renew(former, trusting: [former, other])
            try await Eventually.holds { try await links.formerConnections == 0 }
            #expect(try await links.counters.connectionsOpened == 6)
            #expect(await Self.names(links, peer) == "new.example.com former.example.com")
            try await held.answerAll()
            #expect(await open == [200, 200, 200])
            try await Eventually.holds { try await links.openConnections == 3 }
            #expect(try await links.counters.connectionFailures == 1)
            try await links.close()
        }
    }
}
