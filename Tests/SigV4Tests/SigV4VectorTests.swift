import SansIO
import Testing

@testable import SigV4

/// The four signatures of control §2.8 with their intermediate values, through the signer and the verifier.
@Suite struct SigV4VectorTests {
    private let digest = PureDigest()

    private func parsed(_ request: HTTPRequest) throws -> SignedRequest {
        try SigV4Request.parse(request).get()
    }

    private func canonicalHash(_ signed: SignedRequest) -> String {
        digest.hash(Array(signed.canonicalRequest(digest: digest).utf8)).hexadecimal
    }

    @Test func keyDerivation() {
        let date = digest.authenticate("20260115", key: Array("AWS4\(Samples.secret)".utf8))
        let region = digest.authenticate("eu-west-1", key: date)
        let service = digest.authenticate("events", key: region)
        #expect(date.hexadecimal == "221bde6db8d47b0b6573ec7614317fb465cf79ad6c20dd810644a51c2d5cff2a")
        #expect(region.hexadecimal == "c4133558925effd866333b0b1cecfc4dcaadde3910bc4b501ab1b2dc4db57c09")
        #expect(service.hexadecimal == "8a9a7c1927abb8372095256df1c9140320a899f1630604f7741d1880dd6e3f05")
        let signing = SigningKey.derive(
            secret: Samples.secret,
            date: "20260115",
            region: "eu-west-1",
            service: "events",
            digest: digest
        )
        #expect(signing.hexadecimal == "cbe112fba08d9b4b0c288e2ee5fc106352a931eadb869bbca8733b92a72ae152")
    }

    @Test func jsonPost() throws {
        let request = Samples.signed()
        let signed = try parsed(request)
        #expect(signed.accessKeyID == Samples.keyID)
        #expect(signed.scopeDate == "20260115")
        #expect(signed.region == "eu-west-1")
        #expect(signed.service == "events")
        #expect(signed.form == .header)
        #expect(signed.sessionToken == nil)
        #expect(signed.signedAt == Samples.time)
        #expect(signed.signedHeaders == ["content-type", "host", "x-amz-date", "x-amz-target"])
        let canonical = signed.canonicalRequest(digest: digest)
        let expected = """
            POST
            /

            content-type:application/x-amz-json-1.1
            host:127.0.0.1:8010
            x-amz-date:20260115T123456Z
            x-amz-target:AWSEvents.ListEventBuses

            content-type;host;x-amz-date;x-amz-target
            44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a
            """
        #expect(canonical == expected)
        #expect(canonicalHash(signed) == "606a899dfc31e14e4d38a0cd85cb2b4560a8a248c6bc7863b68492e19331a737")
        let stringToSign = """
            AWS4-HMAC-SHA256
            20260115T123456Z
            20260115/eu-west-1/events/aws4_request
            606a899dfc31e14e4d38a0cd85cb2b4560a8a248c6bc7863b68492e19331a737
            """
        #expect(signed.stringToSign(digest: digest) == stringToSign)
        let authorization = try #require(request.header("authorization"))
        #expect(
            authorization == "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLEEVENTS001/20260115/eu-west-1/events/aws4_request, "
                + "SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
                + "Signature=3db89dc48237715c6acdb24938893047b164cbce3f2ff3a67d181666b5da01a0"
        )
        #expect(Samples.verdict(request) == .verified)
    }

    @Test func sessionGetWithEscapedPath() throws {
        var request = Samples.request("GET", Samples.tagsPath, [Samples.host])
        var signer = Samples.signer("scheduler", temporary: true)
        signer.sign(&request, at: Samples.time, digest: digest)
        let signed = try parsed(request)
        #expect(signed.sessionToken == Samples.token)
        #expect(signed.signedHeaders == ["host", "x-amz-date", "x-amz-security-token"])
        let lines = signed.canonicalRequest(digest: digest).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            lines[1] == "/tags/arn%253Aaws%253Ascheduler%253Aeu-west-1%253A111122223333%253Aschedule-group%252Fg1"
        )
        #expect(canonicalHash(signed) == "ea633b8404b8f48388d3dd44ece06fee34f4bd12ad5cf23f79feee907c251875")
        #expect(
            String(decoding: signed.signature, as: UTF8.self)
                == "918f7ae9f138f4ab450f54e13f50a83f698af2f7b3dcebeebb471fbff9b90995"
        )
        #expect(Samples.verdict(request, credential: Samples.temporary, service: "scheduler") == .verified)
    }

    @Test func deleteWithRepeatedQueryNames() throws {
        var request = Samples.request("DELETE", Samples.tagsPath + "?TagKeys=b%20c&TagKeys=a", [Samples.host])
        var signer = Samples.signer("scheduler")
        signer.sign(&request, at: Samples.time, digest: digest)
        let signed = try parsed(request)
        let lines = signed.canonicalRequest(digest: digest).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines[2] == "TagKeys=a&TagKeys=b%20c")
        #expect(canonicalHash(signed) == "b23116e4fe8d3403d4343d77b78b97945405bb6d40a09ee1c19a90981be10ac2")
        #expect(
            String(decoding: signed.signature, as: UTF8.self)
                == "9732b8ed225895ee05e164fcb9b5d20ef5d1c16dfdce54a96c617509cdcf9a6b"
        )
        #expect(Samples.verdict(request, service: "scheduler") == .verified)
    }

    @Test func presignedGet() throws {
        var request = Samples.request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", [Samples.host])
        var signer = Samples.signer("sts", region: "us-east-1")
        signer.presign(&request, at: Samples.time, expires: .seconds(900), digest: digest)
        let signed = try parsed(request)
        #expect(signed.form == .presigned(expires: .seconds(900)))
        #expect(signed.signedHeaders == ["host"])
        #expect(canonicalHash(signed) == "33fcd2aa86d48141670035c79acf7461c5c3db6144358e1ccfa1d2565cf90ea9")
        #expect(
            request.target.hasSuffix(
                "&X-Amz-Signature=d74af0f0e521057cd1b726c3a15377eaddda16aead843977aa0edd12cd7bb967"
            )
        )
        #expect(Samples.verdict(request, service: "sts") == .verified)
    }
}
