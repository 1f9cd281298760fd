import COpenSSL
import Foundation
import SansIO
import Transport

/// A certificate authority in memory, which issues whatever a test asks for, forgeries included.
final class TestAuthority {
    /// A name of a certificate, as bytes, so that it can hold what no sound authority would write.
    enum Name {
        case uri(String)
        case dns(String)
        case rawDNS([UInt8])
        case rawURI([UInt8])
    }

    enum KeyKind {
        case p256
        case ed25519
        case rsa(bits: Int32)
    }

    /// What to put into a certificate; the defaults make a node's.
    struct Request {
        var subject = "node"
        var names: [Name] = [.uri("spiffe://example.com/cell/west/node/w1"), .dns("localhost")]
        /// OpenSSL's names; empty leaves the extension out.
        var usages = "serverAuth,clientAuth"
        var isAuthority = false
        /// OpenSSL's notation, e.g. `permitted;DNS:a.example`.
        var constraints: String?
        var validFrom: Duration = .seconds(-3600)
        var validFor: Duration = .seconds(24 * 3600)
        var key = KeyKind.p256
        var digestIsSHA1 = false
    }

    let certificate: TestCertificate
    /// What lies between this authority and the root, this one first.
    let path: [TestCertificate]
    private let epoch: Timestamp
    private var lastSerial = 1

    /// A root.
    init(_ subject: String = "test root", epoch: Timestamp, validFor: Duration = .seconds(3650 * 86_400)) throws {
        var request = Request()
        request.subject = subject
        request.names = []
        request.usages = ""
        request.isAuthority = true
        request.validFor = validFor
        certificate = try TestCertificate.make(request, issuer: nil, serial: 1, epoch: epoch)
        path = []
        self.epoch = epoch
    }

    private init(_ certificate: TestCertificate, path: [TestCertificate], epoch: Timestamp) {
        self.certificate = certificate
        self.path = path
        self.epoch = epoch
    }

    /// Issues an end-entity certificate, valid relative to `epoch` or else to the authority's own.
    func issue(at epoch: Timestamp? = nil, _ change: (inout Request) -> Void = { _ in }) throws -> TestCertificate {
        var request = Request()
        change(&request)
        lastSerial += 1
        return try TestCertificate.make(
            request,
            issuer: certificate,
            serial: lastSerial,
            epoch: epoch ?? self.epoch,
            path: path
        )
    }

    /// Issues an authority below this one.
    func subordinate(_ subject: String, constraints: String? = nil) throws -> TestAuthority {
        let issued = try issue {
            $0.subject = subject
            $0.names = []
            $0.usages = ""
            $0.isAuthority = true
            $0.constraints = constraints
            $0.validFor = .seconds(365 * 86_400)
        }
        return TestAuthority(issued, path: [issued] + path, epoch: epoch)
    }

    /// A revocation list in PEM.
    func revocationList(
        of revoked: [TestCertificate] = [],
        thisUpdate: Duration = .seconds(-60),
        nextUpdate: Duration = .seconds(3600)
    ) throws -> String {
        guard let list = X509_CRL_new() else { throw TestCertificate.Failed(step: "list") }
        defer { X509_CRL_free(list) }
        X509_CRL_set_version(list, 1)
        X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate.pointer))
        let times = [thisUpdate, nextUpdate].map { ASN1_TIME_set(nil, Int((epoch + $0).seconds)) }
        defer { for time in times { ASN1_TIME_free(time) } }
        X509_CRL_set1_lastUpdate(list, times[0])
        X509_CRL_set1_nextUpdate(list, times[1])
        for certificate in revoked {
            let entry = X509_REVOKED_new()
            X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.pointer))
            X509_REVOKED_set_revocationDate(entry, times[0])
            X509_CRL_add0_revoked(list, entry)
        }
        X509_CRL_sort(list)
        guard X509_CRL_sign(list, certificate.key, EVP_sha256()) > 0 else {
            throw TestCertificate.Failed(step: "sign list")
        }
        return TestCertificate.pem { PEM_write_bio_X509_CRL($0, list) }
    }
}

/// A certificate and its key.
final class TestCertificate {
    struct Failed: Error {
        var step: String
    }

    let pointer: OpaquePointer
    let key: OpaquePointer
    /// What leads to the root, without it.
    let path: [TestCertificate]

    private init(_ pointer: OpaquePointer, _ key: OpaquePointer, _ path: [TestCertificate]) {
        self.pointer = pointer
        self.key = key
        self.path = path
    }

    deinit {
        X509_free(pointer)
        EVP_PKEY_free(key)
    }

