import SansIO
import Testing

@testable import SigV4

/// Each of the mistakes that control §2.9 lists, as a request that a verifier making it would judge wrongly.
@Suite struct SigV4MistakeTests {
    private func canonical(_ request: HTTPRequest) throws -> [Substring] {
        try SigV4Request.parse(request).get().canonicalRequest(digest: PureDigest())
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    private func signed(_ target: String) -> HTTPRequest {
        Samples.signed { $0.target = target }
    }

    @Test(arguments: [
        ("/tags/arn%3Aaws", "/tags/arn%253Aaws"), ("/tags/arn:aws", "/tags/arn%3Aaws"), ("/a%2Fb/c", "/a%252Fb/c"),
        ("/a%20b", "/a%2520b"), ("/a+b", "/a%2Bb"), ("", "/"), ("/", "/"), ("//", "/"), ("/a//b/", "/a/b/"),
        ("/a/./b", "/a/b"), ("/a/../b", "/b"), ("/../..", "/"), ("/a/..", "/"), ("/a/b/../", "/a/"), ("/./", "/"),
        ("/%2e%2e/b", "/%252e%252e/b"), ("/-._~", "/-._~"), ("/é", "/%C3%A9"), ("/...", "/..."),
    ])
    func pathIsEncodedAgainAndNeverDecoded(_ target: String, _ expected: String) throws {
        let request = signed(target)
        #expect(try canonical(request)[1] == expected)
        #expect(Samples.verdict(request) == .verified)
    }

    @Test(arguments: [
        ("TagKeys=b%20c&TagKeys=a", "TagKeys=a&TagKeys=b%20c"),
        // Decoded, `{` would come after `a`; encoded, `%7B` comes before.
        ("a=1&%7B=2", "%7B=2&a=1"), ("x=a&x=%7b", "x=%7B&x=a"),
        ("a=b+c", "a=b%2Bc"), ("a=b%20c", "a=b%20c"), ("flag", "flag="), ("b=2&a", "a=&b=2"), ("", ""),
        ("a-b=1&a=2", "a=2&a-b=1"), ("x=%2f", "x=%2F"), ("x=%41", "x=A"), ("x=a:b", "x=a%3Ab"), ("x=1&&y=2", "x=1&y=2"),
        ("x=%zz", "x=%25zz"), ("x=%4", "x=%254"), ("x=a=b", "x=a%3Db"), ("a=1&A=2", "A=2&a=1"),
    ])
    func queryIsSortedAsEncodedAndPlusIsPlus(_ query: String, _ expected: String) throws {
        let request = signed("/?" + query)
        #expect(try canonical(request)[2] == expected)
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func hostKeepsItsPort() throws {
        var request = Samples.signed()
        #expect(try canonical(request).contains("host:127.0.0.1:8010"))
        request.replace("host") { _ in "127.0.0.1" }
        #expect(Samples.verdict(request) == .refused(.wrongSignature))
    }

    @Test func onlyListedHeadersCount() {
        var request = Samples.signed()
        request.headers.insert(HTTPField("accept-encoding", "identity"), at: 0)
        request.headers.append(HTTPField("user-agent", "aws-cli/2"))
        request.headers.append(HTTPField("x-amzn-trace-id", "Root=1"))
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func signerLeavesOutWhatProxiesChange() throws {
        let request = Samples.signed { request in
            for name in ["user-agent", "x-amzn-trace-id", "expect", "connection", "transfer-encoding"] {
                request.headers.append(HTTPField(name, "x"))
            }
        }
        let names = try SigV4Request.parse(request).get().signedHeaders
        #expect(names == ["content-type", "host", "x-amz-date", "x-amz-target"])
    }

    @Test func contentLengthIsPartOfTheSignatureWhenListed() throws {
        var request = Samples.signed { request in
            request.headers.append(HTTPField("content-length", "2"))
            request.headers.append(HTTPField("amz-sdk-invocation-id", "11111111-2222-3333-4444-555555555555"))
            request.headers.append(HTTPField("amz-sdk-request", "attempt=1; max=25"))
        }
        #expect(try canonical(request).contains("content-length:2"))
        #expect(Samples.verdict(request) == .verified)
        request.headers.removeAll { $0.name == "content-length" }
        #expect(Samples.verdict(request) == .refused(.wrongSignature))
    }

    @Test func bodyIsHashedAsReceived() {
        var request = Samples.signed { $0.body = Array(#"{ "Limit" : 1.0 }"#.utf8) }
        #expect(Samples.verdict(request) == .verified)
        request.body = Array(#"{"Limit":1}"#.utf8)
        #expect(Samples.verdict(request) == .refused(.wrongSignature))
    }

    @Test(arguments: ["eu-west-1", "us-east-1", "ap-southeast-4", "local"])
    func anyRegionIsGoodUnlessLimited(_ region: String) throws {
        let request = Samples.signed(with: Samples.signer(region: region))
        #expect(try SigV4Request.parse(request).get().region == region)
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func contentHashHeaderIsOptional() {
        let without = Samples.signed()
        #expect(without.header("x-amz-content-sha256") == nil)
        #expect(Samples.verdict(without) == .verified)
        let with = Samples.signed { request in
            let hash = PureDigest.hexadecimal(PureDigest.sha256(request.body))
            request.headers.append(HTTPField("x-amz-content-sha256", hash))
        }
        #expect(Samples.verdict(with) == .verified)
    }

    @Test func headerNamesArriveInLowerCaseWithHostFromAuthority() {
        let request = Samples.signed()
        #expect(request.headers.contains { $0.name == "authorization" })
        var http2 = request
        http2.connection.majorVersion = 2
        http2.headers.removeAll { $0.name == "host" }
        http2.headers.insert(Samples.host, at: 0)
        #expect(Samples.verdict(http2) == .verified)
    }

    @Test(arguments: [
        ("a   b", "x-test:a b"), ("  a b  ", "x-test:a b"), ("a\tb", "x-test:a b"), ("", "x-test:"), ("   ", "x-test:"),
        ("\"a   b\"", "x-test:\"a b\""), ("a\r\nhost:evil", "x-test:a host:evil"),
    ])
    func headerValuesAreTrimmedAndCollapsed(_ value: String, _ line: String) throws {
        let request = Samples.signed { $0.headers.append(HTTPField("x-test", value)) }
        #expect(try canonical(request).contains { $0 == line })
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func repeatedHeadersAreJoinedInOrder() throws {
        var request = Samples.signed { request in
            request.headers.append(HTTPField("x-test", "b"))
            request.headers.append(HTTPField("x-test", " a  c "))
        }
        #expect(try canonical(request).contains("x-test:b,a c"))
        #expect(Samples.verdict(request) == .verified)
        request.headers.removeAll { $0.name == "x-test" }
        request.headers.append(HTTPField("x-test", "b,a c"))
        #expect(Samples.verdict(request) == .verified)
    }
}
