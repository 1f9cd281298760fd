import COpenSSL

@testable import Transport

/// Writes what OpenSSL's client would not: one ClientHello after the other on a connection of TLS 1.2 whose handshake is
/// done, without waiting for an answer (RFC 5246 §7.4.1.2).
final class RenegotiatingClient {
    private let key: AEADKey
    private let salt: [UInt8]
    /// The client's Finished message was number 0.
    private var number: UInt64 = 1

    /// A session of TLS 1.2 with the one kind of cipher that this type knows.
    static func session(_ context: TLSContext) throws -> TLSSession {
        let session = try TLSSession(context: context, serverName: "localhost")
        _ = SSL_ctrl(session.ssl, SSL_CTRL_SET_MAX_PROTO_VERSION, Int(TLS1_2_VERSION), nil)
        SSL_set_cipher_list(session.ssl, "ECDHE+AESGCM+AES256")
        return session
    }

    /// Takes the keys of a session whose handshake is done; nil when it is not of that kind.
    init?(_ session: TLSSession) {
        guard session.version == "TLSv1.2" else { return nil }
        func bytes(_ count: Int, _ read: (UnsafeMutablePointer<UInt8>) -> Int) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
                used = buffer.baseAddress.map(read) ?? 0
            }
        }
        let master = bytes(48) { SSL_SESSION_get_master_key(SSL_get_session(session.ssl), $0, 48) }
        let server = bytes(32) { SSL_get_server_random(session.ssl, $0, 32) }
        let client = bytes(32) { SSL_get_client_random(session.ssl, $0, 32) }
        // RFC 5246 §6.3 for a cipher without a MAC of its own: the client's key, the server's, the client's salt.
        let block = Self.expand(master, Array("key expansion".utf8) + server + client, to: 68)
        guard let key = AEADKey(Array(block.prefix(32))) else { return nil }
        self.key = key
        salt = Array(block[64..<68])
    }

    /// So many encrypted ClientHello messages, in a record each (RFC 5288 §3).
    func hellos(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        for _ in 0..<count {
            let sequence = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
            number += 1
            // Type 1 and a length of 40; the server looks at no more of it.
            var record: [UInt8] = [1, 0, 0, 40, 3, 3] + [UInt8](repeating: 7, count: 38)
            let header: [UInt8] = [22, 3, 3]
            let length = [0, UInt8(record.count)]
            guard key.seal(&record, nonce: salt + sequence, associated: sequence + header + length) else { break }
            bytes += header + [0, UInt8(8 + record.count)] + sequence + record
        }
        return bytes
    }

    /// The pseudorandom function of RFC 5246 §5 with SHA-384.
    private static func expand(_ secret: [UInt8], _ seed: [UInt8], to count: Int) -> [UInt8] {
        func mac(_ message: [UInt8]) -> [UInt8] {
            [UInt8](unsafeUninitializedCapacity: 48) { buffer, used in
                HMAC(EVP_sha384(), secret, Int32(secret.count), message, message.count, buffer.baseAddress, nil)
                used = 48
            }
        }
        var chain = mac(seed)
        var result: [UInt8] = []
        while result.count < count {
            result += mac(chain + seed)
            chain = mac(chain)
        }
        return Array(result.prefix(count))
    }
}
