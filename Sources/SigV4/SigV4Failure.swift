import SansIO

/// Why a request is not authenticated: one case per row of control §2.7, and one for each way a part can be malformed.
///
/// `code(for:)`, `message(for:)` and `httpStatus(for:)` give what the client of each protocol expects to read.
public enum SigV4Failure: Error, Equatable, Sendable {
    /// The request carries no signature at all.
    case missingAuthentication
    /// The `Authorization` header, or the date headers, lack these parts. `authorization` is the header as received.
    case incompleteHeader(missing: SigV4Parts, authorization: String)
    /// The query has some parameters of a presigned request, but lacks these.
    case incompleteQuery(missing: SigV4Parts)
    /// The credential is not `keyid/date/region/service/term`.
    case malformedCredential(String)
    /// The list of signed headers has an empty or impossible name, or more than 100 names.
    case malformedSignedHeaders(String)
    /// The date of the request is in no format that is understood, or not a date of the calendar.
    case malformedDate(String)
    /// `X-Amz-Expires` is not a number from 1 to 604,800.
    case malformedExpiry(String)
    /// The signature uses an algorithm other than `AWS4-HMAC-SHA256`.
    case unsupportedAlgorithm(String)
    /// No such access key.
    case unknownAccessKey
    /// A session token with a long-term key, none or a wrong one with a temporary key, or one that is not signed.
    case invalidSessionToken
    /// The session token is right, but has expired.
    case expiredSessionToken
    /// The signature does not belong to this request and secret.
    case wrongSignature
    /// `host` is not among the signed headers.
    case hostNotSigned
    /// The verifier insists that this `x-amz-` header be signed, and it is not.
    case headerNotSigned(String)
    /// `X-Amz-Content-Sha256` is a hash, but not that of the body.
    case payloadHashMismatch
    /// `X-Amz-Content-Sha256` is neither a hash nor a literal that the verifier accepts.
    case unsupportedPayloadHash(String)
    /// The day of the credential scope is not the day of the request, both `YYYYMMDD`.
    case scopeDateMismatch(scope: String, signedAt: Timestamp)
    /// The request is older than `validity` allows.
    case expired(signedAt: Timestamp, now: Timestamp, validity: Duration)
    /// The request's time is further ahead than `tolerance` allows.
    case notYetCurrent(signedAt: Timestamp, now: Timestamp, tolerance: Duration)
    /// The region of the scope is not one of the valid ones, or no region name.
    case wrongRegion(String)
    /// The service of the scope is not the one the request is for.
    case wrongService(expected: String)
    /// The scope does not end in `aws4_request`.
    case wrongTerminator(String)
}

/// Parts of a signature that a request may lack.
public struct SigV4Parts: OptionSet, Hashable, Sendable {
    /// One bit a part.
    public var rawValue: UInt8

    /// Creates a set from its bits.
    public init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    /// The algorithm (presigned form only).
    public static let algorithm = SigV4Parts(rawValue: 1)
    /// The credential.
    public static let credential = SigV4Parts(rawValue: 2)
    /// The signature.
    public static let signature = SigV4Parts(rawValue: 4)
    /// The list of signed headers.
    public static let signedHeaders = SigV4Parts(rawValue: 8)
    /// The date.
    public static let date = SigV4Parts(rawValue: 16)
    /// The time of validity (presigned form only).
    public static let expires = SigV4Parts(rawValue: 32)
}

/// The protocol families that name the same failure differently (spec: control §2.7).
public enum SigV4Dialect: Hashable, Sendable {
    /// AWS JSON of a service that answers every client fault with 400, as `events` does.
    case json
    /// AWS JSON or rest-json of a service that answers a failed authentication with 403: `sqs`, `scheduler`.
    case jsonForbidden
    /// The query protocol: `sts`, and `sqs` and `monitoring` for old clients.
    case query
}
