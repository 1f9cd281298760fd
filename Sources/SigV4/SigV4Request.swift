import SansIO

/// Finds and reads the signature of a request (spec: control §2.1, §2.5).
public enum SigV4Request {
    /// Reads what the signature claims, from the `Authorization` header or else from the query.
    ///
    /// A request whose body the transport dropped (`fault`) can still be read here, but will not verify.
    ///
    /// - Parameter request: the request as received.
    /// - Returns: the claims, or why there are none that could be verified.
    public static func parse(_ request: HTTPRequest) -> Result<SignedRequest, SigV4Failure> {
        var fields = Fields()
        for index in request.headers.indices {
            fields.note(request.headers, index)
        }
        do {
            if let authorization = fields.authorization {
                return .success(try parseHeader(request, authorization, fields))
            }
            return .success(try parseQuery(request))
        } catch {
            return .failure(error)
        }
    }

    /// The first of each header that the form needs, found in one pass.
    private struct Fields {
        var authorization: String?
        var basicDate: String?
        var date: String?
        var token: String?

        mutating func note(_ headers: [HTTPField], _ index: Int) {
            switch headers[index].name.utf8.count {
            case 4:
                if date == nil, headers[index].name == "date" { date = headers[index].value }
            case 10:
                if basicDate == nil, headers[index].name == "x-amz-date" { basicDate = headers[index].value }
            case 13:
                if authorization == nil, headers[index].name == "authorization" { authorization = headers[index].value }
            case 20:
                if token == nil, headers[index].name == "x-amz-security-token" { token = headers[index].value }
            default:
                break
            }
        }
    }

    private static func parseHeader(
        _ request: HTTPRequest,
        _ authorization: String,
        _ fields: Fields
    ) throws(SigV4Failure) -> SignedRequest {
        let bytes = Array(authorization.utf8)
        let scheme = bytes[..<(bytes.firstIndex(of: ASCII.space) ?? bytes.endIndex)]
        let parameters = AuthorizationParameters(bytes[scheme.endIndex...])
        if scheme.starts(with: "AWS4-".utf8), !SigningKey.algorithm.hasBytes(scheme) {
            throw .unsupportedAlgorithm(String(decoding: scheme, as: UTF8.self))
        }
        var missing: SigV4Parts = []
        if parameters.credential == nil { missing.insert(.credential) }
        if parameters.signature == nil { missing.insert(.signature) }
        if parameters.signedHeaders == nil { missing.insert(.signedHeaders) }
        if fields.basicDate == nil, fields.date == nil { missing.insert(.date) }
        guard missing.isEmpty, SigningKey.algorithm.hasBytes(scheme), let credential = parameters.credential,
            let signature = parameters.signature, let signedHeaders = parameters.signedHeaders
        else { throw .incompleteHeader(missing: missing, authorization: authorization) }
        return SignedRequest(
            request: request,
            form: .header,
            scope: try scope(credential),
            names: try names(signedHeaders),
            signature: Array(signature),
            signedAt: try date(fields),
            sessionToken: fields.token
        )
    }

    /// `X-Amz-Date` wins over `Date`, also when it cannot be read: a signature that names one date must not be judged
    /// by another.
    private static func date(_ fields: Fields) throws(SigV4Failure) -> Int64 {
        if let text = fields.basicDate {
            guard let seconds = CivilTime.parseBasic(text) else { throw .malformedDate(text) }
            return seconds
        }
        let text = fields.date ?? ""
        guard let seconds = CivilTime.parseRFC1123(text) ?? CivilTime.parseBasic(text) else {
            throw .malformedDate(text)
        }
        return seconds
    }