    var pem: String { Self.pem { PEM_write_bio_X509($0, pointer) } }
    var chainPEM: String { pem + path.map(\.pem).joined() }
    var keyPEM: String { Self.pem { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) } }

    static func pem(_ write: (OpaquePointer) -> Int32) -> String {
        guard let bio = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(bio) }
        _ = write(bio)
        var bytes: UnsafeMutablePointer<CChar>?
        let count = busbar_BIO_memory(bio, &bytes)
        return String(decoding: UnsafeRawBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    static func make(
        _ request: TestAuthority.Request,
        issuer: TestCertificate?,
        serial: Int,
        epoch: Timestamp,
        path: [TestCertificate] = []
    ) throws -> TestCertificate {
        guard let pointer = X509_new() else { throw Failed(step: "certificate") }
        let made = TestCertificate(pointer, try makeKey(request.key), path)
        X509_set_version(pointer, 2)
        ASN1_INTEGER_set_int64(X509_get_serialNumber(pointer), Int64(serial))
        let subject = X509_get_subject_name(pointer)
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, request.subject, -1, -1, 0)
        X509_set_issuer_name(pointer, issuer.map { X509_get_subject_name($0.pointer) } ?? subject)
        let start = epoch + request.validFrom
        ASN1_TIME_set(X509_getm_notBefore(pointer), Int(start.seconds))
        ASN1_TIME_set(X509_getm_notAfter(pointer), Int((start + request.validFor).seconds))
        X509_set_pubkey(pointer, made.key)
        try made.addExtensions(request, issuer: issuer?.pointer ?? pointer)
        var digest = request.digestIsSHA1 ? EVP_sha1() : EVP_sha256()
        if let issuer, EVP_PKEY_get_base_id(issuer.key) == EVP_PKEY_ED25519 { digest = nil }
        guard X509_sign(pointer, issuer?.key ?? made.key, digest) > 0 else { throw Failed(step: "sign") }
        return made
    }

    private static func makeKey(_ kind: TestAuthority.KeyKind) throws -> OpaquePointer {
        let type: Int32 =
            switch kind {
            case .p256: EVP_PKEY_EC
            case .ed25519: EVP_PKEY_ED25519
            case .rsa: EVP_PKEY_RSA
            }
        let context = EVP_PKEY_CTX_new_id(type, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        EVP_PKEY_keygen_init(context)
        if case .p256 = kind { EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) }
        if case .rsa(let bits) = kind { EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) }
        guard EVP_PKEY_keygen(context, &key) == 1, let key else { throw Failed(step: "key") }
        return key
    }

    private func addExtensions(_ request: TestAuthority.Request, issuer: OpaquePointer) throws {
        try add(NID_subject_key_identifier, "hash", issuer)
        try add(NID_authority_key_identifier, "keyid", issuer)
        try add(NID_basic_constraints, request.isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE", issuer)
        let keyUsage = request.isAuthority ? "critical,keyCertSign,cRLSign" : "critical,digitalSignature"
        try add(NID_key_usage, keyUsage, issuer)
        if !request.usages.isEmpty { try add(NID_ext_key_usage, request.usages, issuer) }
        if let constraints = request.constraints { try add(NID_name_constraints, "critical," + constraints, issuer) }
        guard !request.names.isEmpty else { return }
        var names: [UInt8] = []
        for name in request.names {
            switch name {
            case .dns(let text): names += Self.der(0x82, Array(text.utf8))
            case .uri(let text): names += Self.der(0x86, Array(text.utf8))
            case .rawDNS(let bytes): names += Self.der(0x82, bytes)
            case .rawURI(let bytes): names += Self.der(0x86, bytes)
            }
        }
        let encoded = Self.der(0x30, names)
        let octets = ASN1_OCTET_STRING_new()
        defer { ASN1_OCTET_STRING_free(octets) }
        ASN1_OCTET_STRING_set(octets, encoded, Int32(encoded.count))
        let made = X509_EXTENSION_create_by_NID(nil, NID_subject_alt_name, 0, octets)
        defer { X509_EXTENSION_free(made) }
        guard X509_add_ext(pointer, made, -1) == 1 else { throw Failed(step: "names") }
    }

    private func add(_ id: Int32, _ value: String, _ issuer: OpaquePointer) throws {
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, pointer, nil, nil, 0)
        guard let made = X509V3_EXT_conf_nid(nil, &context, id, value) else { throw Failed(step: value) }
        defer { X509_EXTENSION_free(made) }
        guard X509_add_ext(pointer, made, -1) == 1 else { throw Failed(step: value) }
    }

    /// One element of DER.
    private static func der(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        let count = content.count
        if count < 128 { return [tag, UInt8(count)] + content }
        return [tag, 0x82, UInt8(count >> 8), UInt8(count & 0xFF)] + content
    }
}

extension TestCertificate {
    /// The certificate and its path, as a verifier takes them.
    var parsedChain: [X509Certificate] { ([self] + path).compactMap { X509Certificate(der: $0.der) } }

    var der: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(pointer, &bytes)
        guard let bytes, count > 0 else { return [] }
        defer { CRYPTO_free(bytes, #fileID, #line) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
