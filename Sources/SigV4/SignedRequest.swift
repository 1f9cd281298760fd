import SansIO

/// A request with what its signature claims. Nothing of it is verified yet.
public struct SignedRequest: Sendable {
    /// Where the signature was found.
    public enum Form: Hashable, Sendable {
        /// In the `Authorization` header.
        case header
        /// In the query; valid for this long after the time of signing.
        case presigned(expires: Duration)
    }

    /// The request itself.
    public let request: HTTPRequest
    /// Where the signature was found.
    public let form: Form
    /// The access key id of the credential. Any text.
    public let accessKeyID: String
    /// The day of the credential scope, `YYYYMMDD` if well-formed.
    public let scopeDate: String
    /// The region of the credential scope; it selects the region the request is for (spec: control §2.9). Any text.
    public let region: String
    /// The service of the credential scope, a name of `a-z`, `0-9` and `-`.
    public let service: String
    /// When the request says it was signed, in whole seconds.
    public let signedAt: Timestamp
    /// The session token of temporary credentials.
    public let sessionToken: String?

    let terminator: String
    let names: SignedHeaderNames
    let signature: [UInt8]

    /// The names of the signed headers: lower-case, in byte order, without repeats.
    public var signedHeaders: [String] { names.strings }

    init(
        request: HTTPRequest,
        form: Form,
        scope: CredentialScope,
        names: SignedHeaderNames,
        signature: [UInt8],
        signedAt: Int64,
        sessionToken: String?
    ) {
        self.request = request
        self.form = form
        accessKeyID = scope.accessKeyID
        scopeDate = scope.date
        region = scope.region
        service = scope.service
        terminator = scope.terminator
        self.names = names
        self.signature = signature
        self.signedAt = Timestamp(milliseconds: signedAt * 1000)
        self.sessionToken = sessionToken
    }
}

/// The five parts of a credential, split at slashes.
struct CredentialScope {
    var accessKeyID: String
    var date: String
    var region: String
    var service: String
    var terminator: String

    init?(_ text: ArraySlice<UInt8>) {
        var rest = text
        guard let accessKeyID = Self.cut(&rest), let date = Self.cut(&rest), let region = Self.cut(&rest),
            let service = Self.cut(&rest), !rest.contains(ASCII.slash), !accessKeyID.isEmpty, Self.isName(service)
        else { return nil }
        self.accessKeyID = String(decoding: accessKeyID, as: UTF8.self)
        self.date = String(decoding: date, as: UTF8.self)
        self.region = String(decoding: region, as: UTF8.self)
        self.service = String(decoding: service, as: UTF8.self)
        terminator = String(decoding: rest, as: UTF8.self)
    }

    private static func cut(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard let slash = rest.firstIndex(of: ASCII.slash) else { return nil }
        let part = rest[..<slash]
        rest = rest[(slash + 1)...]
        return part
    }

    /// True for the text of a region or service name. It ends up in ARNs, and in the string to sign between separators.
    static func isName(_ bytes: some Collection<UInt8>) -> Bool {
        guard !bytes.isEmpty, bytes.count <= 64 else { return false }
        return bytes.allSatisfy { byte in
            (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2D
        }
    }
}
