import SansIO

/// What the holder of an access key has to know to sign.
public struct SigV4Credential: Equatable, Sendable {
    /// The secret access key.
    public var secret: String
    /// Set for temporary credentials; such a key needs its token with every request.
    public var session: SigV4Session?

    /// Creates a credential; without `session` it is a long-term one, which must come without a token.
    public init(secret: String, session: SigV4Session? = nil) {
        self.secret = secret
        self.session = session
    }
}

/// The session that temporary credentials belong to.
public struct SigV4Session: Equatable, Sendable {
    /// The session token.
    public var token: String
    /// From this time on the session is over.
    public var expiresAt: Timestamp

    /// Creates a session.
    public init(token: String, expiresAt: Timestamp) {
        self.token = token
        self.expiresAt = expiresAt
    }
}

/// Whether a request was signed by the holder of its access key.
public enum SigV4Verdict: Equatable, Sendable {
    /// The signature is right: the request comes from the holder of `accessKeyID`.
    case verified
    /// The request must be refused, and why.
    case refused(SigV4Failure)
}

/// Decides whether signatures are right. Pure: time, credential, digest and key cache are arguments.
///
/// Knobs, all of them fixed when the verifier is made:
/// - ``clockTolerance``: 5 minutes unless given, whole seconds. A request counts as expired when it was signed earlier
///   than now minus this, and as not yet current when later than now plus this. Raising it lengthens the time in which a
///   captured request can be repeated; lowering it refuses clients whose clock is off.
/// - ``validRegions``: nil unless given, which accepts every well-formed region; otherwise only these.
/// - ``acceptsUnsignedPayload``: true unless given. False refuses `X-Amz-Content-Sha256: UNSIGNED-PAYLOAD`, with which a
///   client leaves its body out of the signature.
/// - ``requiresSignedAMZHeaders``: false unless given. True refuses a request with an `x-amz-` header that is not signed.
public struct SigV4Verifier: Sendable {
    /// How far the request's clock may be off in either direction, in whole seconds.
    public var clockTolerance: Duration
    /// The regions that a scope may name, or nil for any.
    public var validRegions: [String]?
    /// Whether a client may leave its body out of the signature.
    public var acceptsUnsignedPayload: Bool
    /// Whether every `x-amz-` header must be signed.
    public var requiresSignedAMZHeaders: Bool

    /// Creates a verifier; see the type for the meaning of each knob.
    public init(
        clockTolerance: Duration = .seconds(300),
        validRegions: [String]? = nil,
        acceptsUnsignedPayload: Bool = true,
        requiresSignedAMZHeaders: Bool = false
    ) {
        precondition(clockTolerance >= .zero, "a clock tolerance is not negative")
        self.clockTolerance = clockTolerance
        self.validRegions = validRegions
        self.acceptsUnsignedPayload = acceptsUnsignedPayload
        self.requiresSignedAMZHeaders = requiresSignedAMZHeaders
    }

    /// Verifies one request.
    ///
    /// - Parameters:
    ///   - signed: the request with its claims.
    ///   - credential: what the access key's holder knows, or nil when there is no such access key.
    ///   - now: the current time.
    ///   - expectedService: the signing name that the scope must have, or nil when the scope chooses the service.
    ///   - digest: the hash functions.
    ///   - keyCache: keys of earlier requests.
    /// - Returns: the verdict.
    public func verify(
        _ signed: SignedRequest,
        credential: SigV4Credential?,
        now: Timestamp,
        expectedService: String?,
        digest: some SigV4Digest,
        keyCache: inout SigningKeyCache
    ) -> SigV4Verdict {
        guard let credential else { return .refused(.unknownAccessKey) }
        if let failure = tokenFailure(signed, credential, now) ?? scopeFailure(signed, expectedService)
            ?? timeFailure(signed, now) ?? headerFailure(signed)
        {
            return .refused(failure)
        }
        let payload: Payload
        switch payloadHash(signed.request, digest) {
        case .success(let value): payload = value
        case .failure(let failure): return .refused(failure)
        }
        let cached = keyCache.key(for: signed, secret: credential.secret)
        let key = cached ?? signed.deriveKey(secret: credential.secret, digest: digest)
        let text = signed.stringToSign(payload: payload, digest: digest)
        guard digest.authenticate(text, key: key).isHexadecimal(signed.signature) else {
            return .refused(.wrongSignature)
        }
        if cached == nil {
            keyCache.insert(key, for: signed, secret: credential.secret)
        }
        return .verified
    }

