import CNghttp2
import SansIO

extension HTTP2Session {
    /// The open stream with this id, or nil.
    func stream(_ id: Int32) -> UnsafeMutablePointer<HTTP2Stream>? {
        // Most look-ups are for the same stream as the one before.
        if let recent, recent.pointee.id == id, id > 0 { return recent }
        guard id > 0, let data = nghttp2_session_get_stream_user_data(handle, id) else { return nil }
        let slot = data.assumingMemoryBound(to: HTTP2Stream.self)
        // nghttp2 may remember a stream longer than its slot does; see HTTP2StreamPool.
        guard slot.pointee.id == id else { return nil }
        recent = slot
        return slot
    }

    /// Attaches an object to a delivered request's stream; ``HTTP2Event/closed(stream:code:context:)`` brings it back.
    ///
    /// - Returns: false when the stream is gone already, so that its request need not be looked at.
    public func attach(_ context: AnyObject, to stream: Int32) -> Bool {
        guard let slot = self.stream(stream) else { return false }
        slot.pointee.context = context
        return true
    }

    /// Answers a request (server).
    ///
    /// - Parameters:
    ///   - id: the request's stream.
    ///   - response: the answer; `content-length` is added, fields about the connection are left out.
    ///   - date: the value of the `date` field; empty for none.
    /// - Returns: false when the stream is gone or answered already.
    @discardableResult
    public func respond(to id: Int32, with response: HTTPResponse, date: some Collection<UInt8>) -> Bool {
        precondition(role == .server, "a client has nothing to answer")
        guard let slot = stream(id), !slot.pointee.answered else { return false }
        slot.pointee.answered = true
        // What is taken in parts goes on being taken.
        if !slot.pointee.isReceivedInParts { slot.pointee.context = nil }
        releaseBuffered(slot)
        putHead(response, date)
        if response.status >= 200, response.status != 204, response.status != 304 {
            block.append("content-length", number: response.body.count)
        }
        let hasBody = !response.body.isEmpty && !HeaderRules.equals(slot.pointee.method, "head")
        let handle = handle
        let result: Int32
        if hasBody {
            startBody(slot, response.body)
            var provider = bodyProvider(slot)
            result = block.withPairs { nghttp2_submit_response(handle, id, $0, $1, &provider) }
        } else {
            result = block.withPairs { nghttp2_submit_response(handle, id, $0, $1, nil) }
        }
        if result != 0 { reset(stream: id, code: NGHTTP2_INTERNAL_ERROR.rawValue) }
        return result == 0
    }

    func putHead(_ response: HTTPResponse, _ date: some Collection<UInt8>) {
        block.removeAll()
        block.append(":status", number: max(0, response.status))
        for field in response.headers where date.isEmpty || !HeaderRules.equals(field.name, "date") {
            block.append(field)
        }
        if !date.isEmpty { block.append("date", date) }
    }

    /// Makes a request (client). Beyond the server's limit of concurrent streams it waits inside the session.
    ///
    /// - Parameters:
    ///   - request: method, target, headers and body; the `host` field becomes `:authority`.
    ///   - scheme: `https` or `http`.
    ///   - context: comes back with the response, or if the stream ends without one.
    ///   - inParts: the body goes on with ``send(_:on:)`` until ``endBody(on:)``, and the response comes in parts.
    /// - Returns: the stream that will carry the response, or nil when the connection takes no more.
    public func submit(
        _ request: HTTPRequest,
        scheme: String,
        context: AnyObject? = nil,
        inParts: Bool = false
    ) -> Int32? {
        let fields = request.headers.filter { !HeaderRules.equals($0.name, "host") }
        let parts = ClientRequest(
            method: request.method,
            target: request.target,
            authority: request.header("host") ?? "",
            headers: fields,
            body: request.body
        )
        return submit(parts, scheme: scheme, context: context, inParts: inParts, ignoresFields: false)
    }

    /// The same for a request without `host` among its headers; with `ignoresFields` the response comes without its header
    /// fields.
    func submit(
        _ request: ClientRequest,
        scheme: String,
        context: AnyObject?,
        inParts: Bool,
        ignoresFields: Bool
    ) -> Int32? {
        precondition(role == .client, "a server makes no requests")
        guard failure == nil else { return nil }
        let slot = pool.open(id: .max, now: now)
        slot.pointee.method = request.method
        slot.pointee.context = context
        slot.pointee.ignoresFields = ignoresFields
        block.removeAll()
        block.append(":method", request.method)
        block.append(":scheme", scheme)
        block.append(":authority", request.authority)
        block.append(":path", request.target)
        for field in request.headers { block.append(field) }
        if !request.body.isEmpty, !inParts { block.append("content-length", number: request.body.count) }
        let handle = handle
        let id: Int32
        if request.body.isEmpty, !inParts {
            id = block.withPairs { nghttp2_submit_request(handle, nil, $0, $1, nil, slot) }
        } else {
            slot.pointee.isReceivedInParts = inParts
            slot.pointee.isSentInParts = inParts
            slot.pointee.outgoingIsOpen = inParts
            startBody(slot, request.body)
            var provider = bodyProvider(slot)
            id = block.withPairs { nghttp2_submit_request(handle, nil, $0, $1, &provider, slot) }
        }
        guard id > 0 else {
            unsentBytes -= slot.pointee.outgoing.count
            pool.close(slot)
            return nil
        }
        slot.pointee.id = id
        return id
    }

