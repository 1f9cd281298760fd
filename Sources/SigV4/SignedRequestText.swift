import SansIO

/// The last line of a canonical request.
enum Payload {
    /// What `X-Amz-Content-Sha256` says.
    case literal(String)
    /// The hash of the body.
    case hash(SHA256Hash)

    func append(to out: inout [UInt8]) {
        switch self {
        case .literal(let text): out.append(contentsOf: text.utf8)
        case .hash(let hash): hash.appendHexadecimal(to: &out)
        }
    }
}

extension SignedRequest {
    /// The canonical request, for explaining why a signature does not match. It repeats signed header values, session
    /// tokens included.
    public func canonicalRequest(digest: some SigV4Digest) -> String {
        String(decoding: canonicalBytes(payload: payload(digest)), as: UTF8.self)
    }

    /// The string to sign, for explaining why a signature does not match.
    public func stringToSign(digest: some SigV4Digest) -> String {
        String(decoding: stringToSign(payload: payload(digest), digest: digest), as: UTF8.self)
    }

    private func payload(_ digest: some SigV4Digest) -> Payload {
        request.header("x-amz-content-sha256").map(Payload.literal) ?? .hash(digest.hash(request.body))
    }

    func canonicalBytes(payload: Payload) -> [UInt8] {
        var canonical: [UInt8] = []
        canonical.reserveCapacity(1024)
        CanonicalRequest.append(request, names: names, payloadHash: { payload.append(to: &$0) }, to: &canonical)
        return canonical
    }

    func stringToSign(payload: Payload, digest: some SigV4Digest) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(192)
        SigningKey.appendStringToSign(
            signedAt: CivilTime.seconds(signedAt),
            date: scopeDate,
            region: region,
            service: service,
            hash: digest.hash(canonicalBytes(payload: payload)),
            to: &text
        )
        return text
    }

    func deriveKey(secret: String, digest: some SigV4Digest) -> SHA256Hash {
        SigningKey.derive(secret: secret, date: scopeDate, region: region, service: service, digest: digest)
    }
}
