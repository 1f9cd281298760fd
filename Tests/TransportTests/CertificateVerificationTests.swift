import SansIO
import Testing
import Transport

/// What a server makes of a client's certificate, and a client of a server's, in handshakes (DESIGN §6; RFC 5280 §6).
@Suite struct CertificateVerificationTests {
    private let clock = TestClock()
    private let root: TestAuthority

    init() throws {
        root = try TestAuthority(epoch: clock.now)
    }

    /// A server that knows `root`, and a client that shows `certificate`.
    private func meet(
        _ certificate: TestCertificate,
        lists: String? = nil,
        policy: CertificatePolicy = .member
    ) throws -> TLSPair {
        let server = try CertificateFolder.store(
            root.issue(),
            authorities: [root],
            lists: lists,
            policy: policy,
            clock: clock
        )
        let client = try CertificateFolder.store(certificate, authorities: [root], clock: clock)
        return try TLSPair(
            client: TLSSession(
                context: client.store.makeContext(role: .client, verification: .required, minimumVersion: .tls13)
            ),
            server: TLSSession(
                context: server.store.makeContext(role: .server, verification: .required, minimumVersion: .tls13)
            )
        )
    }

    private func refusal(
        _ certificate: TestCertificate,
        lists: String? = nil,
        policy: CertificatePolicy = .member
    ) throws -> TLSError? {
        let pair = try meet(certificate, lists: lists, policy: policy)
        // The alert must reach the client, so that its log can tell too.
        if pair.serverError != nil { #expect(pair.clientReadError?.code == .refusedByPeer) }
        return pair.serverError
    }

    @Test func aNodesCertificateVerifiesOnBothSides() throws {
        let pair = try meet(root.issue { $0.names = [.uri("spiffe://example.com/cell/east/node/e1")] })
        #expect(pair.isComplete)
        #expect(pair.server.peerIdentity?.uris == ["spiffe://example.com/cell/east/node/e1"])
        #expect(pair.client.peerIdentity?.uris == ["spiffe://example.com/cell/west/node/w1"])
    }

    @Test func aChainOverSubordinateAuthoritiesVerifies() throws {
        let site = try root.subordinate("site").subordinate("site, second level")
        let pair = try meet(site.issue())
        #expect(pair.isComplete)
    }

    @Test(arguments: [(0, true), (59, true), (61, false)])
    func anExpiredCertificateIsTakenWithinTheSkew(_ secondsAfter: Int, _ isTaken: Bool) throws {
        let error = try refusal(
            root.issue {
                $0.validFrom = .seconds(-7200)
                $0.validFor = .seconds(7200 - secondsAfter)
            }
        )
        #expect((error == nil) == isTaken)
        if let error {
            #expect(error.code == .certificateExpired)
            #expect(error.reason.contains("certificate has expired") && error.reason.contains("CN=node"))
        }
    }

    @Test(arguments: [(59, true), (61, false)])
    func aCertificateOfTheFutureIsTakenWithinTheSkew(_ secondsBefore: Int, _ isTaken: Bool) throws {
        let error = try refusal(root.issue { $0.validFrom = .seconds(secondsBefore) })
        #expect((error == nil) == isTaken)
        if let error { #expect(error.code == .certificateNotYetValid) }
    }

    @Test func theSkewCanBeSet() throws {
        var policy = CertificatePolicy.member
        policy.clockSkew = .zero
        let expired = try root.issue {
            $0.validFrom = .seconds(-7200)
            $0.validFor = .seconds(7199)
        }
        #expect(try refusal(expired, policy: policy)?.code == .certificateExpired)
        policy.clockSkew = .seconds(2)
        #expect(try refusal(expired, policy: policy) == nil)
    }

    @Test func anUnknownAuthorityIsRefused() throws {
        let stranger = try TestAuthority("stranger", epoch: clock.now)
        #expect(try refusal(stranger.issue())?.code == .unknownAuthority)
        // One with the root's own name, too.
        let impostor = try TestAuthority(epoch: clock.now)
        #expect(try refusal(impostor.issue())?.code == .unknownAuthority)
    }

    @Test func aLeafCannotIssue() throws {
        let leaf = try root.issue()
        let forged = try TestCertificate.make(
            TestAuthority.Request(),
            issuer: leaf,
            serial: 7,
            epoch: clock.now,
            path: [leaf]
        )
        #expect(try refusal(forged)?.code == .invalidChain)
    }

    @Test func theExtendedKeyUsageMustNameTheRole() throws {
        #expect(try refusal(root.issue { $0.usages = "serverAuth" })?.code == .wrongUsage)
        #expect(try refusal(root.issue { $0.usages = "" })?.code == .wrongUsage)
        #expect(try refusal(root.issue { $0.usages = "codeSigning" })?.code == .wrongUsage)
        #expect(try refusal(root.issue { $0.usages = "clientAuth" }) == nil)
    }

    @Test(arguments: ["clientAuth", "", "emailProtection"])
    func aServerNeedsServerAuth(_ usages: String) throws {
        let server = try CertificateFolder.store(
            root.issue { $0.usages = usages },
            authorities: [root],
            clock: clock
        )
        let client = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        let pair = try TLSPair(
            client: TLSSession(context: client.store.makeContext(role: .client, verification: .required)),
            server: TLSSession(context: server.store.makeContext(role: .server, verification: .required))
        )
        #expect(pair.clientError?.code == .wrongUsage)
    }

    @Test func exactlyOneURIIsAskedForByPolicy() throws {
        let first = TestAuthority.Name.uri("spiffe://example.com/cell/west/node/w1")
        let second = TestAuthority.Name.uri("spiffe://example.com/cell/west/node/w2")
        let two = try root.issue { $0.names = [first, second] }
        #expect(try refusal(two)?.code == .malformedNames)
        #expect(try refusal(root.issue { $0.names = [.dns("localhost")] })?.code == .malformedNames)
        #expect(try refusal(two, policy: CertificatePolicy()) == nil)
    }

    /// A zero byte ends the name for one reader and not for another.
    @Test(arguments: [
        TestAuthority.Name.rawDNS(Array("123456789012.account.example.com\0.evil.example".utf8)),
        .rawDNS(Array("*\0.account.example.com".utf8)),
        .rawDNS([]),
        .rawDNS(Array("b\u{FC}cher.example".utf8)),
        .rawDNS(Array("two words.example".utf8)),
    ])
    func forgedNamesAreRefused(_ name: TestAuthority.Name) throws {
        let uri = TestAuthority.Name.uri("spiffe://example.com/cell/west/node/w1")
        for policy in [CertificatePolicy.member, CertificatePolicy()] {
            #expect(try refusal(root.issue { $0.names = [uri, name] }, policy: policy)?.code == .malformedNames)
        }
        let forged = TestAuthority.Name.rawURI(Array("spiffe://example.com/cell/west/node/w1\0/x".utf8))
        #expect(try refusal(root.issue { $0.names = [forged] })?.code == .malformedNames)
    }

    /// What a client that asks for a host makes of a server's names (RFC 9525 §6.3).
    @Test(arguments: [
        ("west.example.com", "west.example.com", true), ("WEST.example.com", "west.example.com", true),
        ("*.example.com", "west.example.com", true), ("*.example.com", "a.west.example.com", false),
        ("*.example.com", "example.com", false), ("w*.example.com", "west.example.com", false),
        ("west.*.com", "west.example.com", false), ("*", "west.example.com", false),
        ("*.com", "west.example.com", false),
        ("east.example.com", "west.example.com", false), ("127.0.0.1", "127.0.0.1", false),
    ])
    func aServerIsForTheHostsItNames(_ name: String, _ host: String, _ isTaken: Bool) throws {
        let issued = try root.issue {
            // Nobody reads the common name.
            $0.subject = host
            $0.names = [.uri("spiffe://example.com/cell/west/node/w1"), .dns(name)]
        }
        let server = try CertificateFolder.store(issued, authorities: [root], clock: clock)
        let client = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        let context = try client.store.makeContext(role: .client, verification: .required)
        let pair = try TLSPair(
            client: TLSSession(context: context, serverName: host),
            server: TLSSession(context: server.store.makeContext(role: .server, verification: .none))
        )
        #expect(pair.isComplete == isTaken)
        if !isTaken { #expect(pair.clientError?.code == .wrongName) }
    }

    @Test func weakKeysAndSignaturesAreRefused() throws {
        let other = try CertificateFolder()
        try other.write(root.issue { $0.key = .rsa(bits: 1024) }, authorities: [root])
        // OpenSSL does not even let us show such a certificate.
        let weak = try CertificateStore(files: other.files(), clock: clock.read)
        #expect(throws: TLSError.self) { try weak.makeContext(role: .client, verification: .required) }
        let verifier = try ChainVerifier(CertificateFolder.store(root.issue(), authorities: [root], clock: clock).store)
        for issued in [try root.issue { $0.key = .rsa(bits: 1024) }, try root.issue { $0.digestIsSHA1 = true }] {
            #expect(refusalOutside(verifier, issued)?.code == .weakKey)
        }
        #expect(try refusal(root.issue { $0.key = .rsa(bits: 2048) }) == nil)
        var policy = CertificatePolicy.member
        policy.strength = .bits128
        #expect(try refusal(root.issue { $0.key = .rsa(bits: 2048) }, policy: policy)?.code == .weakKey)
        #expect(try refusal(root.issue { $0.key = .ed25519 }, policy: policy) == nil)
    }

    private func refusalOutside(_ verifier: ChainVerifier, _ certificate: TestCertificate) -> TLSError? {
        do {
            _ = try verifier.verify(certificate.parsedChain, usage: .client, now: clock.now)
            return nil
        } catch {
            return error
        }
    }

    @Test func aPolicyOutOfRangeIsRefused() throws {
        var policy = CertificatePolicy()
        policy.clockSkew = .seconds(-1)
        policy.maximumRevocationStaleness = .seconds(-1)
        #expect(policy.validate().count == 2)
        let made = try CertificateFolder.store(root.issue(), authorities: [root], policy: policy, clock: clock)
        #expect(throws: TLSError.self) { try made.store.makeContext(role: .client, verification: .required) }
        let alone = CertificateFiles(
            certificateChainFile: made.folder.path("node.pem"),
            privateKeyFile: made.folder.path("node.key")
        )
        let store = try CertificateStore(files: alone, clock: clock.read)
        #expect(throws: TLSError.self) { try store.makeContext(role: .server, verification: .optional) }
        _ = try store.makeContext(role: .server, verification: .none)
    }

    @Test func failuresAreCountedByKind() throws {
        let server = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        let context = try server.store.makeContext(role: .server, verification: .required)
        let unfit = try root.issue { $0.usages = "serverAuth" }
        let wrong = try CertificateFolder.store(unfit, authorities: [root], clock: clock)
        let right = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        for store in [wrong.store, right.store, wrong.store] {
            let client = try store.makeContext(role: .client, verification: .required)
            _ = try TLSPair(client: TLSSession(context: client), server: TLSSession(context: context))
        }
        #expect(context.counters.failures == [.wrongUsage: 2])
        #expect(context.counters.fullHandshakes == 1)
        #expect(wrong.store.status.counters.failures == [.refusedByPeer: 2])
        let events = server.store.poll()
        guard case .peersRefused(let count, let example)? = events.first, events.count == 1 else {
            Issue.record("unexpected events \(events)")
            return
        }
        #expect(count == 2 && example.code == .wrongUsage)
        #expect(server.store.poll().isEmpty)
    }
}
