import Foundation
import NIOCore
import SansIO
import Synchronization
import Testing
import Transport

/// Open connections whose other side is not trusted any more.
@Suite(.timeLimit(.minutes(10))) struct DistrustTests {
    private let clock = TestClock()
    private let root: TestAuthority
    private let server: (store: CertificateStore, folder: CertificateFolder)
    private let client: (store: CertificateStore, folder: CertificateFolder)
    private let clientCertificate: TestCertificate
    private let serverCertificate: TestCertificate

    init() throws {
        root = try TestAuthority(epoch: clock.now)
        serverCertificate = try root.issue()
        clientCertificate = try root.issue { $0.validFor = .seconds(3600 + 600) }
        let lists = try root.revocationList()
        server = try CertificateFolder.store(serverCertificate, authorities: [root], lists: lists, clock: clock)
        client = try CertificateFolder.store(clientCertificate, authorities: [root], lists: lists, clock: clock)
    }

    private func context(
        _ store: CertificateStore,
        _ role: TLSContext.Role,
        _ protocols: TLSConfiguration.ApplicationProtocols = .http2AndHTTP1
    ) throws -> TLSContext {
        try store.makeContext(
            role: role,
            verification: .required,
            minimumVersion: .tls13,
            applicationProtocols: protocols
        )
    }

    private func start(
        grace: Duration = TestTime.ample,
        _ handler: @escaping @Sendable (HTTPRequest, any HTTPReply) -> Void = TestHandler.echo
    ) async throws -> HTTPServer {
        try await HTTPServer.forTest(
            tls: context(server.store, .server),
            {
                $0.trustCheckInterval = .milliseconds(10)
                $0.distrustGrace = grace
            },
            handler: handler
        )
    }

    private static let request = "GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n"

    private func revokeClient() throws {
        try server.folder.write("crl.pem", root.revocationList(of: [clientCertificate], thisUpdate: .seconds(-1)))
        #expect(!server.store.reload().isEmpty)
    }

    @Test func aRevokedClientIsClosedAndCannotComeBack() async throws {
        try await start().use { server in
            let open = try await RawClient.connect(to: server.port, tls: context(client.store, .client, .http1))
            try await open.send(Self.request)
            #expect(await open.receiveResponse().status == 200)
            try revokeClient()
            #expect(await open.receiveToEnd() == "")
            try await server.wait { $0.connectionsDistrusted == 1 && $0.connectionsOpen == 0 }
            let again = try await RawClient.connect(to: server.port, tls: context(client.store, .client, .http1))
            try? await again.send(Self.request)
            #expect(await again.receiveToEnd() == "")
            #expect(again.tls.value.failure?.reason.contains("revoked") == true)
            #expect(self.server.store.status.counters.failures == [.certificateRevoked: 1])
            #expect(self.server.store.status.counters.revalidationFailures == [.certificateRevoked: 1])
        }
    }

    @Test func aClientWhoseCertificateExpiresIsClosed() async throws {
        try await start().use { server in
            let open = try await RawClient.connect(to: server.port, tls: context(client.store, .client, .http1))
            try await open.send(Self.request)
            #expect(await open.receiveResponse().status == 200)
            clock.advance(.seconds(661))
            #expect(await open.receiveToEnd() == "")
            #expect(self.server.store.status.counters.revalidationFailures == [.certificateExpired: 1])
        }
    }

    @Test func manyClientsAreLookedAtInTurn() async throws {
        try await start().use { server in
            let context = try context(client.store, .client, .http1)
            var clients: [RawClient] = []
            for _ in 0..<40 {
                let open = try await RawClient.connect(to: server.port, tls: context)
                try await open.send(Self.request)
                #expect(await open.receiveResponse().status == 200)
                clients.append(open)
            }
            try revokeClient()
            try await server.wait { $0.connectionsDistrusted == 40 && $0.connectionsOpen == 0 }
            for client in clients { #expect(await client.receiveToEnd() == "") }
        }
    }

    @Test func whatIsUnderWayFinishesFirst() async throws {
        let held = HeldReplies()
        try await start { request, reply in held.hold(request, reply) }.use { server in
            let open = try await HTTP2TestClient.connect(to: server.port, tls: context(client.store, .client, .http2))
            let stream = try await open.start(SessionPair.request("GET", "/held"))
            try await held.wait(count: 1)
            try revokeClient()
            try await server.wait { $0.connectionsDistrusted == 1 }
            try await held.answer("/held")
            let response = try await open.response(stream)
            #expect(response?.status == 200)
            while try await open.step() {}
            try await server.wait { $0.connectionsOpen == 0 }
        }
    }

    @Test func aHandlerThatNeverAnswersHoldsNothingOpen() async throws {
        let held = HeldReplies()
        try await start(grace: .milliseconds(50)) { request, reply in held.hold(request, reply) }.use { server in
            let open = try await HTTP2TestClient.connect(to: server.port, tls: context(client.store, .client, .http2))
            _ = try await open.start(SessionPair.request("GET", "/held"))
            try await held.wait(count: 1)
            try revokeClient()
            while try await open.step() {}
            try await held.waitForCancellation()
            try await server.wait { $0.connectionsOpen == 0 }
        }
    }

    @Test func aReloadThatTrustsTheClientDisturbsNothing() async throws {
        try await start().use { server in
            let open = try await RawClient.connect(to: server.port, tls: context(client.store, .client, .http1))
            for serial in 1...5 {
                try self.server.folder.write("crl.pem", root.revocationList(thisUpdate: .seconds(-10 + serial)))
                #expect(!self.server.store.reload().isEmpty)
                try await open.send(Self.request)
                #expect(await open.receiveResponse().status == 200)
            }
            #expect(server.counters.connectionsDistrusted == 0)
            #expect(server.counters.connectionsAccepted == 1)
            await open.close()
        }
    }

    @Test func linksLeaveAServerThatIsRevoked() async throws {
        try await start().use { server in
            let links = try await TestLinks.make(context(client.store, .client, .http2))
            let peer = TestLinks.address(server.port, uri: nil)
            #expect(try await links.exchange(with: peer).get().status == 200)
            let lists = try root.revocationList(of: [serverCertificate], thisUpdate: .seconds(-1))
            try client.folder.write("crl.pem", lists)
            #expect(!client.store.reload().isEmpty)
            try await server.wait { $0.connectionsOpen == 0 }
            #expect(client.store.status.counters.revalidationFailures == [.certificateRevoked: 1])
            let error = await links.failure(with: peer)
            #expect(error?.code == .handshake && error?.message.contains("revoked") == true)
            try await links.close()
        }
    }

    @Test func linksResumeWhatIsStillTrusted() async throws {
        try await start().use { server in
            let links = try await TestLinks.make(context(client.store, .client, .http2)) {
                $0.idleTimeout = .milliseconds(1)
            }
            let peer = TestLinks.address(server.port, uri: nil)
            for _ in 0..<3 {
                #expect(try await links.exchange(with: peer).get().status == 200)
                try await server.wait { $0.connectionsOpen == 0 }
            }
            #expect(self.server.store.status.counters.resumedHandshakes == 2)
            #expect(self.server.store.status.counters.fullHandshakes == 1)
            // A reload on either side means a full handshake.
            try self.server.folder.write("crl.pem", root.revocationList(thisUpdate: .seconds(-1)))
            #expect(!self.server.store.reload().isEmpty)
            #expect(try await links.exchange(with: peer).get().status == 200)
            #expect(self.server.store.status.counters.fullHandshakes == 2)
            try await links.close()
        }
    }
}
