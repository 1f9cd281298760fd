import SansIO

extension SigV4Failure {
    /// The error code in the words of a protocol family, e.g. `InvalidSignatureException` or `SignatureDoesNotMatch`.
    public func code(for dialect: SigV4Dialect) -> String {
        let isQuery = dialect == .query
        switch self {
        case .missingAuthentication:
            return isQuery ? "MissingAuthenticationToken" : "MissingAuthenticationTokenException"
        case .incompleteHeader, .incompleteQuery, .malformedCredential, .malformedSignedHeaders, .malformedDate,
            .malformedExpiry, .unsupportedAlgorithm:
            return isQuery ? "IncompleteSignature" : "IncompleteSignatureException"
        case .unknownAccessKey, .invalidSessionToken:
            return isQuery ? "InvalidClientTokenId" : "UnrecognizedClientException"
        case .expiredSessionToken:
            return isQuery ? "ExpiredToken" : "ExpiredTokenException"
        case .wrongSignature, .hostNotSigned, .headerNotSigned, .payloadHashMismatch, .unsupportedPayloadHash,
            .scopeDateMismatch, .expired, .notYetCurrent, .wrongRegion, .wrongService, .wrongTerminator:
            return isQuery ? "SignatureDoesNotMatch" : "InvalidSignatureException"
        }
    }

    /// The HTTP status in a protocol family: 400 or 403.
    public func httpStatus(for dialect: SigV4Dialect) -> Int {
        switch dialect {
        case .json: return 400
        case .jsonForbidden: return 403
        case .query: return code(for: .query) == "IncompleteSignature" ? 400 : 403
        }
    }

    /// The message for the client. Text that the client sent is cut at 2,048 bytes.
    public func message(for dialect: SigV4Dialect) -> String {
        switch self {
        case .missingAuthentication:
            return dialect == .query ? "Request is missing Authentication Token" : "Missing Authentication Token"
        case .incompleteHeader(let missing, let authorization):
            return Self.incompleteHeader(missing, authorization)
        case .incompleteQuery(let missing):
            return Self.incompleteQuery(missing)
        case .malformedCredential(let text):
            return "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
                + "got '\(Self.quoted(text))'."
        case .malformedSignedHeaders(let text):
            return "SignedHeaders must be a semicolon-separated list of at most \(SignedHeaderNames.maximumCount) "
                + "header names, got '\(Self.quoted(text))'."
        case .malformedDate(let text):
            return "Date must be in ISO-8601 'basic format'. Got '\(Self.quoted(text))'. "
                + "See http://en.wikipedia.org/wiki/ISO_8601"
        case .malformedExpiry(let text):
            return "X-Amz-Expires must be a number of seconds between 1 and 604800, got '\(Self.quoted(text))'."
        case .unsupportedAlgorithm(let text):
            return "Unsupported AWS 'algorithm': '\(Self.quoted(text))'."
        default:
            return verificationMessage
        }
    }

    private var verificationMessage: String {
        switch self {
        case .expiredSessionToken:
            return "The security token included in the request is expired"
        case .wrongSignature:
            return
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
                + "Access Key and signing method. Consult the service documentation for details."
        case .hostNotSigned:
            return "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."
        case .headerNotSigned(let name):
            return "'\(Self.quoted(name))' must be a 'SignedHeader' in the AWS Authorization."
        case .payloadHashMismatch:
            return "The provided 'x-amz-content-sha256' header does not match what was computed."
        case .unsupportedPayloadHash(let text):
            return "The value '\(Self.quoted(text))' of the 'x-amz-content-sha256' header is not supported."
        case .wrongRegion(let region):
            return "Credential should be scoped to a valid Region, not '\(Self.quoted(region))'."
        case .wrongService(let expected):
            return "Credential should be scoped to correct service: '\(expected)'."
        case .wrongTerminator(let text):
            return "Credential should be scoped with a valid terminator: '\(SigningKey.terminator)', "
                + "not '\(Self.quoted(text))'."
        case .scopeDateMismatch(let scope, let signedAt):
            let seconds = CivilTime.seconds(signedAt)
            return "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                + "'\(Self.quoted(scope))' != '\(CivilTime.date(seconds))', from '\(CivilTime.basic(seconds))'."
        case .expired(let signedAt, let now, let validity):
            let (limit, text) = Self.limit(now, validity, sign: -1)
            return "Signature expired: \(CivilTime.basic(CivilTime.seconds(signedAt))) is now earlier than \(limit) "
                + "(\(CivilTime.basic(CivilTime.seconds(now))) - \(text).)"
        case .notYetCurrent(let signedAt, let now, let tolerance):
            let (limit, text) = Self.limit(now, tolerance, sign: 1)
            return
                "Signature not yet current: \(CivilTime.basic(CivilTime.seconds(signedAt))) is still later than \(limit) "
                + "(\(CivilTime.basic(CivilTime.seconds(now))) + \(text).)"
        default:
            return "The security token included in the request is invalid."
        }
    }

    private static func limit(_ now: Timestamp, _ window: Duration, sign: Int64) -> (String, String) {
        let seconds = window.milliseconds / 1000
        let text = seconds % 60 == 0 ? "\(seconds / 60) min" : "\(seconds) sec"
        return (CivilTime.basic(CivilTime.seconds(now) + sign * seconds), text)
    }

    private static func incompleteHeader(_ missing: SigV4Parts, _ authorization: String) -> String {
        var sentences: [String] = []
        if missing.contains(.credential) { sentences.append("Authorization header requires 'Credential' parameter.") }
        if missing.contains(.signature) { sentences.append("Authorization header requires 'Signature' parameter.") }
        if missing.contains(.signedHeaders) {
            sentences.append("Authorization header requires 'SignedHeaders' parameter.")
        }
        if missing.contains(.date) {
            sentences.append(
                "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header."
            )
        }
        sentences.append("Authorization=\(quoted(authorization))")
        return sentences.joined(separator: " ")
    }

    private static func incompleteQuery(_ missing: SigV4Parts) -> String {
        let names: [(SigV4Parts, String)] = [
            (.algorithm, "X-Amz-Algorithm"), (.credential, "X-Amz-Credential"), (.signature, "X-Amz-Signature"),
            (.signedHeaders, "X-Amz-SignedHeaders"), (.date, "X-Amz-Date"), (.expires, "X-Amz-Expires"),
        ]
        var sentences: [String] = []
        for (part, name) in names where missing.contains(part) {
            sentences.append("AWS query-string parameters must include '\(name)'.")
        }
        sentences.append("Re-examine the query-string parameters.")
        return sentences.joined(separator: " ")
    }

    /// Keeps messages bounded whatever a stranger sends.
    private static func quoted(_ text: String) -> String {
        guard text.utf8.count > 2048 else { return text }
        return String(decoding: text.utf8.prefix(2048), as: UTF8.self)
    }
}
