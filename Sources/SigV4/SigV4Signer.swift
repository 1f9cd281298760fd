import SansIO

/// Signs requests as a client does (spec: control §2.1-§2.5). Keeps the signing key of the current day.
public struct SigV4Signer: Sendable {
    /// The access key id.
    public let accessKeyID: String
    /// The region of the scope.
    public let region: String
    /// The service of the scope.
    public let service: String
    private let secret: String
    private let sessionToken: String?
    private var dayKey: (date: String, key: SHA256Hash)?

    /// Headers that proxies and client libraries change on the way, and which are therefore never signed.
    private static let unsigned = [
        "authorization", "user-agent", "x-amzn-trace-id", "expect", "connection", "transfer-encoding", "keep-alive",
        "proxy-authorization", "proxy-connection", "te", "trailer", "upgrade",
    ]

    /// Creates a signer.
    ///
    /// - Parameters:
    ///   - accessKeyID: the access key id.
    ///   - secret: the secret access key.
    ///   - sessionToken: the token of temporary credentials.
    ///   - region: the region of the scope.
    ///   - service: the signing name of the service.
    public init(accessKeyID: String, secret: String, sessionToken: String? = nil, region: String, service: String) {
        self.accessKeyID = accessKeyID
        self.secret = secret
        self.sessionToken = sessionToken
        self.region = region
        self.service = service
    }

    /// Signs in the header form: sets `x-amz-date`, `x-amz-security-token` for temporary credentials, and
    /// `authorization`, replacing what was there.
    ///
    /// The request must have its `host` header, with the port unless that is the scheme's default. Every other header is
    /// signed too, apart from those that change on the way. A header `x-amz-content-sha256` is taken at its word.
    public mutating func sign(_ request: inout HTTPRequest, at time: Timestamp, digest: some SigV4Digest) {
        let seconds = CivilTime.seconds(time)
        request.headers.removeAll { $0.name == "authorization" }
        Self.set("x-amz-date", CivilTime.basic(seconds), &request)
        if let sessionToken { Self.set("x-amz-security-token", sessionToken, &request) }
        let names = request.headers.map(\.name).filter { !Self.unsigned.contains($0) }
        let list = signedList(names)
        let signature = signature(of: request, names: list, at: seconds, digest: digest)
        let scope = "\(accessKeyID)/\(CivilTime.date(seconds))/\(region)/\(service)/\(SigningKey.terminator)"
        let signed = String(decoding: list.bytes, as: UTF8.self)
        request.headers.append(
            HTTPField(
                "authorization",
                "\(SigningKey.algorithm) Credential=\(scope), SignedHeaders=\(signed), Signature=\(signature)"
            )
        )
    }

    /// Signs in the presigned form: adds the `X-Amz-` parameters to the target's query. Signs `host` only.
    ///
    /// - Parameters:
    ///   - request: the request; its target changes.
    ///   - time: the time of signing.
    ///   - expires: how long the signature is good for: 1 second to 7 days, in whole seconds.
    ///   - digest: the hash functions.
    public mutating func presign(
        _ request: inout HTTPRequest,
        at time: Timestamp,
        expires: Duration,
        digest: some SigV4Digest
    ) {
        let seconds = CivilTime.seconds(time)
        let validity = expires.milliseconds / 1000
        precondition((1...604_800).contains(validity), "a presigned request is good for 1 second to 7 days")
        let scope = "\(accessKeyID)/\(CivilTime.date(seconds))/\(region)/\(service)/\(SigningKey.terminator)"
        var parameters = [
            ("X-Amz-Algorithm", SigningKey.algorithm), ("X-Amz-Credential", scope),
            ("X-Amz-Date", CivilTime.basic(seconds)), ("X-Amz-Expires", "\(validity)"), ("X-Amz-SignedHeaders", "host"),
        ]
        if let sessionToken { parameters.append(("X-Amz-Security-Token", sessionToken)) }
        var separator = request.target.utf8.contains(ASCII.question) ? "&" : "?"
        for (name, value) in parameters {
            request.target += "\(separator)\(name)=\(Self.escaped(value))"
            separator = "&"
        }
        let names = signedList(["host"])
        request.target += "&X-Amz-Signature=\(signature(of: request, names: names, at: seconds, digest: digest))"
    }

    private mutating func signature(
        of request: HTTPRequest,
        names: SignedHeaderNames,
        at seconds: Int64,
        digest: some SigV4Digest
    ) -> String {
        let payload = request.header("x-amz-content-sha256").map(Payload.literal) ?? .hash(digest.hash(request.body))
        var canonical: [UInt8] = []
        CanonicalRequest.append(request, names: names, payloadHash: { payload.append(to: &$0) }, to: &canonical)
        let date = CivilTime.date(seconds)
        var text: [UInt8] = []
        SigningKey.appendStringToSign(
            signedAt: seconds,
            date: date,
            region: region,
            service: service,
            hash: digest.hash(canonical),
            to: &text
        )
        return digest.authenticate(text, key: key(date, digest)).hexadecimal
    }

    private mutating func key(_ date: String, _ digest: some SigV4Digest) -> SHA256Hash {
        if let dayKey, dayKey.date == date { return dayKey.key }
        let key = SigningKey.derive(secret: secret, date: date, region: region, service: service, digest: digest)
        dayKey = (date, key)
        return key
    }

    /// Names that a header cannot have are the caller's mistake.
    private func signedList(_ names: [String]) -> SignedHeaderNames {
        guard let list = SignedHeaderNames(Array(names.joined(separator: ";").utf8)[...]) else {
            preconditionFailure("a request to sign has 1 to \(SignedHeaderNames.maximumCount) proper header names")
        }
        return list
    }

    private static func set(_ name: String, _ value: String, _ request: inout HTTPRequest) {
        request.headers.removeAll { $0.name == name }
        request.headers.append(HTTPField(name, value))
    }

    private static func escaped(_ text: String) -> String {
        var out: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                out.append(byte)
            } else {
                appendEscaped(byte, to: &out)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
