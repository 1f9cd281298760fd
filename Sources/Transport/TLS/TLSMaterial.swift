import COpenSSL
import Glibc
import SansIO

/// Where a node keeps its certificate and what it trusts: PEM files.
public struct CertificateFiles: Sendable, Hashable {
    /// The certificate, leaf first, then what leads to its authority. Nil only for a client without one.
    public var certificateChainFile: String?
    /// The leaf's private key. Nil only for a client without a certificate.
    public var privateKeyFile: String?
    /// The authorities that others may chain to; a file may hold several, as during a change of authority. Empty when
    /// nobody is verified.
    public var authorityFiles: [String]
    /// Revocation lists; a file may hold several.
    public var revocationListFiles: [String]

    /// Names the files; nothing is read.
    public init(
        certificateChainFile: String?,
        privateKeyFile: String?,
        authorityFiles: [String] = [],
        revocationListFiles: [String] = []
    ) {
        self.certificateChainFile = certificateChainFile
        self.privateKeyFile = privateKeyFile
        self.authorityFiles = authorityFiles
        self.revocationListFiles = revocationListFiles
    }

    /// Every path, in a fixed order.
    var paths: [String] {
        [certificateChainFile, privateKeyFile].compactMap { $0 } + authorityFiles + revocationListFiles
    }
}

/// The files' bytes at one time.
struct CertificateFileContents: Equatable {
    var bytes: [String: [UInt8]] = [:]

    /// Larger files are refused: no bundle of certificates is that large.
    static let maximumBytes = 8 << 20

    /// Reads every file.
    ///
    /// - Throws: ``TLSError`` naming the file that cannot be read.
    static func read(_ files: CertificateFiles) throws(TLSError) -> CertificateFileContents {
        var contents = CertificateFileContents()
        for path in files.paths where contents.bytes[path] == nil {
            contents.bytes[path] = try read(path)
        }
        return contents
    }

    private static func read(_ path: String) throws(TLSError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure(path) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            if bytes.count > maximumBytes {
                throw TLSError(operation: "reading \(path)", reason: "larger than \(maximumBytes) bytes")
            }
        }
    }

    private static func failure(_ path: String) -> TLSError {
        TLSError(operation: "reading \(path)", reason: String(cString: strerror(errno)))
    }
}

/// What the files hold, parsed.
///
/// `@unchecked Sendable`: nothing changes after `init`, and a private key may be used from several threads at once.
final class TLSMaterial: @unchecked Sendable {
    let files: CertificateFiles
    /// Leaf first; empty for a client without a certificate.
    let chain: [X509Certificate]
    /// The `EVP_PKEY`; nil without a certificate.
    let privateKey: OpaquePointer?
    let authorities: [X509Certificate]
    let revocationLists: [X509RevocationList]

    /// Parses the contents, and makes sure that the key belongs to the leaf.
    ///
    /// - Throws: ``TLSError`` naming the file that is not usable.
    init(_ files: CertificateFiles, _ contents: CertificateFileContents) throws(TLSError) {
        self.files = files
        var authorities: [X509Certificate] = []
        for file in files.authorityFiles {
            authorities += try X509Certificate.parse(pem: contents.bytes[file] ?? [], file: file)
        }
        self.authorities = authorities
        var lists: [X509RevocationList] = []
        for file in files.revocationListFiles {
            lists += try X509RevocationList.parse(pem: contents.bytes[file] ?? [], file: file)
        }
        revocationLists = lists
        switch (files.certificateChainFile, files.privateKeyFile) {
        case (nil, nil):
            chain = []
            privateKey = nil
        case (let chainFile?, let keyFile?):
            chain = try X509Certificate.parse(pem: contents.bytes[chainFile] ?? [], file: chainFile)
            privateKey = try Self.parseKey(contents.bytes[keyFile] ?? [], file: keyFile)
            ERR_clear_error()
            if X509_check_private_key(chain[0].pointer, privateKey) != 1 {
                ERR_clear_error()
                let reason = "not the key of the certificate"
                throw TLSError(operation: "private key \(keyFile) for \(chainFile)", reason: reason)
            }
        default:
            throw TLSError(operation: "certificate", reason: "a certificate chain and a private key are needed")
        }
    }

    deinit { EVP_PKEY_free(privateKey) }

    private static func parseKey(_ pem: [UInt8], file: String) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        let key = pem.withUnsafeBytes { bytes -> OpaquePointer? in
            guard let bio = busbar_BIO_new_memory(bytes.baseAddress, bytes.count) else { return nil }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, PEMText.noPassword, nil)
        }
        guard let key else { throw TLSError.fromQueue("private key \(file)") }
        return key
    }
}
