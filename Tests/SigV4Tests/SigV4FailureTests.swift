import SansIO
import SigV4
import Testing

/// Every row of control §2.7: the verdict that produces it, its codes, statuses and text.
@Suite struct SigV4FailureTests {
    struct Row: Sendable {
        var failure: SigV4Failure
        var json: String
        var query: String
        var message: String
        var queryStatus = 403
    }

    private static func time(_ clock: Int64) -> Timestamp {
        Timestamp(milliseconds: (1_768_435_200 + clock / 100 * 3600 + clock % 100 * 60) * 1000)
    }

    private func expect(
        _ verdict: SigV4Verdict,
        _ row: Row,
        location: SourceLocation = #_sourceLocation
    ) {
        #expect(verdict == .refused(row.failure), sourceLocation: location)
        #expect(row.failure.code(for: .json) == row.json, sourceLocation: location)
        #expect(row.failure.code(for: .jsonForbidden) == row.json, sourceLocation: location)
        #expect(row.failure.code(for: .query) == row.query, sourceLocation: location)
        #expect(row.failure.message(for: .json) == row.message, sourceLocation: location)
        #expect(row.failure.httpStatus(for: .json) == 400, sourceLocation: location)
        #expect(row.failure.httpStatus(for: .jsonForbidden) == 403, sourceLocation: location)
        #expect(row.failure.httpStatus(for: .query) == row.queryStatus, sourceLocation: location)
    }

    private func mismatch(_ failure: SigV4Failure, _ message: String) -> Row {
        Row(failure: failure, json: "InvalidSignatureException", query: "SignatureDoesNotMatch", message: message)
    }

    private func incomplete(_ failure: SigV4Failure, _ message: String) -> Row {
        Row(
            failure: failure,
            json: "IncompleteSignatureException",
            query: "IncompleteSignature",
            message: message,
            queryStatus: 400
        )
    }

    private func invalidToken(_ failure: SigV4Failure) -> Row {
        Row(
            failure: failure,
            json: "UnrecognizedClientException",
            query: "InvalidClientTokenId",
            message: "The security token included in the request is invalid."
        )
    }

