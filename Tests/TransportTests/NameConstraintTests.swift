import SansIO
import Testing
import Transport

/// What an authority that is constrained to a site can issue (DESIGN §6; RFC 5280 §4.2.1.10).
@Suite struct NameConstraintTests {
    private let clock = TestClock()
    private let site: TestAuthority
    private let verifier: ChainVerifier

    /// One account, and the site's own host in URIs.
    private static let constraints =
        "permitted;DNS:123456789012.account.example.com,permitted;URI:site.example.com,excluded;IP:0.0.0.0/0.0.0.0,"
        + "excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0"

    init() throws {
        let root = try TestAuthority(epoch: clock.now)
        site = try root.subordinate("site", constraints: Self.constraints)
        verifier = try ChainVerifier(CertificateFolder.store(root.issue(), authorities: [root], clock: clock).store)
    }

    private func verdict(_ names: [TestAuthority.Name]) throws -> TLSError.Code? {
        try verdict(of: site.issue { $0.names = names })
    }

    private func verdict(of certificate: TestCertificate) -> TLSError.Code? {
        do {
            _ = try verifier.verify(certificate.parsedChain, usage: .client, now: clock.now)
            return nil
        } catch {
            return error.code
        }
    }

    private static let own = TestAuthority.Name.uri("spiffe://site.example.com/cell/line-1/node/n1")

    @Test func namesWithinTheConstraintsVerify() throws {
        let account = TestAuthority.Name.dns("123456789012.account.example.com")
        #expect(try verdict([Self.own, account]) == nil)
        #expect(try verdict([Self.own]) == nil)
    }

    @Test(arguments: [
        "spiffe://example.com/cell/west/node/w1", "spiffe://other.example.com/cell/line-1/node/n1",
        "spiffe://a.site.example.com/cell/line-1/node/n1", "spiffe://site.example.com.evil.example/cell/c/node/n",
        "spiffe://evil.example/site.example.com/cell/c/node/n", "spiffe:site.example.com/cell/c/node/n",
        "spiffe://site.example.com@evil.example/cell/c/node/n", "spiffe:///cell/c/node/n",
    ])
    func aURIOfAnotherHostDoesNotVerify(_ uri: String) throws {
        #expect(try verdict([.uri(uri)]) == .nameConstraint)
    }

    @Test(arguments: [
        "210987654321.account.example.com", "*.account.example.com", "account.example.com",
        "x123456789012.account.example.com", "*", "*.example.com", "123456789012.account.example.com.evil.example",
        "123456789012.account.*.com",
    ])
    func anAccountBeyondTheConstraintsDoesNotVerify(_ name: String) throws {
        #expect(try verdict([Self.own, .dns(name)]) == .nameConstraint)
        let good = TestAuthority.Name.dns("123456789012.account.example.com")
        #expect(try verdict([Self.own, good, .dns(name)]) == .nameConstraint)
    }

    @Test func aZeroByteDoesNotHideAName() throws {
        let hidden = Array("210987654321.account.example.com\0.123456789012.account.example.com".utf8)
        #expect(try verdict([Self.own, .rawDNS(hidden)]) != nil)
        let host = Array("spiffe://example.com\0.site.example.com/cell/c/node/n".utf8)
        #expect(try verdict([.rawURI(host)]) != nil)
    }

    @Test func anAuthorityBelowCannotWidenTheConstraints() throws {
        let below = try site.subordinate("below", constraints: "permitted;DNS:account.example.com")
        let wide = try below.issue { $0.names = [Self.own, .dns("210987654321.account.example.com")] }
        #expect(verdict(of: wide) == .nameConstraint)
        let free = try site.subordinate("free").issue { $0.names = [.uri("spiffe://example.com/cell/c/node/n")] }
        #expect(verdict(of: free) == .nameConstraint)
        let sound = try below.issue { $0.names = [Self.own, .dns("123456789012.account.example.com")] }
        #expect(verdict(of: sound) == nil)
    }

    @Test func subDomainsVerifyWhenTheConstraintSaysSo() throws {
        let root = try TestAuthority(epoch: clock.now)
        let region = try root.subordinate("region", constraints: "permitted;URI:.region.example.com")
        let verifier = try ChainVerifier(CertificateFolder.store(root.issue(), authorities: [root], clock: clock).store)
        let hosts = [("a.region.example.com", true), ("region.example.com", false), ("x.example.com", false)]
        for (host, isTaken) in hosts {
            let issued = try region.issue { $0.names = [.uri("spiffe://\(host)/cell/c/node/n")] }
            let verified = try? verifier.verify(issued.parsedChain, usage: .client, now: clock.now)
            #expect((verified != nil) == isTaken, "\(host)")
        }
    }

    @Test func aWildcardVerifiesUnderAnAuthorityWithoutConstraints() throws {
        let root = try TestAuthority(epoch: clock.now)
        let issued = try root.issue { $0.names = [Self.own, .dns("*.account.example.com")] }
        let verifier = try ChainVerifier(CertificateFolder.store(root.issue(), authorities: [root], clock: clock).store)
        let chain = try verifier.verify(issued.parsedChain, usage: .client, now: clock.now)
        #expect(chain.identity.dnsNames == ["*.account.example.com"])
    }
}
