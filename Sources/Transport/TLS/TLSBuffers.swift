import COpenSSL
import NIOCore

/// What OpenSSL reads from and writes to: one connection's encrypted bytes, in NIO's own buffers.
///
/// The `BIO` holds an unretained pointer to this object. That is sound because the ``TLSSession`` owns both, and frees
/// the `SSL`, and with it the `BIO`, in its `deinit`, before it lets go of the buffers.
final class TLSBuffers {
    /// Received, not yet read by OpenSSL.
    var input = ByteBuffer()
    /// True when OpenSSL shall get no more of it: its reading fails.
    var inputIsShut = false
    /// Written by OpenSSL, not yet sent.
    var output = ByteBuffer()

    /// A new `BIO` over these buffers, owned by the caller, or nil when out of memory.
    func makeBIO() -> OpaquePointer? {
        guard let method = Self.method, let bio = BIO_new(method) else { return nil }
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        return bio
    }

    /// The process's one `BIO_METHOD`; never freed.
    ///
    /// `nonisolated(unsafe)`: set once by Swift's thread-safe lazy initialisation and only read by OpenSSL afterwards.
    nonisolated(unsafe) private static let method: OpaquePointer? = makeMethod()

    private static func makeMethod() -> OpaquePointer? {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        guard let method = BIO_meth_new(type, "busbar") else { return nil }
        BIO_meth_set_read(method, readFromInput)
        BIO_meth_set_write(method, writeToOutput)
        BIO_meth_set_ctrl(method, control)
        return method
    }
}

/// Calls `body` with the buffers behind a `BIO`, without reference counting; nil when it has none.
private func withBuffers(_ bio: OpaquePointer?, _ body: (TLSBuffers) -> Int32) -> Int32 {
    guard let data = BIO_get_data(bio) else { return -1 }
    return Unmanaged<TLSBuffers>.fromOpaque(data)._withUnsafeGuaranteedRef { body($0) }
}

/// `BIO_read`: copies at most `count` received bytes to `target`, or asks for a retry when there are none.
private func readFromInput(_ bio: OpaquePointer?, _ target: UnsafeMutablePointer<CChar>?, _ count: Int32) -> Int32 {
    busbar_BIO_clear_retry_flags(bio)
    guard let target, count > 0 else { return 0 }
    return withBuffers(bio) { buffers in
        if buffers.inputIsShut { return -1 }
        let available = min(Int(count), buffers.input.readableBytes)
        guard available > 0 else {
            busbar_BIO_set_retry_read(bio)
            return -1
        }
        buffers.input.readWithUnsafeReadableBytes { bytes in
            UnsafeMutableRawPointer(target).copyMemory(
                from: bytes.baseAddress ?? UnsafeRawPointer(target),
                byteCount: available
            )
            return available
        }
        return Int32(available)
    }
}

/// `BIO_write`: takes everything; the connection bounds what it encrypts, so the output cannot grow without limit.
private func writeToOutput(_ bio: OpaquePointer?, _ source: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    busbar_BIO_clear_retry_flags(bio)
    guard let source, count > 0 else { return 0 }
    return withBuffers(bio) { buffers in
        buffers.output.writeBytes(UnsafeRawBufferPointer(start: source, count: Int(count)))
        return count
    }
}

/// `BIO_ctrl`: only a flush means anything, and it has nothing to do.
private func control(
    _ bio: OpaquePointer?,
    _ command: Int32,
    _ number: Int,
    _ pointer: UnsafeMutableRawPointer?
) -> Int {
    command == BIO_CTRL_FLUSH ? 1 : 0
}
