import SansIO
import Testing

@testable import SigV4

@Suite struct SigV4RequestTests {
    @Test(arguments: [", ", ",", " , ", ",\t"])
    func separators(_ separator: String) {
        var request = Samples.signed()
        request.replace("authorization") { $0.split(separator: ", ").joined(separator: separator) }
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func parametersInAnyOrder() {
        var request = Samples.signed()
        request.replace("authorization") { text in
            let parts = text.dropFirst(17).split(separator: ", ").reversed().joined(separator: ",")
            return "AWS4-HMAC-SHA256 " + parts
        }
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func unsortedRepeatedAndUpperCaseNamesAreTheSameList() throws {
        var request = Samples.signed()
        request.replace("authorization") {
            $0.replacing("content-type;host;x-amz-date", by: "X-Amz-Date;Host;content-type;host")
        }
        let signed = try SigV4Request.parse(request).get()
        #expect(signed.signedHeaders == ["content-type", "host", "x-amz-date", "x-amz-target"])
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func tooManyNames() {
        var request = Samples.signed()
        let list = (0...100).map { "h\($0)" }.joined(separator: ";")
        request.replace("authorization") { $0.replacing("content-type;", by: list + ";") }
        guard case .failure(.malformedSignedHeaders) = SigV4Request.parse(request) else {
            Issue.record("a list of 104 names was accepted")
            return
        }
    }

    /// `X-Amz-Date`, else `Date` in either format; what is signed is the ISO form.
    @Test(arguments: ["Thu, 15 Jan 2026 12:34:56 GMT", "20260115T123456Z"])
    func dateHeader(_ text: String) throws {
        let digest = PureDigest()
        var request = Samples.request("GET", "/", [Samples.host, HTTPField("date", text)])
        let list = try #require(SignedHeaderNames(Array("date;host".utf8)[...]))
        var canonical: [UInt8] = []
        let payload = Payload.hash(digest.hash([]))
        CanonicalRequest.append(request, names: list, payloadHash: { payload.append(to: &$0) }, to: &canonical)
        let stringToSign =
            "AWS4-HMAC-SHA256\n20260115T123456Z\n20260115/eu-west-1/events/aws4_request\n"
            + digest.hash(canonical).hexadecimal
        let key = SigningKey.derive(
            secret: Samples.secret,
            date: "20260115",
            region: "eu-west-1",
            service: "events",
            digest: digest
        )
        let signature = digest.authenticate(stringToSign, key: key).hexadecimal
        let scope = "\(Samples.keyID)/20260115/eu-west-1/events/aws4_request"
        request.headers.append(
            HTTPField(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(scope),SignedHeaders=date;host,Signature=\(signature)"
            )
        )
        #expect(Samples.verdict(request) == .verified)
        request.headers.append(HTTPField("x-amz-date", "nonsense"))
        #expect(Samples.verdict(request) == .refused(.malformedDate("nonsense")))
    }

    @Test(arguments: [
        "20260230T000000Z", "20261301T000000Z", "20260100T000000Z", "20260115T240000Z", "20260115T006000Z",
        "20260115T000060Z", "20260115 123456Z", "20260115T123456", "2026011５T12345Z", "", "+0260115T123456Z",
        "20250229T000000Z",
    ])
    func impossibleDates(_ text: String) {
        #expect(CivilTime.parseBasic(text) == nil)
    }

    @Test(arguments: [
        "Thu, 31 Feb 2026 12:34:56 GMT", "Thu, 15 Jnr 2026 12:34:56 GMT", "Thu, 15 Jan 2026 12:34:56 UTC",
        "Thu, 15 Jan 26 12:34:56 GMT", "15 Jan 2026 12:34:56 GMT", "",
    ])
    func impossibleHTTPDates(_ text: String) {
        #expect(CivilTime.parseRFC1123(text) == nil)
    }

    @Test func datesRoundTrip() {
        #expect(CivilTime.parseBasic("19700101T000000Z") == 0)
        #expect(CivilTime.parseBasic("20000229T235959Z") == 951_868_799)
        #expect(CivilTime.parseRFC1123("Tue, 29 Feb 2000 23:59:59 GMT") == 951_868_799)
        let seed: UInt64 = .random(in: 0 ... .max)
        print("datesRoundTrip seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            let seconds = Int64.random(in: -62_000_000_000...253_402_300_799, using: &generator)
            #expect(CivilTime.parseBasic(CivilTime.basic(seconds)) == seconds)
        }
        #expect(CivilTime.basic(.max / 1000).hasSuffix("Z"))
        #expect(CivilTime.basic(.min / 1000).hasSuffix("Z"))
    }

    @Test func headerFormWinsOverQueryForm() throws {
        var request = Samples.listBuses()
        var signer = Samples.signer()
        signer.presign(&request, at: Samples.time, expires: .seconds(60), digest: PureDigest())
        signer.sign(&request, at: Samples.time, digest: PureDigest())
        #expect(try SigV4Request.parse(request).get().form == .header)
        #expect(Samples.verdict(request) == .verified)
    }
}