    /// Ends a stream at once; an open exchange ends with ``HTTP2Event/closed(stream:code:context:)``.
    public func reset(stream id: Int32, code: UInt32) {
        _ = nghttp2_submit_rst_stream(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code)
    }

    /// Tells the other side to open no more streams; those that are open are finished (RFC 9113 §6.8).
    public func announceShutdown() {
        guard role == .server else { return }
        _ = nghttp2_submit_shutdown_notice(handle)
    }

    /// Asks the other side for a sign of life (RFC 9113 §6.7). Its answer counts as received bytes only.
    public func ping() {
        _ = nghttp2_submit_ping(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
    }

    /// Ends the session: a last GOAWAY goes out, and nothing received afterwards counts.
    public func terminate(code: UInt32 = 0) {
        _ = nghttp2_session_terminate_session(handle, code)
    }

    /// Streams whose message is still incomplete though they were opened before `instant`, by slot order.
    ///
    /// - Parameter instant: monotonic nanoseconds.
    /// - Returns: their ids.
    public func incompleteStreams(openedBefore instant: UInt64) -> [Int32] {
        var found: [Int32] = []
        for slot in pool.all where slot.pointee.isIncomplete && slot.pointee.openedAt < instant {
            found.append(slot.pointee.id)
        }
        return found
    }

    /// Streams with bytes to send of which the other side has taken none for longer than `limit`, by slot order. To be
    /// asked regularly: the time counts from the first time that a stream is found so, and anew once it is reported.
    ///
    /// - Parameters:
    ///   - now: monotonic nanoseconds.
    ///   - limit: nanoseconds.
    /// - Returns: their ids.
    public func stalledStreams(now: UInt64, limit: UInt64) -> [Int32] {
        var found: [Int32] = []
        for slot in pool.all where slot.pointee.id != 0 {
            if slot.pointee.outgoingOffset == slot.pointee.outgoing.count {
                slot.pointee.stalledSince = 0
            } else if slot.pointee.stalledSince == 0 || slot.pointee.outgoingOffset != slot.pointee.stalledOffset {
                slot.pointee.stalledSince = max(1, now)
                slot.pointee.stalledOffset = slot.pointee.outgoingOffset
            } else if now > slot.pointee.stalledSince, now - slot.pointee.stalledSince > limit {
                found.append(slot.pointee.id)
                slot.pointee.stalledSince = now
            }
        }
        return found
    }

    /// Gives back what was attached to the streams that are still open, when the connection is gone.
    public func takeContexts() -> [AnyObject] {
        var contexts: [AnyObject] = []
        for slot in pool.all {
            releaseBuffered(slot)
            guard let context = slot.pointee.context else { continue }
            contexts.append(context)
            slot.pointee.context = nil
        }
        return contexts
    }

    func sendContinue(_ id: Int32) {
        guard let slot = stream(id), !slot.pointee.answered, !slot.pointee.remoteEnded else { return }
        block.removeAll()
        block.append(":status", number: 100)
        let handle = handle
        _ = block.withPairs {
            nghttp2_submit_headers(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, nil, $0, $1, nil)
        }
    }

    func releaseBuffered(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        giveBack(slot.pointee.bufferedBytes)
        slot.pointee.bufferedBytes = 0
    }

    /// Leaves what a stream's body takes of the budgets to whoever has the body now, until ``giveBack(_:)``: the end of
    /// the stream does not free its memory.
    ///
    /// - Returns: how many bytes; 0 for a stream that is gone.
    func leaveBuffered(of id: Int32) -> Int {
        guard let slot = stream(id) else { return 0 }
        let count = slot.pointee.bufferedBytes
        slot.pointee.bufferedBytes = 0
        return count
    }

    /// Gives bytes back that a body took of the budgets.
    func giveBack(_ count: Int) {
        guard count > 0 else { return }
        heldBytes -= count
        share?.remove(count)
    }

    func startBody(_ slot: UnsafeMutablePointer<HTTP2Stream>, _ body: [UInt8]) {
        slot.pointee.outgoing = body
        slot.pointee.outgoingOffset = 0
        unsentBytes += body.count
    }

    func bodyProvider(_ slot: UnsafeMutablePointer<HTTP2Stream>) -> nghttp2_data_provider {
        nghttp2_data_provider(source: nghttp2_data_source(ptr: UnsafeMutableRawPointer(slot)), read_callback: readBody)
    }
}
