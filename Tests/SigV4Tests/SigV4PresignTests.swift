import SansIO
import SigV4
import Testing

/// The presigned form (spec: control §2.5).
@Suite struct SigV4PresignTests {
    private func presigned(
        expires: Int = 900,
        temporary: Bool = false,
        at time: Timestamp = Samples.time
    ) -> HTTPRequest {
        var request = Samples.request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", [Samples.host])
        var signer = Samples.signer("sts", region: "us-east-1", temporary: temporary)
        signer.presign(&request, at: time, expires: .seconds(expires), digest: PureDigest())
        return request
    }

    private func verdict(
        _ request: HTTPRequest,
        after seconds: Int = 0,
        credential: SigV4Credential? = Samples.longTerm
    ) -> SigV4Verdict {
        Samples.verdict(request, credential: credential, now: Samples.time + .seconds(seconds), service: "sts")
    }

    @Test func expiresAfterItsOwnTime() {
        let request = presigned()
        #expect(verdict(request, after: 900) == .verified)
        let late = verdict(request, after: 901)
        guard case .refused(let failure) = late else {
            Issue.record("an expired request was verified")
            return
        }
        #expect(
            failure.message(for: .query)
                == "Signature expired: 20260115T123456Z is now earlier than 20260115T123457Z (20260115T124957Z - 15 min.)"
        )
        #expect(verdict(request, after: -300) == .verified)
        #expect(verdict(request, after: -301) != .verified)
        let brief = presigned(expires: 59)
        #expect(verdict(brief, after: 59) == .verified)
        if case .refused(let failure) = verdict(brief, after: 60) {
            #expect(failure.message(for: .query).hasSuffix("(20260115T123556Z - 59 sec.)"))
        } else {
            Issue.record("an expired request was verified")
        }
    }

    @Test(arguments: ["0", "604801", "-1", "", "1x", "99999999999999999999999999", "+5"])
    func validityOutOfRange(_ text: String) {
        var request = presigned()
        request.target = request.target.replacing("X-Amz-Expires=900", by: "X-Amz-Expires=\(text)")
        #expect(verdict(request) == .refused(.malformedExpiry(text)))
    }

    @Test func longestValidity() {
        #expect(verdict(presigned(expires: 604_800), after: 604_800) == .verified)
    }

    @Test func everyParameterIsCovered() {
        let request = presigned()
        for (old, new) in [
            ("Version=2011-06-15", "Version=2011-06-16"), ("Expires=900", "Expires=901"),
            ("Action=GetCallerIdentity", "Action=AssumeRole"), ("T123456Z", "T123457Z"),
        ] {
            var changed = request
            changed.target = changed.target.replacing(old, by: new)
            #expect(changed.target != request.target)
            #expect(verdict(changed) == .refused(.wrongSignature))
        }
        var added = request
        added.target += "&Extra=1"
        #expect(verdict(added) == .refused(.wrongSignature))
    }

    @Test func orderOfParametersDoesNotMatter() throws {
        var request = presigned()
        let query = request.target.dropFirst(2).split(separator: "&").reversed().joined(separator: "&")
        request.target = "/?" + query
        #expect(verdict(request) == .verified)
    }

    @Test func sessionToken() throws {
        let request = presigned(temporary: true)
        #expect(request.target.contains("X-Amz-Security-Token=FwoTOKEN%2F%2Fexample%3D%3D"))
        #expect(try SigV4Request.parse(request).get().sessionToken == Samples.token)
        #expect(verdict(request, credential: Samples.temporary) == .verified)
        #expect(verdict(request, credential: Samples.longTerm) == .refused(.invalidSessionToken))
        #expect(verdict(presigned(), credential: Samples.temporary) == .refused(.invalidSessionToken))
    }
}
