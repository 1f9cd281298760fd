import COpenSSL
import SansIO
import Testing

@testable import Transport

/// Resumption must never let in whom a full handshake would refuse: OpenSSL itself verifies nothing then.
@Suite struct TLSResumptionTests {
    private let clock = TestClock()
    private let root: TestAuthority

    init() throws {
        root = try TestAuthority(epoch: clock.now)
    }

    private struct Ends {
        var server: (store: CertificateStore, folder: CertificateFolder)
        var client: (store: CertificateStore, folder: CertificateFolder)
        var serverContext: TLSContext
        var clientContext: TLSContext

        func connect(_ resumption: TLSResumption? = nil, serverName: String? = nil) throws -> TLSPair {
            try TLSPair(
                client: TLSSession(context: clientContext, serverName: serverName, resuming: resumption),
                server: TLSSession(context: serverContext)
            )
        }
    }

    private func ends(
        client certificate: TestCertificate? = nil,
        server serverCertificate: TestCertificate? = nil
    ) throws -> Ends {
        let server = try CertificateFolder.store(
            serverCertificate ?? root.issue(),
            authorities: [root],
            lists: root.revocationList(),
            clock: clock
        )
        let client = try CertificateFolder.store(
            certificate ?? root.issue(),
            authorities: [root],
            lists: root.revocationList(),
            clock: clock
        )
        return Ends(
            server: server,
            client: client,
            serverContext: try server.store.makeContext(role: .server, verification: .required, minimumVersion: .tls13),
            clientContext: try client.store.makeContext(role: .client, verification: .required, minimumVersion: .tls13)
        )
    }

    private func ticket(_ ends: Ends, serverName: String? = nil) throws -> TLSResumption {
        let first = try ends.connect(serverName: serverName)
        #expect(first.isComplete && !first.server.isResumed)
        return try #require(first.client.takeResumption())
    }

    @Test func aSessionIsResumedWithTheSameIdentity() throws {
        let ends = try ends()
        let pair = try ends.connect(ticket(ends))
        #expect(pair.isComplete && pair.server.isResumed && pair.client.isResumed)
        #expect(pair.server.peerIdentity?.uris == ["spiffe://example.com/cell/west/node/w1"])
        #expect(pair.client.peerIdentity?.uris == ["spiffe://example.com/cell/west/node/w1"])
        #expect(ends.serverContext.counters.resumedHandshakes == 1)
        #expect(ends.clientContext.counters.fullHandshakes == 1)
        // The next ticket works as well, and is only handed out once.
        let again = try #require(pair.client.takeResumption())
        #expect(pair.client.takeResumption() == nil)
        #expect(try ends.connect(again).server.isResumed)
    }

    /// The API listener takes TLS 1.2 too, where the ticket comes with the handshake and not after it.
    @Test func resumptionOverTLS12IsBoundToTheSameThings() throws {
        let revoked = try root.issue()
        let ends = try ends(client: revoked)
        let server = try ends.server.store.makeContext(role: .server, verification: .required)
        let client = try ends.client.store.makeContext(role: .client, verification: .required)
        func connect(_ resumption: TLSResumption? = nil) throws -> TLSPair {
            let session = try TLSSession(context: client, resuming: resumption)
            // SSL_OP_NO_TLSv1_3
            SSL_set_options(session.ssl, UInt64(1) << 29)
            return try TLSPair(client: session, server: TLSSession(context: server))
        }
        let first = try connect()
        #expect(first.isComplete && first.server.version == "TLSv1.2")
        let second = try connect(first.client.takeResumption())
        #expect(second.isComplete && second.server.isResumed)
        #expect(second.server.peerIdentity?.uris == ["spiffe://example.com/cell/west/node/w1"])
        let kept = try #require(try connect().client.takeResumption())
        try ends.server.folder.write("crl.pem", root.revocationList(of: [revoked], thisUpdate: .seconds(-1)))
        #expect(!ends.server.store.reload().isEmpty)
        #expect(second.server.revalidate()?.code == .certificateRevoked)
        #expect(try connect(kept).serverError?.code == .certificateRevoked)
    }

