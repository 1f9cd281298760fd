import CNghttp2

// nghttp2 calls these with the session as user data. They are functions of the file, outside any actor, since a C
// callback that is formed in isolated code traps when it runs elsewhere. Each one only translates; what it means is in
// HTTP2Session+Receive.swift.

private let callbackFailure = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

/// Creates nghttp2's session object, without user data yet; nil when out of memory. It must end before its memory does.
func makeHandle(_ role: HTTP2Session.Role, _ memory: SessionMemory) -> OpaquePointer? {
    var callbacks: OpaquePointer?
    guard nghttp2_session_callbacks_new(&callbacks) == 0, let callbacks else { return nil }
    defer { nghttp2_session_callbacks_del(callbacks) }
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, onBeginFrame)
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, onBeginHeaders)
    nghttp2_session_callbacks_set_on_header_callback2(callbacks, onHeader)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, onDataChunk)
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, onFrameReceived)
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, onFrameSent)
    nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, onFrameNotSent)
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, onStreamClosed)
    nghttp2_session_callbacks_set_send_data_callback(callbacks, sendBody)
    var option: OpaquePointer?
    guard nghttp2_option_new(&option) == 0, let option else { return nil }
    defer { nghttp2_option_del(option) }
    // Closed streams are kept only for priorities of RFC 7540, which RFC 9113 gave up.
    nghttp2_option_set_no_closed_streams(option, 1)
    // The session's own budget is configurable and decays; the library's must not come first.
    nghttp2_option_set_stream_reset_rate_limit(option, 1 << 40, 1 << 40)
    var handle: OpaquePointer?
    var functions = memory.functions
    let result =
        role == .server
        ? nghttp2_session_server_new3(&handle, callbacks, nil, option, &functions)
        : nghttp2_session_client_new3(&handle, callbacks, nil, option, &functions)
    return result == 0 ? handle : nil
}

/// Sets what the callbacks get as their last argument.
func setUserData(_ handle: OpaquePointer, _ session: UnsafeMutableRawPointer) {
    nghttp2_session_set_user_data(handle, session)
}

/// Calls `body` with the session behind a callback's user data, without reference counting.
private func withSession(_ userData: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Int32) -> Int32 {
    guard let userData else { return callbackFailure }
    return Unmanaged<HTTP2Session>.fromOpaque(userData)._withUnsafeGuaranteedRef { body($0) }
}

private func onBeginFrame(
    _ handle: OpaquePointer?,
    _ header: UnsafePointer<nghttp2_frame_hd>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let header else { return callbackFailure }
    return withSession(userData) { $0.frameBegan(header.pointee) }
}

private func onBeginHeaders(
    _ handle: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return callbackFailure }
    return withSession(userData) {
        $0.headersBegan(frame.pointee.hd, isRequest: frame.pointee.headers.cat == NGHTTP2_HCAT_REQUEST)
    }
}

private func onHeader(
    _ handle: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>?,
    _ name: OpaquePointer?,
    _ value: OpaquePointer?,
    _ flags: UInt8,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame, let name, let value else { return callbackFailure }
    return withSession(userData) { $0.headerReceived(stream: frame.pointee.hd.stream_id, name: name, value: value) }
}

private func onDataChunk(
    _ handle: OpaquePointer?,
    _ flags: UInt8,
    _ stream: Int32,
    _ data: UnsafePointer<UInt8>?,
    _ count: Int,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    withSession(userData) { $0.dataReceived(stream: stream, UnsafeBufferPointer(start: data, count: count)) }
}

private func onFrameReceived(
    _ handle: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return callbackFailure }
    return withSession(userData) { $0.frameReceived(frame) }
}

private func onFrameSent(
    _ handle: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return callbackFailure }
    return withSession(userData) { $0.frameSent(frame) }
}

private func onFrameNotSent(
    _ handle: OpaquePointer?,
    _ frame: UnsafePointer<nghttp2_frame>?,
    _ code: Int32,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame else { return callbackFailure }
    return withSession(userData) { $0.frameNotSent(frame) }
}

private func onStreamClosed(
    _ handle: OpaquePointer?,
    _ stream: Int32,
    _ code: UInt32,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    withSession(userData) { $0.streamClosed(stream, code: code) }
}

/// Takes the next part of a message's body for a DATA frame. `source` is the stream's slot; see HTTP2StreamPool for why that
/// is safe. A body that is there as a whole stays where it is until ``sendBody`` wants it.
func readBody(
    _ handle: OpaquePointer?,
    _ stream: Int32,
    _ target: UnsafeMutablePointer<UInt8>?,
    _ capacity: Int,
    _ flags: UnsafeMutablePointer<UInt32>?,
    _ source: UnsafeMutablePointer<nghttp2_data_source>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int {
    guard let target, let flags, let pointer = source?.pointee.ptr, let userData else { return Int(callbackFailure) }
    let slot = pointer.assumingMemoryBound(to: HTTP2Stream.self)
    guard slot.pointee.id == stream else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
    let offset = slot.pointee.outgoingOffset
    let total = slot.pointee.outgoing.count
    let count = min(capacity, total - offset)
    let isOpen = slot.pointee.outgoingIsOpen
    if count == 0, isOpen {
        slot.pointee.isDeferred = true
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    if slot.pointee.isSentInParts {
        slot.pointee.outgoing.withUnsafeBytes { bytes in
            UnsafeMutableRawBufferPointer(start: target, count: count)
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count]))
        }
    } else {
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    }
    slot.pointee.outgoingOffset = offset + count
    if offset + count == total, !isOpen { flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
    Unmanaged<HTTP2Session>.fromOpaque(userData)._withUnsafeGuaranteedRef { session in
        session.unsentBytes -= count
        if isOpen, offset + count == total { session.partsDrained(slot) }
    }
    return count
}

/// Sends a DATA frame with what ``readBody`` took last of a body that is there as a whole.
private func sendBody(
    _ handle: OpaquePointer?,
    _ frame: UnsafeMutablePointer<nghttp2_frame>?,
    _ header: UnsafePointer<UInt8>?,
    _ count: Int,
    _ source: UnsafeMutablePointer<nghttp2_data_source>?,
    _ userData: UnsafeMutableRawPointer?
) -> Int32 {
    guard let frame, let header, let pointer = source?.pointee.ptr else { return callbackFailure }
    let slot = pointer.assumingMemoryBound(to: HTTP2Stream.self)
    guard slot.pointee.id == frame.pointee.hd.stream_id else { return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue }
    return withSession(userData) { $0.sendData(slot, UnsafeRawBufferPointer(start: header, count: 9), count) }
}
