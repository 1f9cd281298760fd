import COpenSSL

/// Signs with a node certificate's private key: ECDSA on P-256 with SHA-256, or Ed25519.
///
/// `@unchecked Sendable`: nothing changes after `init`, and OpenSSL makes a context of its own for each signature.
public final class NodeSigner: @unchecked Sendable {
    /// The certificate that the signatures belong to, and what leads to its authority.
    public let chain: [X509Certificate]
    private let material: TLSMaterial
    private let key: OpaquePointer

    /// The signer of what a store holds now. After a reload this one goes on with the former key.
    ///
    /// - Throws: ``TLSError`` when there is no certificate, or when its key is of another kind.
    public convenience init(_ store: CertificateStore) throws(TLSError) {
        try self.init(store.material)
    }

    init(_ material: TLSMaterial) throws(TLSError) {
        guard let key = material.privateKey else {
            throw TLSError(operation: "signing key", reason: "no certificate of its own")
        }
        guard SignatureKey.isUsable(key) else {
            throw TLSError(operation: "signing key", reason: "neither P-256 nor Ed25519")
        }
        self.material = material
        self.key = key
        chain = material.chain
    }

    /// The signature of a message: at most 72 bytes.
    ///
    /// - Throws: ``TLSError`` when out of memory.
    public func sign(_ message: some Sequence<UInt8>) throws(TLSError) -> [UInt8] {
        ERR_clear_error()
        guard let context = EVP_MD_CTX_new() else { throw TLSError.fromQueue("signature") }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestSignInit(context, nil, SignatureKey.digest(for: key), nil, key) == 1 else {
            throw TLSError.fromQueue("signature")
        }
        let bytes = Array(message)
        var signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = signature.count
        guard EVP_DigestSign(context, &signature, &count, bytes, bytes.count) == 1 else {
            throw TLSError.fromQueue("signature")
        }
        signature.removeLast(signature.count - count)
        return signature
    }
}

extension X509Certificate {
    /// Whether `signature` is that of ``NodeSigner/sign(_:)`` with this certificate's key. Says nothing about the
    /// certificate itself.
    public func verifies(_ signature: some Sequence<UInt8>, of message: some Sequence<UInt8>) -> Bool {
        defer { ERR_clear_error() }
        guard let key = X509_get0_pubkey(pointer), SignatureKey.isUsable(key), let context = EVP_MD_CTX_new() else {
            return false
        }
        defer { EVP_MD_CTX_free(context) }
        guard EVP_DigestVerifyInit(context, nil, SignatureKey.digest(for: key), nil, key) == 1 else { return false }
        let signature = Array(signature)
        let message = Array(message)
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// The public key in DER (`SubjectPublicKeyInfo`): a renewal that keeps the key keeps this.
    public var publicKeyDER: [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(X509_get0_pubkey(pointer), &bytes)
        guard let bytes, count > 0 else { return [] }
        defer { CRYPTO_free(bytes, #fileID, #line) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}

/// Which keys sign, and how.
private enum SignatureKey {
    static func isUsable(_ key: OpaquePointer) -> Bool {
        if EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 { return true }
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_EC else { return false }
        var name = [CChar](repeating: 0, count: 64)
        var count = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1 else { return false }
        return name.prefix(count).elementsEqual("prime256v1".utf8.map { CChar(bitPattern: $0) })
    }

    /// Ed25519 hashes for itself.
    static func digest(for key: OpaquePointer) -> OpaquePointer? {
        EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? nil : EVP_sha256()
    }
}
