import COpenSSL
import SansIO

/// A parsed certificate.
///
/// `@unchecked Sendable`: the pointer never changes, its object is only read, and OpenSSL's reference counts are atomic.
public final class X509Certificate: @unchecked Sendable {
    let pointer: OpaquePointer

    /// Takes over one reference.
    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
        // Fills in the cached extensions now, on one thread, so that later readers find them.
        X509_check_purpose(pointer, -1, 0)
    }

    deinit { X509_free(pointer) }

    /// Parses one certificate in DER; nil when the bytes are not exactly one.
    public convenience init?(der: [UInt8]) {
        let parsed = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var position = bytes.baseAddress
            guard let pointer = d2i_X509(nil, &position, bytes.count) else { return nil }
            guard let position, let start = bytes.baseAddress, position - start == bytes.count else {
                X509_free(pointer)
                return nil
            }
            return pointer
        }
        guard let parsed else {
            ERR_clear_error()
            return nil
        }
        self.init(owning: parsed)
    }

    /// The certificate in DER.
    public var der: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &bytes)
        guard let bytes, count > 0 else { return [] }
        defer { CRYPTO_free(bytes, #fileID, #line) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    /// The subject in RFC 2253 form, e.g. `CN=west-1`, with everything but printable ASCII escaped.
    public var subject: String { DistinguishedName.text(X509_get_subject_name(pointer)) }

    /// The issuer, as ``subject``.
    public var issuer: String { DistinguishedName.text(X509_get_issuer_name(pointer)) }

    /// From when on it is valid.
    public var notBefore: Timestamp { .certificateTime(busbar_seconds(X509_get0_notBefore(pointer))) }

    /// Until when it is valid.
    public var notAfter: Timestamp { .certificateTime(busbar_seconds(X509_get0_notAfter(pointer))) }

    /// Its URI and DNS names.
    public var identity: CertificateIdentity { CertificateIdentity(certificate: pointer) }

    /// Every certificate in PEM text, in order.
    ///
    /// - Throws: ``TLSError`` when there is none, or when one is cut short or damaged.
    static func parse(pem: [UInt8], file: String) throws(TLSError) -> [X509Certificate] {
        try PEMText.parse(pem, marker: "-----BEGIN CERTIFICATE-----", file: file) { bio in
            PEM_read_bio_X509(bio, nil, PEMText.noPassword, nil).map { X509Certificate(owning: $0) }
        }
    }
}

/// A parsed certificate revocation list.
///
/// `@unchecked Sendable`: as for ``X509Certificate``.
final class X509RevocationList: @unchecked Sendable {
    let pointer: OpaquePointer

    init(owning pointer: OpaquePointer) {
        self.pointer = pointer
    }

    deinit { X509_CRL_free(pointer) }

    var issuer: String { DistinguishedName.text(X509_CRL_get_issuer(pointer)) }
    var thisUpdate: Timestamp { .certificateTime(busbar_seconds(X509_CRL_get0_lastUpdate(pointer))) }
    var nextUpdate: Timestamp { .certificateTime(busbar_seconds(X509_CRL_get0_nextUpdate(pointer))) }

    /// Whether the list names the authority and, if it says by which key it is signed, that authority's key
    /// (RFC 5280 §5.2.1). Signatures are verified elsewhere.
    func isIssued(by authority: OpaquePointer) -> Bool {
        guard X509_NAME_cmp(X509_get_subject_name(authority), X509_CRL_get_issuer(pointer)) == 0 else { return false }
        guard let found = X509_CRL_get_ext_d2i(pointer, NID_authority_key_identifier, nil, nil) else { return true }
        let keyID = found.assumingMemoryBound(to: AUTHORITY_KEYID.self)
        defer { AUTHORITY_KEYID_free(keyID) }
        return X509_check_akid(authority, keyID) == X509_V_OK
    }

    /// Every list in PEM text, in order; each must say when the next one comes (RFC 5280 §5.1.2.5).
    static func parse(pem: [UInt8], file: String) throws(TLSError) -> [X509RevocationList] {
        let lists = try PEMText.parse(pem, marker: "-----BEGIN X509 CRL-----", file: file) { bio in
            PEM_read_bio_X509_CRL(bio, nil, PEMText.noPassword, nil).map { X509RevocationList(owning: $0) }
        }
        for list in lists where X509_CRL_get0_nextUpdate(list.pointer) == nil {
            throw TLSError(operation: "revocation list \(file)", reason: "no next update in the list of \(list.issuer)")
        }
        return lists
    }
}

/// Reading PEM text through OpenSSL.
enum PEMText {
    /// Refuses to ask anyone for a password: a node has no terminal to answer from.
    static let noPassword:
        @convention(c) (
            UnsafeMutablePointer<CChar>?, Int32, Int32, UnsafeMutableRawPointer?
        ) -> Int32 = { _, _, _, _ in -1 }

    /// Reads objects until the text ends. As many must be read as the text has begun, so that a file that is only half
    /// written is not taken for a shorter one.
    static func parse<Item>(
        _ text: [UInt8],
        marker: StaticString,
        file: String,
        _ read: (OpaquePointer) -> Item?
    ) throws(TLSError) -> [Item] {
        let operation = "reading \(file)"
        ERR_clear_error()
        defer { ERR_clear_error() }
        var items: [Item] = []
        text.withUnsafeBytes { bytes in
            guard let bio = busbar_BIO_new_memory(bytes.baseAddress, bytes.count) else { return }
            defer { BIO_free(bio) }
            while let item = read(bio) { items.append(item) }
        }
        let begun = occurrences(of: marker, in: text)
        if begun == 0 { throw TLSError(operation: operation, reason: "no \(marker)") }
        if items.count != begun {
            throw TLSError(operation: operation, reason: "item \(items.count + 1) of \(begun) is cut short or damaged")
        }
        return items
    }

    private static func occurrences(of marker: StaticString, in text: [UInt8]) -> Int {
        let wanted = UnsafeBufferPointer(start: marker.utf8Start, count: marker.utf8CodeUnitCount)
        var count = 0
        var index = 0
        while index + wanted.count <= text.count {
            if text[index] == UInt8(ascii: "-"), text[index..<index + wanted.count].elementsEqual(wanted) {
                count += 1
                index += wanted.count
            } else {
                index += 1
            }
        }
        return count
    }
}

/// Distinguished names as text.
enum DistinguishedName {
    /// RFC 2253 form, with control characters and everything beyond ASCII escaped, at most 200 characters.
    static func text(_ name: OpaquePointer?) -> String {
        guard let name, let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        X509_NAME_print_ex(bio, name, 0, busbar_name_flags())
        var bytes: UnsafeMutablePointer<CChar>?
        let count = busbar_BIO_memory(bio, &bytes)
        guard let bytes else { return "" }
        let text = UnsafeRawBufferPointer(start: bytes, count: min(count, 200))
        return String(decoding: text, as: UTF8.self)
    }
}

extension Timestamp {
    /// Seconds since the epoch as X.509 has them, which may be out of range.
    static func certificateTime(_ seconds: Int64) -> Timestamp {
        let (milliseconds, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return Timestamp(milliseconds: overflow ? (seconds > 0 ? .max : .min) : milliseconds)
    }
}
