import EventModel
import SansIO
import Testing

@Suite struct NodeIdentityTests {
    @Test func theURIFormReadsBackAsItself() throws {
        let identity = try #require(NodeIdentity(authority: "site.example.com", cell: "West_1.a", node: "w-1"))
        #expect(identity.uri == "spiffe://site.example.com/cell/West_1.a/node/w-1")
        #expect(identity.description == identity.uri)
        #expect(NodeIdentity(uri: identity.uri) == identity)
        #expect(identity.authority == "site.example.com" && identity.cell == "West_1.a" && identity.node == "w-1")
    }

    @Test(arguments: [
        "", "spiffe://", "spiffe:///cell/c/node/n", "spiffe://a/cell/c/node", "spiffe://a/cell/c/node/",
        "spiffe://a/cell//node/n", "spiffe://a/cell/c/node/n/", "spiffe://a/cell/c/node/n/x",
        "spiffe://a//cell/c/node/n",
        "spiffe://a/node/n/cell/c", "spiffe://a/Cell/c/node/n", "SPIFFE://a/cell/c/node/n", "https://a/cell/c/node/n",
        " spiffe://a/cell/c/node/n", "spiffe://a/cell/c/node/n ", "spiffe://a/cell/c/node/n?x",
        "spiffe://a/cell/c/node/n#x",
        "spiffe://a/cell/c/node/%6e", "spiffe://a/cell/c/node/n\u{0}", "spiffe://a/cell/c\u{0}x/node/n",
        "spiffe://a/cell/c/node/\u{E9}", "spiffe://a/cell/c/\u{301}node/n", "spiffe://a/cell/../node/n",
        "spiffe://a/cell/./node/n", "spiffe://a/cell/c/node/..", "spiffe://a/account/123456789012/user/u",
    ])
    func whatIsNotExactlyANodesURIIsRefused(_ uri: String) {
        #expect(NodeIdentity(uri: uri) == nil)
    }

    @Test(arguments: [
        "A.example", "a..b", ".a", "a.", "-a.b", "a-.b", "a.-b", "a.b-", "a_b", "a@b", "a:80", "user@a", "[::1]", "a b",
        "*",
        "*.a", "b\u{FC}cher.example", "a/b",
    ])
    func aMalformedAuthorityIsRefused(_ authority: String) {
        #expect(NodeIdentity(authority: authority, cell: "c", node: "n") == nil)
        #expect(NodeIdentity(uri: "spiffe://\(authority)/cell/c/node/n") == nil)
    }

    @Test func lengthsAreBounded() {
        let label = String(repeating: "a", count: 63)
        let longest = [label, label, label, String(repeating: "a", count: 61)].joined(separator: ".")
        #expect(longest.utf8.count == 253)
        #expect(NodeIdentity(authority: longest, cell: "c", node: "n") != nil)
        #expect(NodeIdentity(authority: longest + "a", cell: "c", node: "n") == nil)
        #expect(NodeIdentity(authority: label + "a", cell: "c", node: "n") == nil)
        let name = String(repeating: "n", count: 64)
        #expect(NodeIdentity(authority: "a", cell: name, node: name) != nil)
        #expect(NodeIdentity(authority: "a", cell: name + "n", node: "n") == nil)
        #expect(NodeIdentity(authority: "a", cell: "c", node: name + "n") == nil)
        #expect(NodeIdentity(authority: "a", cell: "", node: "n") == nil)
    }

    @Test func aTrustDomainHoldsItselfAndItsSubDomains() throws {
        func isIn(_ authority: String, _ domain: String) throws -> Bool {
            try #require(NodeIdentity(authority: authority, cell: "c", node: "n")).isIn(trustDomain: domain)
        }
        #expect(try isIn("example.com", "example.com"))
        #expect(try isIn("a.b.example.com", "example.com"))
        #expect(try !isIn("example.com", "a.example.com"))
        #expect(try !isIn("badexample.com", "example.com"))
        #expect(try !isIn("example.com.evil.example", "example.com"))
        #expect(try !isIn("example.com", ""))
        #expect(try !isIn("example.com", "com."))
    }

    @Test func aCertificateNamesExactlyOneNode() {
        func read(_ uris: [String]) -> String? {
            NodeIdentity(CertificateIdentity(uris: uris, dnsNames: ["x"]), trustDomain: "example.com")?.uri
        }
        let first = "spiffe://example.com/cell/c/node/n1"
        #expect(read([first]) == first)
        #expect(read(["spiffe://s.example.com/cell/c/node/n1"]) != nil)
        #expect(read([]) == nil)
        #expect(read([first, "spiffe://example.com/cell/c/node/n2"]) == nil)
        #expect(read([first, first]) == nil)
        #expect(read([first, "https://elsewhere.example"]) == nil)
        #expect(read(["spiffe://example.org/cell/c/node/n1"]) == nil)
        #expect(read(["spiffe://example.com/account/123456789012/user/u"]) == nil)
    }

    @Test func identitiesSortByAuthorityThenCellThenNode() throws {
        let uris = ["a/cell/b/node/c", "b/cell/a/node/a", "a/cell/a/node/z", "a/cell/b/node/b"].map { "spiffe://\($0)" }
        let sorted = try uris.map { try #require(NodeIdentity(uri: $0)) }.sorted()
        #expect(sorted.map(\.uri) == [uris[2], uris[3], uris[0], uris[1]])
    }
}
