import COpenSSL
import NIOCore
import SansIO

/// One TLS connection without a socket: encrypted bytes in and out on one side, plain bytes on the other.
///
/// Not `Sendable`: it belongs to one event loop.
public final class TLSSession {
    /// How far the handshake is.
    public enum HandshakeStatus: Equatable {
        /// More bytes from the other side are needed.
        case needsInput
        /// Done; plain bytes may flow.
        case complete
        /// Refused; ``output`` may hold the alert that says so to the other side.
        case failed(TLSError)
    }

    /// What reading gave.
    public enum ReadResult: Equatable {
        /// That many plain bytes were stored.
        case bytes(Int)
        /// More bytes from the other side are needed.
        case needsInput
        /// The other side said that it will send no more.
        case closed
        /// The stream is broken; ``output`` may hold an alert.
        case failed(TLSError)
    }

    let ssl: OpaquePointer
    let context: TLSContext
    /// What the connection started with.
    let snapshot: TLSSnapshot
    /// The name that the server's certificate must carry, for a client that asked for one.
    let serverName: String?
    private let buffers = TLSBuffers()
    /// Until when the other side's chain is valid as far as it was verified, in milliseconds since the epoch.
    var validUntil = Int64.max
    /// Under which authorities and lists it was verified last.
    var verifiedGeneration: UInt64
    /// Why the other side's chain was refused.
    var verificationError: TLSError?
    /// What the last ticket of the server allows to resume.
    var resumption: TLSResumption?
    /// True once the handshake is done.
    public private(set) var isEstablished = false
    private var isBroken = false
    private var closeSent = false
    private var keepsBuffers = false
    private var hasRead = false
    private var messageBudget = RateBudget(capacity: 20, window: .seconds(10))
    /// True once the other side has sent more messages of the handshake protocol than ``limitMessages(_:within:)`` allows,
    /// after which nothing more is read.
    private(set) var isOverMessageLimit = false

    /// A read of the socket that brings this much is of a busy connection. OpenSSL's buffers are too large for the lists
    /// that the system's allocator keeps ready, and an idle connection must not hold them.
    private static let busyBytes = 8 << 10

