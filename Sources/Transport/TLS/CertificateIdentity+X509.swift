import COpenSSL
import SansIO

extension CertificateIdentity {
    /// Reads the URI and DNS subject alternative names of a certificate.
    ///
    /// Names with bytes outside printable ASCII are left out: a zero byte inside a name is a known way to make two
    /// readers see two names.
    init(certificate: OpaquePointer) {
        self.init(uris: [], dnsNames: [])
        guard let names = busbar_subject_alternative_names(certificate) else { return }
        defer { GENERAL_NAMES_free(names) }
        for index in 0..<max(0, busbar_subject_alternative_name_count(names)) {
            var bytes: UnsafePointer<UInt8>?
            var count: Int32 = 0
            let type = busbar_subject_alternative_name(names, index, &bytes, &count)
            guard let bytes, count > 0 else { continue }
            let value = UnsafeBufferPointer(start: bytes, count: Int(count))
            guard value.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { continue }
            let text = String(decoding: value, as: UTF8.self)
            if type == GEN_URI { uris.append(text) } else if type == GEN_DNS { dnsNames.append(text) }
        }
    }
}