    private func tokenFailure(
        _ signed: SignedRequest,
        _ credential: SigV4Credential,
        _ now: Timestamp
    ) -> SigV4Failure? {
        guard let session = credential.session else {
            return signed.sessionToken == nil ? nil : .invalidSessionToken
        }
        guard let token = signed.sessionToken,
            equalInConstantTime(token, session.token),
            signed.form != .header || signed.names.contains("x-amz-security-token")
        else { return .invalidSessionToken }
        return now < session.expiresAt ? nil : .expiredSessionToken
    }

    private func scopeFailure(_ signed: SignedRequest, _ expectedService: String?) -> SigV4Failure? {
        guard signed.terminator.hasSameBytes(as: SigningKey.terminator) else {
            return .wrongTerminator(signed.terminator)
        }
        if let expectedService, !signed.service.hasSameBytes(as: expectedService) {
            return .wrongService(expected: expectedService)
        }
        guard CredentialScope.isName(signed.region.utf8) else { return .wrongRegion(signed.region) }
        if let validRegions, !validRegions.contains(where: { $0.hasSameBytes(as: signed.region) }) {
            return .wrongRegion(signed.region)
        }
        guard signed.scopeDate.hasSameBytes(as: CivilTime.date(CivilTime.seconds(signed.signedAt))) else {
            return .scopeDateMismatch(scope: signed.scopeDate, signedAt: signed.signedAt)
        }
        return nil
    }

    private func timeFailure(_ signed: SignedRequest, _ now: Timestamp) -> SigV4Failure? {
        let (signedAt, present) = (CivilTime.seconds(signed.signedAt), CivilTime.seconds(now))
        let tolerance = clockTolerance.milliseconds / 1000
        if signedAt > present + tolerance {
            return .notYetCurrent(signedAt: signed.signedAt, now: now, tolerance: clockTolerance)
        }
        var validity = clockTolerance
        if case .presigned(let expires) = signed.form {
            validity = expires
        }
        if signedAt < present - validity.milliseconds / 1000 {
            return .expired(signedAt: signed.signedAt, now: now, validity: validity)
        }
        return nil
    }

    private func headerFailure(_ signed: SignedRequest) -> SigV4Failure? {
        guard signed.names.contains("host") else { return .hostNotSigned }
        guard requiresSignedAMZHeaders else { return nil }
        for field in signed.request.headers
        where field.name.utf8.starts(with: "x-amz-".utf8) && !signed.names.contains(field.name) {
            return .headerNotSigned(field.name)
        }
        return nil
    }

    /// The last line of the canonical request. A hash that the client gives is compared with the body: the signature
    /// covers the text of the hash only.
    private func payloadHash(_ request: HTTPRequest, _ digest: some SigV4Digest) -> Result<Payload, SigV4Failure> {
        guard let text = request.header("x-amz-content-sha256") else {
            return .success(.hash(digest.hash(request.body)))
        }
        if text.hasSameBytes(as: "UNSIGNED-PAYLOAD"), acceptsUnsignedPayload {
            return .success(.literal(text))
        }
        let bytes = Array(text.utf8)
        guard bytes.count == 64, bytes.allSatisfy({ hexadecimalValue($0) != nil }) else {
            return .failure(.unsupportedPayloadHash(text))
        }
        guard digest.hash(request.body).isHexadecimal(bytes.map(lowercased)) else {
            return .failure(.payloadHashMismatch)
        }
        return .success(.literal(text))
    }
}