    /// Creates one end of a connection.
    ///
    /// - Parameters:
    ///   - context: certificates and policy, as they are now.
    ///   - serverName: for a client, the name that is sent (SNI) and that the server's certificate must carry. An IP
    ///     address is not sent, and looked for among the certificate's IP names.
    ///   - resumption: for a client, what an earlier connection to the same server left. It is ignored when it is for
    ///     another name, when the context was reloaded since, or when a certificate of the server's has expired.
    /// - Throws: ``TLSError`` when out of memory or when the name is not one.
    public init(
        context: TLSContext,
        serverName: String? = nil,
        resuming resumption: TLSResumption? = nil
    ) throws(TLSError) {
        ERR_clear_error()
        let snapshot = context.snapshot
        guard let ssl = SSL_new(snapshot.context) else { throw TLSError.fromQueue("new connection") }
        guard let bio = buffers.makeBIO() else {
            SSL_free(ssl)
            throw TLSError.fromQueue("new connection")
        }
        // Hands the one BIO over for both directions; SSL_free frees it.
        SSL_set_bio(ssl, bio, bio)
        self.ssl = ssl
        self.context = context
        self.snapshot = snapshot
        self.serverName = serverName
        verifiedGeneration = snapshot.generation
        // Sound for the reason that the buffers give: this object frees the SSL before it goes.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        switch context.role {
        case .server:
            SSL_set_accept_state(ssl)
        case .client:
            SSL_set_connect_state(ssl)
            if let serverName { try setServerName(serverName) }
            if let resumption { offer(resumption) }
        }
    }

    private func setServerName(_ name: String) throws(TLSError) {
        if busbar_SSL_set1_ip(ssl, name) == 1 { return }
        guard busbar_SSL_set_tlsext_host_name(ssl, name) == 1, SSL_set1_host(ssl, name) == 1 else {
            throw TLSError.fromQueue("server name")
        }
    }

    deinit {
        // OpenSSL forbids resuming a session whose connection was freed without closing alerts, but a socket that broke
        // says nothing against the keys.
        if isEstablished, !isBroken { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
    }

    /// Bounds the messages of the handshake protocol that may come once the handshake is done, and the alerts that answer
    /// attempts to start another: key updates, of a few bytes each, cost far more than data (RFC 8446 §4.6.3). Without this
    /// call it is 20 in 10 seconds.
    ///
    /// - Parameters:
    ///   - count: how many.
    ///   - window: the time over which the budget refills.
    func limitMessages(_ count: UInt32, within window: Duration) {
        messageBudget = RateBudget(capacity: count, window: window)
    }

    /// Runs inside OpenSSL.
    func noteMessage() {
        guard isEstablished, !messageBudget.spend(now: NIODeadline.now().uptimeNanoseconds) else { return }
        isOverMessageLimit = true
        buffers.inputIsShut = true
    }

    /// How many received bytes OpenSSL has not taken yet.
    var unreadBytes: Int { buffers.input.readableBytes }

    /// Takes encrypted bytes from the other side.
    public func receive(_ bytes: ByteBuffer) {
        if bytes.readableBytes >= Self.busyBytes { keepBuffers() }
        if buffers.input.readableBytes == 0 {
            buffers.input = bytes
        } else {
            buffers.input.writeImmutableBuffer(bytes)
        }
    }

    /// Lets go of a fully read input buffer, so that the socket can use its memory again.
    public func releaseInput() {
        if buffers.input.readableBytes == 0 { buffers.input = ByteBuffer() }
    }

    /// Encrypted bytes for the other side.
    public var output: ByteBuffer { buffers.output }

    /// How many encrypted bytes wait to be sent.
    public var outputBytes: Int { buffers.output.readableBytes }

    /// Forgets ``output`` after it was sent. Its memory is used again when nobody else holds it.
    public func clearOutput() {
        buffers.output.clear()
    }

    /// Exchanges ``output`` for another buffer, which gathers what is encrypted next.
    public func swapOutput(with other: inout ByteBuffer) {
        swap(&buffers.output, &other)
    }

    /// Goes on with the handshake.
    public func handshake() -> HandshakeStatus {
        if isEstablished { return .complete }
        if isBroken { return .failed(TLSError(operation: "handshake", reason: "failed before")) }
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            isEstablished = true
            context.counting.handshakeCompleted(resumed: isResumed)
            return .complete
        }
        if SSL_get_error(ssl, result) == SSL_ERROR_WANT_READ { return .needsInput }
        isBroken = true
        let error = handshakeError()
        context.counting.failed(error)
        return .failed(error)
    }

    private func handshakeError() -> TLSError {
        var error = TLSError.fromQueue("handshake")
        if let verificationError {
            error.code = verificationError.code
            error.reason += ": " + verificationError.reason
        } else if error.code == .other {
            error.code = .protocolError
        }
        return error
    }

    /// Decrypts into `target`, which must not be empty. Returns after one record, so call it until it needs input.
    public func read(into target: UnsafeMutableRawBufferPointer) -> ReadResult {
        if isBroken { return .failed(TLSError(operation: "read", reason: "failed before")) }
        ERR_clear_error()
        var count = 0
        let result = SSL_read_ex(ssl, target.baseAddress, target.count, &count)
        if result == 1 {
            hasRead = true
            return .bytes(count)
        }
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ:
            return .needsInput
        case SSL_ERROR_ZERO_RETURN:
            return .closed
        default:
            isBroken = true
            if isOverMessageLimit {
                ERR_clear_error()
                return .failed(TLSError(.protocolError, operation: "read", reason: "too many handshake messages"))
            }
            let error = TLSError.fromQueue("read")
            // In TLS 1.3 a client is done before the server has looked at its certificate; the refusal comes here, and before
            // anything else.
            if error.code == .refusedByPeer, !hasRead { context.counting.failed(error) }
            return .failed(error)
        }
    }

    /// Encrypts all of `bytes` to ``output``. The handshake must be complete.
    ///
    /// - Returns: nil, or why the connection cannot go on.
    public func write(_ bytes: UnsafeRawBufferPointer) -> TLSError? {
        precondition(isEstablished, "nothing may be written before the handshake is done")
        if isBroken || closeSent { return TLSError(operation: "write", reason: "closed") }
        var rest = bytes
        while !rest.isEmpty {
            ERR_clear_error()
            var count = 0
            guard SSL_write_ex(ssl, rest.baseAddress, rest.count, &count) == 1 else {
                isBroken = true
                return TLSError.fromQueue("write")
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return nil
    }

    /// Keeps OpenSSL's buffers of a record each way from one record to the next; for a connection with much to read.
    func keepBuffers() {
        guard !keepsBuffers else { return }
        keepsBuffers = true
        busbar_SSL_clear_mode(ssl, Int(SSL_MODE_RELEASE_BUFFERS))
    }

    /// Frees what ``keepBuffers()`` has kept, and keeps no more; for a connection that is idle.
    func releaseSpareMemory() {
        guard keepsBuffers else { return }
        keepsBuffers = false
        busbar_SSL_set_mode(ssl, Int(SSL_MODE_RELEASE_BUFFERS))
        // Does nothing while a part of a record is in them; they go with the next one.
        _ = SSL_free_buffers(ssl)
    }

    /// Puts the closing alert into ``output``. Allowed once; ignored on a broken or unfinished connection.
    public func close() {
        guard isEstablished, !isBroken, !closeSent else { return }
        closeSent = true
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }

    /// The protocol that ALPN agreed on, e.g. `h2`; nil when the other side did not use ALPN.
    public var applicationProtocol: String? {
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &bytes, &count)
        guard let bytes, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    /// The protocol version, e.g. `TLSv1.3`.
    public var version: String { String(cString: SSL_get_version(ssl)) }

    /// True when the handshake resumed an earlier session.
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The names in the other side's certificate; nil when it has shown none that verified.
    public var peerIdentity: CertificateIdentity? { peerCertificate?.identity }
}
