import COpenSSL

/// A key for AES-256-GCM with nonces that the caller chooses (NIST SP 800-38D).
///
/// A nonce must never be used twice with one key: that would give away the key's authentication part. Belongs to one
/// thread at a time, as it keeps OpenSSL's prepared state.
public final class AEADKey {
    /// Bytes of a key.
    public static let keyBytes = 32
    /// Bytes of a nonce.
    public static let nonceBytes = 12
    /// Bytes by which sealing lengthens a message, the nonce not counted.
    public static let tagBytes = 16

    private let sealing: OpaquePointer
    private let opening: OpaquePointer

    /// Prepares a key; nil unless it has ``keyBytes`` bytes, or when out of memory.
    public init?(_ key: [UInt8]) {
        guard key.count == Self.keyBytes, let sealing = EVP_CIPHER_CTX_new() else { return nil }
        guard let opening = EVP_CIPHER_CTX_new() else {
            EVP_CIPHER_CTX_free(sealing)
            return nil
        }
        self.sealing = sealing
        self.opening = opening
        guard EVP_EncryptInit_ex(sealing, EVP_aes_256_gcm(), nil, key, nil) == 1,
            EVP_DecryptInit_ex(opening, EVP_aes_256_gcm(), nil, key, nil) == 1
        else {
            ERR_clear_error()
            return nil
        }
    }

    deinit {
        EVP_CIPHER_CTX_free(sealing)
        EVP_CIPHER_CTX_free(opening)
    }

    /// Encrypts `message` in place and appends the tag.
    ///
    /// - Parameters:
    ///   - message: what to seal.
    ///   - nonce: ``nonceBytes`` bytes, never used before with this key.
    ///   - associated: bytes that are not sealed but must be the same at ``open(_:nonce:associated:)``.
    /// - Returns: false when OpenSSL fails; `message` is then empty.
    public func seal(_ message: inout [UInt8], nonce: [UInt8], associated: [UInt8] = []) -> Bool {
        precondition(nonce.count == Self.nonceBytes, "a nonce has 12 bytes")
        let text = message.count
        var count: Int32 = 0
        var tag = [UInt8](repeating: 0, count: Self.tagBytes)
        let works = message.withUnsafeMutableBufferPointer { bytes in
            EVP_EncryptInit_ex(sealing, nil, nil, nil, nonce) == 1
                && (associated.isEmpty
                    || EVP_EncryptUpdate(sealing, nil, &count, associated, Int32(associated.count)) == 1)
                && (text == 0
                    || EVP_EncryptUpdate(sealing, bytes.baseAddress, &count, bytes.baseAddress, Int32(text)) == 1)
                && EVP_EncryptFinal_ex(sealing, &tag, &count) == 1
                && EVP_CIPHER_CTX_ctrl(sealing, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagBytes), &tag) == 1
        }
        guard works else {
            ERR_clear_error()
            message = []
            return false
        }
        message += tag
        return true
    }

    /// Decrypts `message` in place and takes the tag off.
    ///
    /// - Parameters:
    ///   - message: what ``seal(_:nonce:associated:)`` made.
    ///   - nonce: the nonce that it was sealed with.
    ///   - associated: the bytes that it was sealed with.
    /// - Returns: false when anything differs; `message` is then empty.
    public func open(_ message: inout [UInt8], nonce: [UInt8], associated: [UInt8] = []) -> Bool {
        guard nonce.count == Self.nonceBytes, message.count >= Self.tagBytes else {
            message = []
            return false
        }
        var tag = Array(message.suffix(Self.tagBytes))
        message.removeLast(Self.tagBytes)
        let text = message.count
        var count: Int32 = 0
        var rest = [UInt8](repeating: 0, count: Self.tagBytes)
        let works = message.withUnsafeMutableBufferPointer { bytes in
            EVP_DecryptInit_ex(opening, nil, nil, nil, nonce) == 1
                && (associated.isEmpty
                    || EVP_DecryptUpdate(opening, nil, &count, associated, Int32(associated.count)) == 1)
                && (text == 0
                    || EVP_DecryptUpdate(opening, bytes.baseAddress, &count, bytes.baseAddress, Int32(text)) == 1)
                && EVP_CIPHER_CTX_ctrl(opening, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagBytes), &tag) == 1
                && EVP_DecryptFinal_ex(opening, &rest, &count) == 1
        }
        if !works {
            ERR_clear_error()
            message = []
        }
        return works
    }
}
