import SansIO
import Testing
import Transport

/// Revocation lists: what they refuse, and what becomes of old ones (RFC 5280 §6.3; docs/certificates.md).
@Suite struct RevocationTests {
    private let clock = TestClock()
    private let root: TestAuthority

    init() throws {
        root = try TestAuthority(epoch: clock.now)
    }

    private func verdict(
        _ certificate: TestCertificate,
        lists: String,
        policy: CertificatePolicy = .member
    ) throws -> TLSError.Code? {
        let made = try CertificateFolder.store(
            root.issue(),
            authorities: [root],
            lists: lists,
            policy: policy,
            clock: clock
        )
        do {
            _ = try ChainVerifier(made.store).verify(certificate.parsedChain, usage: .client, now: clock.now)
            return nil
        } catch {
            return error.code
        }
    }

    private var strict: CertificatePolicy {
        var policy = CertificatePolicy.member
        policy.requiresCurrentRevocationLists = true
        policy.maximumRevocationStaleness = .seconds(1800)
        return policy
    }

    @Test func aRevokedLeafIsRefusedAndOthersAreNot() throws {
        let revoked = try root.issue()
        let lists = try root.revocationList(of: [revoked])
        #expect(try verdict(revoked, lists: lists) == .certificateRevoked)
        #expect(try verdict(root.issue(), lists: lists) == nil)
    }

    @Test func aRevokedSubordinateTakesItsLeavesAlong() throws {
        let site = try root.subordinate("site")
        let leaf = try site.issue()
        let lists = try root.revocationList(of: [site.certificate])
        #expect(try verdict(leaf, lists: lists) == .certificateRevoked)
        #expect(try verdict(root.subordinate("other").issue(), lists: lists) == nil)
    }

    @Test func aSubordinateHasAListOfItsOwn() throws {
        let site = try root.subordinate("site")
        let revoked = try site.issue()
        let lists = try root.revocationList() + site.revocationList(of: [revoked])
        #expect(try verdict(revoked, lists: lists) == .certificateRevoked)
        #expect(try verdict(site.issue(), lists: lists, policy: strict) == nil)
    }

    @Test func anOverdueListStillRevokes() throws {
        let revoked = try root.issue()
        let lists = try root.revocationList(
            of: [revoked],
            thisUpdate: .seconds(-90 * 86_400),
            nextUpdate: .seconds(-89 * 86_400)
        )
        #expect(try verdict(revoked, lists: lists) == .certificateRevoked)
        #expect(try verdict(revoked, lists: lists, policy: strict) != nil)
    }

    @Test func anOverdueListRefusesTheOthersOnlyWhenThePolicyIsStrict() throws {
        let other = try root.issue()
        let old = try root.revocationList(thisUpdate: .seconds(-7200), nextUpdate: .seconds(-3600))
        #expect(try verdict(other, lists: old) == nil)
        #expect(try verdict(other, lists: old, policy: strict) == .revocationUnknown)
        let overdue = try root.revocationList(thisUpdate: .seconds(-7200), nextUpdate: .seconds(-1799))
        #expect(try verdict(other, lists: overdue, policy: strict) == nil)
    }

    @Test func anAuthorityWithoutAListIsRefusedOnlyWhenThePolicyIsStrict() throws {
        let leaf = try root.subordinate("site").issue()
        let lists = try root.revocationList()
        #expect(try verdict(leaf, lists: lists) == nil)
        #expect(try verdict(leaf, lists: lists, policy: strict) == .revocationUnknown)
    }

    @Test func theNewerOfTwoListsCounts() throws {
        let revoked = try root.issue()
        let old = try root.revocationList(thisUpdate: .seconds(-600))
        let new = try root.revocationList(of: [revoked], thisUpdate: .seconds(-60))
        #expect(try verdict(revoked, lists: old + new) == .certificateRevoked)
        #expect(try verdict(revoked, lists: new + old) == .certificateRevoked)
    }

    @Test func aListOfTheFutureIsTakenWithinTheSkew() throws {
        let leaf = try root.issue()
        #expect(try verdict(leaf, lists: root.revocationList(thisUpdate: .seconds(50))) == nil)
        #expect(try verdict(leaf, lists: root.revocationList(thisUpdate: .seconds(90))) == .revocationUnknown)
    }

    @Test func aListThatTheAuthorityDidNotSignIsNotLoaded() throws {
        let impostor = try TestAuthority(epoch: clock.now)
        let forged = try impostor.revocationList()
        do {
            _ = try CertificateFolder.store(root.issue(), authorities: [root], lists: forged, clock: clock)
            Issue.record("a forged list was loaded")
        } catch let error as TLSError {
            #expect(error.code == .revocationUnknown && error.reason.contains("not signed"))
        }
    }

    @Test func handshakesHonourTheLists() throws {
        let revoked = try root.issue()
        let server = try CertificateFolder.store(
            root.issue(),
            authorities: [root],
            lists: root.revocationList(of: [revoked]),
            clock: clock
        )
        let client = try CertificateFolder.store(revoked, authorities: [root], clock: clock)
        let pair = try TLSPair(
            client: TLSSession(context: client.store.makeContext(role: .client, verification: .required)),
            server: TLSSession(context: server.store.makeContext(role: .server, verification: .required))
        )
        #expect(pair.serverError?.code == .certificateRevoked)
        #expect(pair.clientReadError?.reason.contains("revoked") == true)
    }
}