    @Test func ticketFactsReadBackAndNothingElseDoes() throws {
        var generator = SeededGenerator(seed: 7)
        let facts = TicketFacts(validUntil: -5, intermediates: [[1, 2, 3], [], Array(repeating: 9, count: 1000)])
        let bytes = try #require(facts.encoded)
        #expect(TicketFacts(bytes) == facts)
        for count in 0..<bytes.count { #expect(TicketFacts(Array(bytes.prefix(count))) != facts) }
        for _ in 0..<2000 {
            var damaged = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &generator)))
            guard let index = damaged.indices.randomElement(using: &generator) else { continue }
            damaged[index] = UInt8.random(in: 0...255, using: &generator)
            // What is read is never more than what there is.
            let size = TicketFacts(damaged)?.intermediates.reduce(0) { $0 + $1.count } ?? 0
            #expect(size <= damaged.count)
        }
        let large = TicketFacts(validUntil: 1, intermediates: [Array(repeating: 0, count: TicketFacts.maximumBytes)])
        #expect(large.encoded == nil)
        #expect(TicketFacts([1, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255]) == nil)
    }

    @Test func aClientThatWasRevokedSinceShakesHandsInFullAndIsRefused() throws {
        let revoked = try root.issue()
        let ends = try ends(client: revoked)
        let kept = try ticket(ends)
        try ends.server.folder.write("crl.pem", root.revocationList(of: [revoked]))
        #expect(ends.server.store.reload().contains { if case .reloaded = $0 { true } else { false } })
        let pair = try ends.connect(kept)
        #expect(pair.serverError?.code == .certificateRevoked)
        #expect(ends.serverContext.counters.resumptionsRefused == 1)
    }

    @Test func aClientThatExpiredSinceShakesHandsInFullAndIsRefused() throws {
        let ends = try ends(
            client: root.issue {
                $0.validFrom = .seconds(-60)
                $0.validFor = .seconds(660)
            }
        )
        let kept = try ticket(ends)
        clock.advance(.seconds(600 + 59))
        let stillValid = try ends.connect(kept)
        #expect(stillValid.server.isResumed)
        // The ticket of a resumed session lasts no longer than the chain that was verified.
        let next = try #require(stillValid.client.takeResumption())
        clock.advance(.seconds(3))
        #expect(try ends.connect(next).serverError?.code == .certificateExpired)
    }

    @Test func aRenewedClientIsLetInWithItsOldTicket() throws {
        let ends = try ends(
            client: root.issue {
                $0.validFrom = .seconds(-60)
                $0.validFor = .seconds(660)
            }
        )
        let kept = try ticket(ends)
        clock.advance(.seconds(700))
        let renewed = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        let context = try renewed.store.makeContext(role: .client, verification: .required, minimumVersion: .tls13)
        let pair = try TLSPair(
            client: TLSSession(context: context, resuming: kept),
            server: TLSSession(context: ends.serverContext)
        )
        #expect(pair.isComplete && !pair.server.isResumed)
    }

    @Test func aClientOffersNoTicketAfterAReload() throws {
        let ends = try ends()
        let kept = try ticket(ends)
        try ends.client.folder.write("crl.pem", root.revocationList(thisUpdate: .seconds(-30)))
        #expect(!ends.client.store.reload().isEmpty)
        let pair = try ends.connect(kept)
        #expect(pair.isComplete && !pair.client.isResumed)
        #expect(ends.clientContext.counters.resumptionsRefused == 1)
    }

    @Test func aClientOffersNoTicketOfAServerThatExpired() throws {
        let ends = try ends(
            server: root.issue {
                $0.validFrom = .seconds(-60)
                $0.validFor = .seconds(660)
            }
        )
        let kept = try ticket(ends)
        clock.advance(.seconds(700))
        #expect(try ends.connect(kept).clientError?.code == .certificateExpired)
    }

    @Test func onlyTheListsOfTheChainDecideHowLongItIsValid() throws {
        var strict = CertificatePolicy.member
        strict.requiresCurrentRevocationLists = true
        strict.maximumRevocationStaleness = .zero
        let former = try TestAuthority("former root", epoch: clock.now)
        let stale = try former.revocationList(thisUpdate: .seconds(-7200), nextUpdate: .seconds(-3600))
        var ends = try ends()
        ends.server = try CertificateFolder.store(
            root.issue(),
            authorities: [root, former],
            lists: stale + root.revocationList(nextUpdate: .seconds(3600)),
            policy: strict,
            clock: clock
        )
        ends.serverContext = try ends.server.store.makeContext(
            role: .server,
            verification: .required,
            minimumVersion: .tls13
        )
        let first = try ends.connect()
        let kept = try #require(first.client.takeResumption())
        #expect(try ends.connect(kept).server.isResumed)
        #expect(first.server.revalidate() == nil)
        clock.advance(.seconds(3601))
        #expect(first.server.revalidate()?.code == .revocationUnknown)
    }

    @Test func aTicketIsForOneNameOnly() throws {
        let ends = try ends()
        let kept = try ticket(ends, serverName: "localhost")
        let pair = try ends.connect(kept, serverName: "elsewhere.example")
        #expect(pair.clientError?.code == .wrongName)
        #expect(try ends.connect(ticket(ends, serverName: "localhost"), serverName: "localhost").client.isResumed)
    }

    @Test func aTicketKeepsTheCertificatesInBetween() throws {
        let site = try root.subordinate("site")
        let ends = try ends(client: site.issue(), server: site.issue())
        let pair = try ends.connect(ticket(ends))
        #expect(pair.server.isResumed)
        #expect(pair.server.revalidate() == nil)
        try ends.server.folder.write("crl.pem", root.revocationList(thisUpdate: .seconds(-30)))
        #expect(!ends.server.store.reload().isEmpty)
        #expect(pair.server.revalidate() == nil)
        try ends.server.folder.write("crl.pem", root.revocationList(of: [site.certificate], thisUpdate: .seconds(-20)))
        #expect(!ends.server.store.reload().isEmpty)
        #expect(pair.server.revalidate()?.code == .certificateRevoked)
        #expect(ends.serverContext.counters.revalidationFailures == [.certificateRevoked: 1])
        #expect(pair.client.revalidate() == nil)
        try ends.client.folder.write("crl.pem", root.revocationList(of: [site.certificate], thisUpdate: .seconds(-20)))
        #expect(!ends.client.store.reload().isEmpty)
        #expect(pair.client.revalidate()?.code == .certificateRevoked)
    }

    @Test func revalidationSeesExpiryAndLostAuthorities() throws {
        let ends = try ends()
        let pair = try ends.connect()
        #expect(pair.server.revalidate() == nil && pair.client.revalidate() == nil)
        let next = try TestAuthority("next root", epoch: clock.now)
        try ends.server.folder.write("ca.pem", root.certificate.pem + next.certificate.pem)
        #expect(!ends.server.store.reload().isEmpty)
        #expect(pair.server.revalidate() == nil)
        clock.advance(.seconds(24 * 3600))
        #expect(pair.server.revalidate()?.code == .certificateExpired)
        #expect(pair.client.revalidate()?.code == .certificateExpired)
        clock.advance(.seconds(-24 * 3600))
        try ends.server.folder.write("ca.pem", next.certificate.pem)
        try ends.server.folder.write("crl.pem", next.revocationList())
        #expect(!ends.server.store.reload().isEmpty)
        #expect(pair.server.revalidate()?.code == .unknownAuthority)
    }
}
