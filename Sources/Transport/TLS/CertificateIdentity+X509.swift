import COpenSSL
import SansIO

extension CertificateIdentity {
    /// Reads the URI and DNS subject alternative names of a certificate.
    ///
    /// Names with bytes outside printable ASCII are left out: a zero byte inside a name is a known way to make two
    /// readers see two names. ``TrustStore`` refuses certificates that have one.
    init(certificate: OpaquePointer) {
        self = Self.read(certificate).identity
    }

    /// The names, and how many were left out.
    static func read(_ certificate: OpaquePointer) -> (identity: CertificateIdentity, forged: Int) {
        var identity = CertificateIdentity(uris: [], dnsNames: [])
        var forged = 0
        guard let names = busbar_subject_alternative_names(certificate) else { return (identity, forged) }
        defer { GENERAL_NAMES_free(names) }
        for index in 0..<max(0, busbar_subject_alternative_name_count(names)) {
            var bytes: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let type = busbar_subject_alternative_name(names, index, &bytes, &count)
            guard type == GEN_URI || type == GEN_DNS else { continue }
            guard let bytes, count > 0 else {
                forged += 1
                continue
            }
            let value = UnsafeBufferPointer(start: bytes, count: Int(count))
            guard value.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                forged += 1
                continue
            }
            let text = String(decoding: value, as: UTF8.self)
            if type == GEN_URI { identity.uris.append(text) } else { identity.dnsNames.append(text) }
        }
        return (identity, forged)
    }
}
