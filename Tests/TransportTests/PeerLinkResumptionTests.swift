import Foundation
import SansIO
import Testing
import Transport

/// Sessions are resumed, but never by a peer that a full handshake would refuse.
@Suite(.timeLimit(.minutes(10))) struct PeerLinkResumptionTests {
    /// Certificates of this test's own, as it reloads them; every exchange leaves its connection at once.
    private func withReloads(
        _ body: (TestLinks, PeerAddress, _ mine: TLSContext, _ theirs: TLSContext, TestCertificates) async throws ->
            Void
    ) async throws {
        let certificates = try TestCertificates()
        let mine = try certificates.peer()
        let theirs = try certificates.peerListener()
        let links = try await TestLinks.make(mine) { $0.idleTimeout = .milliseconds(1) }
        try await HTTPServer.forTest(tls: theirs).use { server in
            try await body(links, TestLinks.address(server.port), mine, theirs, certificates)
            try await links.close()
        }
    }

    /// Makes one request on a connection of its own, and looks whether that resumed an earlier one.
    private func connect(_ links: TestLinks, _ peer: PeerAddress, resumes: Bool) async throws {
        let before = try await links.counters
        let reply = try await links.exchange(with: peer).get()
        #expect(reply.identity.uris == [TestLinks.nodeURI])
        try await Eventually.holds { try await links.openConnections == 0 }
        let after = try await links.counters
        #expect(after.connectionsOpened == before.connectionsOpened + 1)
        #expect((after.connectionsResumed > before.connectionsResumed) == resumes)
    }

    @Test func laterConnectionsResume() async throws {
        try await withReloads { links, peer, _, _, _ in
            try await connect(links, peer, resumes: false)
            for _ in 0..<3 { try await connect(links, peer, resumes: true) }
        }
    }

    @Test func aReloadOnEitherSideAsksForAFullHandshake() async throws {
        try await withReloads { links, peer, mine, theirs, _ in
            try await connect(links, peer, resumes: false)
            try mine.reload()
            try await connect(links, peer, resumes: false)
            try await connect(links, peer, resumes: true)
            try theirs.reload()
            try await connect(links, peer, resumes: false)
            try await connect(links, peer, resumes: true)
        }
    }

    @Test func resumingDoesNotCarryOverToAnotherIdentity() async throws {
        try await withReloads { links, peer, _, _, _ in
            try await connect(links, peer, resumes: false)
            var other = peer
            other.uri = "spiffe://busbar.local/cell/dev/node/dev-2"
            let error = await links.failure(with: other)
            #expect(error?.code == .wrongIdentity)
        }
    }

    @Test func aConnectionWhosePeerIsNotTrustedAnyMoreEnds() async throws {
        let certificates = try TestCertificates()
        let strangers = try TestCertificates()
        let mine = try certificates.peer()
        let links = try await TestLinks.make(mine) { $0.distrustGrace = .milliseconds(50) }
        let held = HeldReplies()
        let server = try await HTTPServer.answering(tls: certificates.peerListener()) { held.hold($0, $1) }
        try await server.use { server in
            async let pending = links.failure(with: TestLinks.address(server.port))
            try await held.wait(count: 1)
            var configuration = mine.configuration
            configuration.peerVerification = .required(caFile: strangers.authority)
            try mine.reload(configuration)
            let error = await pending
            #expect(error?.code == .handshake)
            #expect(error?.message.contains("is not valid any more") == true)
            #expect(error?.mayHaveArrived == true)
            try await links.close()
        }
    }
}
