import CNghttp2
import SansIO

// Bodies that are sent and received in parts, by both roles. A message of this kind costs more than a whole one, so
// nothing here runs for those.

extension HTTP2Session {
    /// Begins an answer whose body follows with ``send(_:on:)`` until ``endBody(on:)`` (server).
    ///
    /// - Parameters:
    ///   - id: the request's stream.
    ///   - response: status, fields, and the first part of the body.
    ///   - date: the value of the `date` field; empty for none.
    /// - Returns: false when the stream is gone or answered already.
    public func beginResponse(
        to id: Int32,
        with response: HTTPResponse,
        date: some Collection<UInt8>
    ) -> Bool {
        precondition(role == .server, "a client has nothing to answer")
        guard let slot = stream(id), !slot.pointee.answered else { return false }
        slot.pointee.answered = true
        slot.pointee.isSentInParts = true
        slot.pointee.outgoingIsOpen = true
        releaseBuffered(slot)
        putHead(response, date)
        startBody(slot, response.body)
        var provider = bodyProvider(slot)
        let handle = handle
        let result = block.withPairs { nghttp2_submit_response(handle, id, $0, $1, &provider) }
        if result != 0 { reset(stream: id, code: NGHTTP2_INTERNAL_ERROR.rawValue) }
        return result == 0
    }

    /// Adds to a body that is sent in parts. ``HTTP2Event/drained(stream:context:)`` follows once all is in frames.
    ///
    /// - Returns: false when the stream is gone or its body has ended.
    @discardableResult
    public func send(_ bytes: [UInt8], on id: Int32) -> Bool {
        guard let slot = openSlot(id), slot.pointee.outgoingIsOpen else { return false }
        guard !bytes.isEmpty else { return true }
        let sent = slot.pointee.outgoingOffset
        if sent == slot.pointee.outgoing.count {
            slot.pointee.outgoing = bytes
            slot.pointee.outgoingOffset = 0
        } else {
            // Moving what is left pays only when most is sent.
            if sent > 64 << 10, sent > slot.pointee.outgoing.count / 2 {
                slot.pointee.outgoing.removeSubrange(..<sent)
                slot.pointee.outgoingOffset = 0
            }
            slot.pointee.outgoing.append(contentsOf: bytes)
        }
        // The offset may now be what it was when it was last looked at, though bytes went.
        if sent > 0 { slot.pointee.stalledSince = 0 }
        unsentBytes += bytes.count
        resumeSending(slot)
        return true
    }

    /// Ends a body that is sent in parts, after what was given to ``send(_:on:)``.
    public func endBody(on id: Int32) {
        guard let slot = openSlot(id), slot.pointee.outgoingIsOpen else { return }
        slot.pointee.outgoingIsOpen = false
        resumeSending(slot)
    }

    /// Bytes of a body sent in parts that are not in a frame yet; 0 when the stream is gone.
    public func unsentBytes(on id: Int32) -> Int {
        guard let slot = openSlot(id) else { return 0 }
        return slot.pointee.outgoing.count - slot.pointee.outgoingOffset
    }

    /// Stops or goes on giving the other side window on a stream whose body is received in parts.
    ///
    /// A paused stream still brings what its window allows, at most ``HTTP2Settings/streamWindowBytes``.
    public func setPaused(_ isPaused: Bool, on id: Int32) {
        guard let slot = openSlot(id), slot.pointee.isPaused != isPaused else { return }
        slot.pointee.isPaused = isPaused
        if stream(id) == nil {
            // A request that has not left has no window yet; ``requestSent(_:)`` sees to it.
            forgetLatePause(id)
            if isPaused { latePauses.append(id) }
        } else {
            applyPause(id)
        }
    }

    /// Notes inside nghttp2 that a client's request has left.
    func requestSent(_ id: Int32) {
        guard latePauses.contains(id) else { return }
        forgetLatePause(id)
        actions.append(.applyPause(stream: id))
    }

    func forgetLatePause(_ id: Int32) {
        if hasLatePauses { latePauses = latePauses.filter { $0 != id } }
    }

    /// Notes inside nghttp2 that the other side has taken this side's settings. That adds to the windows of all streams
    /// (RFC 9113 §6.9.2), also to those that were set before.
    func settingsTaken() {
        for slot in pool.all where slot.pointee.id != 0 && slot.pointee.isReceivedInParts {
            actions.append(.applyPause(stream: slot.pointee.id))
        }
    }

    /// Sets a stream's window as it is paused or not.
    func applyPause(_ id: Int32) {
        guard let slot = stream(id) else { return }
        // At size zero nghttp2 owes the other side nothing, whatever was received; at full size it owes all of it.
        let size = slot.pointee.isPaused ? 0 : settings.streamWindowBytes
        _ = nghttp2_session_set_local_window_size(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, size)
    }

    /// What is attached to a stream, or nil.
    public func context(of id: Int32) -> AnyObject? {
        stream(id)?.pointee.context
    }

    /// What is attached to all open streams, by slot order.
    public var contexts: [AnyObject] { pool.all.compactMap(\.pointee.context) }

    /// Also finds a client's request that has not left yet, which nghttp2 does not know as a stream.
    private func openSlot(_ id: Int32) -> UnsafeMutablePointer<HTTP2Stream>? {
        guard id > 0 else { return nil }
        return stream(id) ?? (role == .client ? pool.all.first { $0.pointee.id == id } : nil)
    }

    private func resumeSending(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        guard slot.pointee.isDeferred else { return }
        slot.pointee.isDeferred = false
        _ = nghttp2_session_resume_data(handle, slot.pointee.id)
    }

    /// Runs inside nghttp2: the last part is in a frame.
    func partsDrained(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        slot.pointee.outgoing.removeAll(keepingCapacity: slot.pointee.outgoing.count <= 64 << 10)
        slot.pointee.outgoingOffset = 0
        emit(.drained(stream: slot.pointee.id, context: slot.pointee.context))
    }
}