    @Test func noCredentials() {
        expect(
            Samples.verdict(Samples.listBuses()),
            Row(
                failure: .missingAuthentication,
                json: "MissingAuthenticationTokenException",
                query: "MissingAuthenticationToken",
                message: "Missing Authentication Token"
            )
        )
        #expect(
            SigV4Failure.missingAuthentication.message(for: .query) == "Request is missing Authentication Token"
        )
    }

    @Test func partsOfTheHeaderMissing() {
        var request = Samples.signed()
        request.replace("authorization") { _ in "AWS4-HMAC-SHA256 SignedHeaders=host" }
        expect(
            Samples.verdict(request),
            incomplete(
                .incompleteHeader(
                    missing: [.credential, .signature],
                    authorization: "AWS4-HMAC-SHA256 SignedHeaders=host"
                ),
                "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
                    + "parameter. Authorization=AWS4-HMAC-SHA256 SignedHeaders=host"
            )
        )
        request = Samples.listBuses()
        request.headers.append(HTTPField("authorization", "Bearer abc"))
        expect(
            Samples.verdict(request),
            incomplete(
                .incompleteHeader(
                    missing: [.credential, .signature, .signedHeaders, .date],
                    authorization: "Bearer abc"
                ),
                "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' "
                    + "parameter. Authorization header requires 'SignedHeaders' parameter. Authorization header requires "
                    + "existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=Bearer abc"
            )
        )
    }

    @Test func malformedParts() {
        var request = Samples.signed()
        request.replace("authorization") { $0.replacing("/aws4_request", by: "") }
        expect(
            Samples.verdict(request),
            incomplete(
                .malformedCredential("AKIDEXAMPLEEVENTS001/20260115/eu-west-1/events"),
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                    + "got 'AKIDEXAMPLEEVENTS001/20260115/eu-west-1/events'."
            )
        )
        request = Samples.signed()
        request.replace("authorization") { $0.replacing("content-type;", by: "content-type;;") }
        expect(
            Samples.verdict(request),
            incomplete(
                .malformedSignedHeaders("content-type;;host;x-amz-date;x-amz-target"),
                "SignedHeaders must be a semicolon-separated list of at most 100 header names, "
                    + "got 'content-type;;host;x-amz-date;x-amz-target'."
            )
        )
        request = Samples.signed()
        request.replace("x-amz-date") { _ in "2026-01-15" }
        expect(
            Samples.verdict(request),
            incomplete(
                .malformedDate("2026-01-15"),
                "Date must be in ISO-8601 'basic format'. Got '2026-01-15'. See http://en.wikipedia.org/wiki/ISO_8601"
            )
        )
        request = Samples.signed()
        request.replace("authorization") { $0.replacing("HMAC-SHA256", by: "ECDSA-P256-SHA256") }
        expect(
            Samples.verdict(request),
            incomplete(
                .unsupportedAlgorithm("AWS4-ECDSA-P256-SHA256"),
                "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256'."
            )
        )
    }

    @Test func partsOfThePresignedQueryMissing() {
        let request = Samples.request("GET", "/?X-Amz-Credential=a&X-Amz-Date=b&X-Amz-Expires=1", [Samples.host])
        expect(
            Samples.verdict(request),
            incomplete(
                .incompleteQuery(missing: [.algorithm, .signature, .signedHeaders]),
                "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include "
                    + "'X-Amz-Signature'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. "
                    + "Re-examine the query-string parameters."
            )
        )
    }

    @Test func unknownAccessKey() {
        expect(Samples.verdict(Samples.signed(), credential: nil), invalidToken(.unknownAccessKey))
    }

    @Test func sessionTokens() {
        let temporary = Samples.signed(with: Samples.signer(temporary: true))
        #expect(Samples.verdict(temporary, credential: Samples.temporary) == .verified)
        expect(Samples.verdict(temporary, credential: Samples.longTerm), invalidToken(.invalidSessionToken))
        expect(Samples.verdict(Samples.signed(), credential: Samples.temporary), invalidToken(.invalidSessionToken))
        var other = Samples.temporary
        other.session?.token = "FwoTOKEN//example=x"
        expect(Samples.verdict(temporary, credential: other), invalidToken(.invalidSessionToken))
        var added = Samples.signed()
        added.headers.append(HTTPField("x-amz-security-token", Samples.token))
        expect(Samples.verdict(added, credential: Samples.temporary), invalidToken(.invalidSessionToken))
        var expired = Samples.temporary
        expired.session?.expiresAt = Samples.time
        expect(
            Samples.verdict(temporary, credential: expired),
            Row(
                failure: .expiredSessionToken,
                json: "ExpiredTokenException",
                query: "ExpiredToken",
                message: "The security token included in the request is expired"
            )
        )
    }

    @Test func wrongSignature() {
        let row = mismatch(
            .wrongSignature,
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
                + "Key and signing method. Consult the service documentation for details."
        )
        expect(Samples.verdict(Samples.signed(), credential: SigV4Credential(secret: "other")), row)
        var request = Samples.signed()
        request.replace("authorization") { String($0.dropLast()) }
        expect(Samples.verdict(request), row)
        request.replace("authorization") { $0 + "0a" }
        expect(Samples.verdict(request), row)
        request = Samples.signed()
        request.method = "PUT"
        expect(Samples.verdict(request), row)
        request = Samples.signed()
        request.replace("x-amz-target") { _ in "AWSEvents.DeleteEventBus" }
        expect(Samples.verdict(request), row)
    }

    @Test func scopeDateDiffersFromRequestDate() {
        let signedAt = Timestamp(milliseconds: 1_768_435_262_000)
        var request = Samples.signed(at: signedAt)
        request.replace("authorization") { $0.replacing("/20260115/", by: "/20260114/") }
        expect(
            Samples.verdict(request, now: signedAt),
            mismatch(
                .scopeDateMismatch(scope: "20260114", signedAt: signedAt),
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                    + "'20260114' != '20260115', from '20260115T000102Z'."
            )
        )
    }

    @Test func tooOld() {
        let request = Samples.signed(at: Self.time(1200))
        expect(
            Samples.verdict(request, now: Self.time(1215)),
            mismatch(
                .expired(signedAt: Self.time(1200), now: Self.time(1215), validity: .seconds(300)),
                "Signature expired: 20260115T120000Z is now earlier than 20260115T121000Z (20260115T121500Z - 5 min.)"
            )
        )
        #expect(Samples.verdict(request, now: Self.time(1205)) == .verified)
        #expect(Samples.verdict(request, now: Self.time(1205) + .milliseconds(999)) == .verified)
        #expect(Samples.verdict(request, now: Self.time(1205) + .seconds(1)) != .verified)
        let patient = SigV4Verifier(clockTolerance: .seconds(900))
        #expect(Samples.verdict(request, now: Self.time(1215), verifier: patient) == .verified)
    }

    @Test func inTheFuture() {
        let request = Samples.signed(at: Self.time(1230))
        expect(
            Samples.verdict(request, now: Self.time(1215)),
            mismatch(
                .notYetCurrent(signedAt: Self.time(1230), now: Self.time(1215), tolerance: .seconds(300)),
                "Signature not yet current: 20260115T123000Z is still later than 20260115T122000Z "
                    + "(20260115T121500Z + 5 min.)"
            )
        )
        #expect(Samples.verdict(request, now: Self.time(1225)) == .verified)
        #expect(Samples.verdict(request, now: Self.time(1224)) != .verified)
    }

    @Test func wrongScope() {
        var request = Samples.signed(with: Samples.signer(region: "xx"))
        let limited = SigV4Verifier(validRegions: ["eu-west-1", "us-east-1"])
        let region = mismatch(.wrongRegion("xx"), "Credential should be scoped to a valid Region, not 'xx'.")
        expect(Samples.verdict(request, verifier: limited), region)
        #expect(Samples.verdict(Samples.signed(), verifier: limited) == .verified)
        request = Samples.signed(with: Samples.signer(region: "EU West"))
        #expect(Samples.verdict(request) == .refused(.wrongRegion("EU West")))
        request = Samples.signed(with: Samples.signer("scheduler"))
        let service = mismatch(
            .wrongService(expected: "events"),
            "Credential should be scoped to correct service: 'events'."
        )
        expect(Samples.verdict(request), service)
        #expect(Samples.verdict(request, service: nil) == .verified)
        request = Samples.signed()
        request.replace("authorization") { $0.replacing("/aws4_request", by: "/x") }
        let terminator = mismatch(
            .wrongTerminator("x"),
            "Credential should be scoped with a valid terminator: 'aws4_request', not 'x'."
        )
        expect(Samples.verdict(request), terminator)
    }

    @Test func payloadHash() {
        func signed(_ hash: String) -> HTTPRequest {
            Samples.signed { $0.headers.append(HTTPField("x-amz-content-sha256", hash)) }
        }
        let other = PureDigest.hexadecimal(PureDigest.sha256(Array("[]".utf8)))
        expect(
            Samples.verdict(signed(other)),
            mismatch(
                .payloadHashMismatch,
                "The provided 'x-amz-content-sha256' header does not match what was computed."
            )
        )
        #expect(Samples.verdict(signed("UNSIGNED-PAYLOAD")) == .verified)
        let strict = SigV4Verifier(acceptsUnsignedPayload: false)
        let unsupported = mismatch(
            .unsupportedPayloadHash("UNSIGNED-PAYLOAD"),
            "The value 'UNSIGNED-PAYLOAD' of the 'x-amz-content-sha256' header is not supported."
        )
        expect(Samples.verdict(signed("UNSIGNED-PAYLOAD"), verifier: strict), unsupported)
        for text in ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "", "abc"] {
            #expect(Samples.verdict(signed(text)) == .refused(.unsupportedPayloadHash(text)))
        }
    }

    @Test func unsignedHeaders() {
        var request = Samples.signed()
        request.replace("authorization") { $0.replacing(";host;", by: ";") }
        let host = mismatch(
            .hostNotSigned,
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        )
        expect(Samples.verdict(request), host)
        request = Samples.signed()
        request.headers.append(HTTPField("x-amz-meta", "1"))
        #expect(Samples.verdict(request) == .verified)
        let strict = SigV4Verifier(requiresSignedAMZHeaders: true)
        let header = mismatch(
            .headerNotSigned("x-amz-meta"),
            "'x-amz-meta' must be a 'SignedHeader' in the AWS Authorization."
        )
        expect(Samples.verdict(request, verifier: strict), header)
        #expect(Samples.verdict(Samples.signed(), verifier: strict) == .verified)
    }

    @Test func echoedTextIsBounded() {
        let failure = SigV4Failure.wrongRegion(String(repeating: "x", count: 100_000))
        #expect(failure.message(for: .json).utf8.count < 2200)
    }
}
