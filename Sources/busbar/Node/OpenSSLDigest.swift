import COpenSSL
import SigV4

/// SHA-256 and HMAC-SHA-256 by OpenSSL's direct functions, which spare a context allocation a call.
///
/// The caller guarantees 32 bytes behind `result`, as ``SigV4Digest`` says; the pointers are not kept.
struct OpenSSLDigest: SigV4Digest {
    func sha256(_ message: UnsafeRawBufferPointer, into result: UnsafeMutableRawBufferPointer) {
        var empty: UInt8 = 0
        let output = result.baseAddress?.assumingMemoryBound(to: UInt8.self)
        guard let bytes = message.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
            _ = SHA256(&empty, 0, output)
            return
        }
        _ = SHA256(bytes, message.count, output)
    }

    func hmacSHA256(
        key: UnsafeRawBufferPointer,
        message: UnsafeRawBufferPointer,
        into result: UnsafeMutableRawBufferPointer
    ) {
        var length: UInt32 = 32
        _ = HMAC(
            EVP_sha256(),
            key.baseAddress,
            Int32(key.count),
            message.baseAddress?.assumingMemoryBound(to: UInt8.self),
            message.count,
            result.baseAddress?.assumingMemoryBound(to: UInt8.self),
            &length
        )
    }
}

extension OpenSSLDigest {
    /// The SHA-256 digest of a message.
    static func sha256(_ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: 32)
        _ = SHA256(message, message.count, &result)
        return result
    }
}
