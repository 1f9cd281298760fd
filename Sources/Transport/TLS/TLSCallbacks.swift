import COpenSSL
import SansIO

/// What OpenSSL calls during handshakes. Each finds its ``TLSSession`` in the `SSL`'s application data.
enum TLSCallbacks {
    /// Verifies the other side's chain, in place of OpenSSL's own function.
    static let verifyCertificate: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { store, _ in
        guard let store,
            let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
            let session = session(of: OpaquePointer(ssl))
        else { return 0 }
        return session.verifyPeer(store) ? 1 : 0
    }

    /// Keeps the session of a ticket that a server has sent. Returns 1 when it takes the reference over.
    static let keepSession: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = { ssl, resumable in
        guard let ssl, let resumable, let session = session(of: ssl) else { return 0 }
        session.keep(resumable)
        return 1
    }

    /// Puts what the verification found into a ticket that is about to be sent.
    static let fillTicket: @convention(c) (OpaquePointer?, UnsafeMutableRawPointer?) -> Int32 = { ssl, _ in
        guard let ssl, let session = session(of: ssl) else { return 0 }
        return session.fillTicket() ? 1 : 0
    }

    /// Decides whether a ticket that this server sent may be used.
    static let readTicket:
        @convention(c) (
            OpaquePointer?, OpaquePointer?, UnsafePointer<UInt8>?, Int, SSL_TICKET_STATUS, UnsafeMutableRawPointer?
        ) -> SSL_TICKET_RETURN = { ssl, resumed, _, _, status, _ in
            guard let ssl, let session = session(of: ssl) else { return SSL_TICKET_RETURN_IGNORE_RENEW }
            guard status == SSL_TICKET_SUCCESS || status == SSL_TICKET_SUCCESS_RENEW, let resumed else {
                if status == SSL_TICKET_NO_DECRYPT { session.resumptionRefused() }
                return SSL_TICKET_RETURN_IGNORE_RENEW
            }
            guard session.takeTicket(resumed) else { return SSL_TICKET_RETURN_IGNORE_RENEW }
            return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW
        }

    /// Hears of every message, and of every record's header.
    static let message:
        @convention(c) (
            Int32, Int32, Int32, UnsafeRawPointer?, Int, OpaquePointer?, UnsafeMutableRawPointer?
        ) -> Void = { isSent, _, type, _, _, ssl, _ in
            let counts = isSent == 0 ? type == SSL3_RT_HANDSHAKE : type == SSL3_RT_ALERT
            guard counts, let ssl, let session = session(of: ssl) else { return }
            session.noteMessage()
        }

    private static func session(of ssl: OpaquePointer) -> TLSSession? {
        guard let data = SSL_get_ex_data(ssl, 0) else { return nil }
        return Unmanaged<TLSSession>.fromOpaque(data).takeUnretainedValue()
    }
}

/// What a ticket says of the client that it was given to: until when its chain is valid, and the certificates between
/// its leaf and the authority, so that an open connection that was resumed can be verified again.
struct TicketFacts: Equatable {
    /// In milliseconds since the epoch.
    var validUntil: Int64
    /// In DER.
    var intermediates: [[UInt8]] = []

    /// A ticket has 64 KB at most; with longer chains a client is verified in full each time.
    static let maximumBytes = 16 << 10

    /// The bytes in the ticket, or nil when they are too many.
    var encoded: [UInt8]? {
        var bytes: [UInt8] = [1]
        withUnsafeBytes(of: validUntil.littleEndian) { bytes += $0 }
        for certificate in intermediates {
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: certificate.count).littleEndian) { bytes += $0 }
            bytes += certificate
        }
        return bytes.count <= Self.maximumBytes ? bytes : nil
    }

    init(validUntil: Int64, intermediates: [[UInt8]] = []) {
        self.validUntil = validUntil
        self.intermediates = intermediates
    }

    /// Reads the bytes of a ticket; nil when they are not exactly that.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 9, bytes[0] == 1 else { return nil }
        var value: UInt64 = 0
        for index in (1..<9).reversed() { value = value << 8 | UInt64(bytes[index]) }
        validUntil = Int64(bitPattern: value)
        var position = 9
        while position < bytes.count {
            guard position + 4 <= bytes.count else { return nil }
            var count = 0
            for index in (position..<position + 4).reversed() { count = count << 8 | Int(bytes[index]) }
            position += 4
            guard count <= bytes.count - position else { return nil }
            intermediates.append(Array(bytes[position..<position + count]))
            position += count
        }
    }
}