    private static func parseQuery(_ request: HTTPRequest) throws(SigV4Failure) -> SignedRequest {
        let query = CanonicalQuery(target: request.target)
        let algorithm = query.value("X-Amz-Algorithm")
        let credential = query.value("X-Amz-Credential")
        let signature = query.value("X-Amz-Signature")
        guard algorithm != nil || credential != nil || signature != nil else { throw .missingAuthentication }
        let signedHeaders = query.value("X-Amz-SignedHeaders")
        let date = query.value("X-Amz-Date").map { String(decoding: $0, as: UTF8.self) }
        let expires = query.value("X-Amz-Expires")
        var missing: SigV4Parts = []
        if algorithm == nil { missing.insert(.algorithm) }
        if credential == nil { missing.insert(.credential) }
        if signature == nil { missing.insert(.signature) }
        if signedHeaders == nil { missing.insert(.signedHeaders) }
        if date == nil { missing.insert(.date) }
        if expires == nil { missing.insert(.expires) }
        guard let algorithm, let credential, let signature, let signedHeaders, let date, let expires else {
            throw .incompleteQuery(missing: missing)
        }
        guard SigningKey.algorithm.hasBytes(algorithm[...]) else {
            throw .unsupportedAlgorithm(String(decoding: algorithm, as: UTF8.self))
        }
        guard let seconds = CivilTime.parseBasic(date) else { throw .malformedDate(date) }
        return SignedRequest(
            request: request,
            form: .presigned(expires: .seconds(try expiry(expires))),
            scope: try scope(credential[...]),
            names: try names(signedHeaders[...]),
            signature: signature,
            signedAt: seconds,
            sessionToken: query.value("X-Amz-Security-Token").map { String(decoding: $0, as: UTF8.self) }
        )
    }

    private static func expiry(_ text: [UInt8]) throws(SigV4Failure) -> Int {
        var value = 0
        for digit in text where value <= 604_800 {
            guard digit >= 0x30, digit <= 0x39 else {
                value = 0
                break
            }
            value = value * 10 + Int(digit - 0x30)
        }
        guard (1...604_800).contains(value) else {
            throw .malformedExpiry(String(decoding: text, as: UTF8.self))
        }
        return value
    }

    private static func scope(_ text: ArraySlice<UInt8>) throws(SigV4Failure) -> CredentialScope {
        guard let scope = CredentialScope(text) else {
            throw .malformedCredential(String(decoding: text, as: UTF8.self))
        }
        return scope
    }

    private static func names(_ text: ArraySlice<UInt8>) throws(SigV4Failure) -> SignedHeaderNames {
        guard let names = SignedHeaderNames(text) else {
            throw .malformedSignedHeaders(String(decoding: text, as: UTF8.self))
        }
        return names
    }
}

/// The `name=value` parts after the scheme, separated by commas with or without space. The first of each name counts.
struct AuthorizationParameters {
    var credential: ArraySlice<UInt8>?
    var signedHeaders: ArraySlice<UInt8>?
    var signature: ArraySlice<UInt8>?

    init(_ text: ArraySlice<UInt8>) {
        var start = text.startIndex
        while start < text.endIndex {
            let end = text[start...].firstIndex(of: ASCII.comma) ?? text.endIndex
            note(Self.trimmed(text[start..<end]))
            start = end + 1
        }
    }

    private mutating func note(_ part: ArraySlice<UInt8>) {
        guard let equals = part.firstIndex(of: ASCII.equals) else { return }
        let (name, value) = (part[..<equals], part[(equals + 1)...])
        guard !value.isEmpty else { return }
        if credential == nil, "Credential".hasBytes(name) {
            credential = value
        } else if signedHeaders == nil, "SignedHeaders".hasBytes(name) {
            signedHeaders = value
        } else if signature == nil, "Signature".hasBytes(name) {
            signature = value
        }
    }

    private static func trimmed(_ part: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var part = part
        while let first = part.first, first == ASCII.space || first == ASCII.tab { part.removeFirst() }
        while let last = part.last, last == ASCII.space || last == ASCII.tab { part.removeLast() }
        return part
    }
}
