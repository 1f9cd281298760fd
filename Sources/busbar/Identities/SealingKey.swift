import COpenSSL
import Foundation

/// The key that encrypts the secrets of an identity file at rest: AES-256-GCM.
///
/// A sealed secret is the base64 of a version byte, a nonce of 12 bytes, the ciphertext and a tag of 16 bytes. The access
/// key's id is authenticated with it, so that a sealed secret cannot be moved to another key.
struct SealingKey: Sendable {
    /// Why a secret cannot be sealed or opened.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let bytes: [UInt8]
    private static let version: UInt8 = 1
    private static let nonceCount = 12
    private static let tagCount = 16

    /// Creates a key from 64 hexadecimal digits; white space around them is ignored.
    init(hexadecimal text: String) throws {
        let digits = text.trimmingCharacters(in: .whitespacesAndNewlines).utf8.map { Self.digit($0) }
        guard digits.count == 64, !digits.contains(nil) else {
            throw Failure(description: "a sealing key is 64 hexadecimal digits, such as `openssl rand -hex 32` prints")
        }
        let values = digits.compactMap { $0 }
        bytes = stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] }
    }

    /// Reads a key from a file or from an environment variable.
    init(file: String?, variable: String?, environment: [String: String]) throws {
        if let file {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw Failure(description: "the sealing key's file cannot be read: \(file)")
            }
            try self.init(hexadecimal: text)
        } else if let variable {
            guard let text = environment[variable] else {
                throw Failure(description: "the sealing key's variable is not set: \(variable)")
            }
            try self.init(hexadecimal: text)
        } else {
            throw Failure(description: "a sealing key is needed: name its file or its environment variable")
        }
    }

    /// A fresh key as hexadecimal digits.
    static func generate() throws -> String {
        try random(32).map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }

    private static func random(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw Failure(description: "no random bytes to be had") }
        return bytes
    }

    /// Encrypts the secret of an access key.
    func seal(_ secret: String, keyID: String) throws -> String {
        let nonce = try Self.random(Self.nonceCount)
        let context = try Self.context()
        defer { EVP_CIPHER_CTX_free(context) }
        let plain = Array(secret.utf8)
        let bound = Array(keyID.utf8)
        var cipher = [UInt8](repeating: 0, count: plain.count + 16)
        var tag = [UInt8](repeating: 0, count: Self.tagCount)
        var count: Int32 = 0
        var last: Int32 = 0
        guard EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
            EVP_EncryptUpdate(context, nil, &count, bound, Int32(bound.count)) == 1,
            EVP_EncryptUpdate(context, &cipher, &count, plain, Int32(plain.count)) == 1,
            EVP_EncryptFinal_ex(context, nil, &last) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(Self.tagCount), &tag) == 1
        else { throw Failure(description: "the secret cannot be encrypted") }
        return Data([Self.version] + nonce + cipher.prefix(Int(count)) + tag).base64EncodedString()
    }

    /// Decrypts the secret of an access key.
    ///
    /// - Throws: ``Failure`` when the key is another one, or the text was changed.
    func open(_ sealed: String, keyID: String) throws -> String {
        let wrong = Failure(description: "the secret of \(keyID) cannot be decrypted: another sealing key, or damage")
        guard let data = Data(base64Encoded: sealed), data.first == Self.version,
            data.count > 1 + Self.nonceCount + Self.tagCount
        else { throw wrong }
        let all = [UInt8](data)
        let nonce = Array(all[1..<(1 + Self.nonceCount)])
        let cipher = Array(all[(1 + Self.nonceCount)..<(all.count - Self.tagCount)])
        var tag = Array(all.suffix(Self.tagCount))
        let context = try Self.context()
        defer { EVP_CIPHER_CTX_free(context) }
        let bound = Array(keyID.utf8)
        var plain = [UInt8](repeating: 0, count: cipher.count + 16)
        var count: Int32 = 0
        var last: Int32 = 0
        guard EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), nil, bytes, nonce) == 1,
            EVP_DecryptUpdate(context, nil, &count, bound, Int32(bound.count)) == 1,
            EVP_DecryptUpdate(context, &plain, &count, cipher, Int32(cipher.count)) == 1,
            EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(Self.tagCount), &tag) == 1,
            EVP_DecryptFinal_ex(context, nil, &last) == 1,
            let text = String(validating: plain.prefix(Int(count)), as: UTF8.self)
        else { throw wrong }
        return text
    }

    private static func context() throws -> OpaquePointer {
        guard let context = EVP_CIPHER_CTX_new() else { throw Failure(description: "out of memory") }
        return context
    }
}
