import SansIO
import Testing
import Transport

@Suite struct HTTPSRequestTests {
    @Test(arguments: [
        ("https://example.com", "example.com", 443, "/"),
        ("https://Example.COM/a/b?c=d#e", "example.com", 443, "/a/b?c=d"),
        ("HTTPS://example.com:8443?x=1", "example.com", 8443, "/?x=1"),
        ("https://127.0.0.1:1/", "127.0.0.1", 1, "/"),
        ("https://[2001:db8::7]:443/x", "2001:db8::7", 443, "/x"),
    ])
    func urlsAreTakenApart(url: String, host: String, port: Int, target: String) throws {
        let request = try #require(HTTPSRequest(method: "GET", url: url))
        #expect(request.host == host)
        #expect(Int(request.port) == port)
        #expect(request.target == target)
    }

    @Test(arguments: [
        "http://example.com/", "https://", "https:///path", "https://user@example.com/", "https://example.com:0/",
        "https://example.com:65536/", "https://example.com:+1/", "https://example.com:x/", "https://[2001:db8::7/",
        "https://[::1]x/", "https://exa mple.com/", "https://example.com/a\r\nb", "https://example.com/é",
        "example.com",
    ])
    func otherURLsAreNot(url: String) {
        #expect(HTTPSRequest(method: "GET", url: url) == nil)
    }

    @Test func aMethodIsAToken() {
        #expect(HTTPSRequest(method: "GE T", url: "https://example.com/") == nil)
        #expect(HTTPSRequest(method: "", url: "https://example.com/") == nil)
        #expect(HTTPSRequest(method: "REPORT", url: "https://example.com/") != nil)
    }
}
