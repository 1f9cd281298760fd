import SansIO
import SigV4

/// The made-up credentials and requests of control §2.8.
enum Samples {
    static let keyID = "AKIDEXAMPLEEVENTS001"
    static let temporaryKeyID = "ASIDEXAMPLEEVENTS001"
    static let secret = "swift/Example+Secret/Key0123456789abcdEFG"
    static let token = "FwoTOKEN//example=="
    /// 2026-01-15T12:34:56Z.
    static let time = Timestamp(milliseconds: 1_768_480_496_000)
    static let host = HTTPField("host", "127.0.0.1:8010")
    static let tagsPath =
        "/tags/arn%3Aaws%3Ascheduler%3Aeu-west-1%3A111122223333%3Aschedule-group%2Fg1"
    static let longTerm = SigV4Credential(secret: secret)
    static let temporary = SigV4Credential(
        secret: secret,
        session: SigV4Session(token: token, expiresAt: time + .seconds(3600))
    )

    static func request(_ method: String, _ target: String, _ headers: [HTTPField], body: String = "") -> HTTPRequest {
        HTTPRequest(
            method: method,
            target: target,
            headers: headers,
            body: Array(body.utf8),
            connection: HTTPConnectionInfo(remoteAddress: "127.0.0.1", isSecure: false, majorVersion: 1)
        )
    }

    /// Vector 1 without its signature.
    static func listBuses() -> HTTPRequest {
        request(
            "POST",
            "/",
            [
                host, HTTPField("content-type", "application/x-amz-json-1.1"),
                HTTPField("x-amz-target", "AWSEvents.ListEventBuses"),
            ],
            body: "{}"
        )
    }

    static func signer(
        _ service: String = "events",
        region: String = "eu-west-1",
        temporary: Bool = false
    ) -> SigV4Signer {
        SigV4Signer(
            accessKeyID: temporary ? temporaryKeyID : keyID,
            secret: secret,
            sessionToken: temporary ? token : nil,
            region: region,
            service: service
        )
    }

    /// Vector 1, signed, then changed by `change`.
    static func signed(
        at time: Timestamp = time,
        with signer: SigV4Signer = signer(),
        _ prepare: (inout HTTPRequest) -> Void = { _ in }
    ) -> HTTPRequest {
        var request = listBuses()
        prepare(&request)
        var signer = signer
        signer.sign(&request, at: time, digest: PureDigest())
        return request
    }

    /// Parses and verifies with a fresh cache.
    static func verdict(
        _ request: HTTPRequest,
        credential: SigV4Credential? = longTerm,
        now: Timestamp = time,
        service: String? = "events",
        verifier: SigV4Verifier = SigV4Verifier()
    ) -> SigV4Verdict {
        var cache = SigningKeyCache()
        switch SigV4Request.parse(request) {
        case .failure(let failure):
            return .refused(failure)
        case .success(let signed):
            return verifier.verify(
                signed,
                credential: credential,
                now: now,
                expectedService: service,
                digest: PureDigest(),
                keyCache: &cache
            )
        }
    }
}

extension HTTPRequest {
    /// Changes the value of a header that exists.
    mutating func replace(_ name: String, _ change: (String) -> String) {
        for index in headers.indices where headers[index].name == name {
            headers[index].value = change(headers[index].value)
        }
    }
}

extension String {
    func replacing(_ part: String, by other: String) -> String {
        guard let range = self.firstRange(of: part) else { return self }
        return self.replacingCharacters(in: range, with: other)
    }

    private func replacingCharacters(in range: Range<String.Index>, with other: String) -> String {
        String(self[..<range.lowerBound]) + other + String(self[range.upperBound...])
    }
}
