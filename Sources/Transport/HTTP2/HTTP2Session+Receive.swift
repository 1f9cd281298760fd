import CNghttp2
import SansIO

// What nghttp2's callbacks mean. All of this runs inside `receive` or `fill`, so nothing here calls nghttp2, save for
// looking a stream up and naming a new one's slot.

private let endStream = UInt8(NGHTTP2_FLAG_END_STREAM.rawValue)
private let endHeaders = UInt8(NGHTTP2_FLAG_END_HEADERS.rawValue)
private let acknowledgement = UInt8(NGHTTP2_FLAG_ACK.rawValue)

extension HTTP2Session {
    func frameBegan(_ header: nghttp2_frame_hd) -> Int32 {
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue:
            if header.length == 0, header.flags & endStream == 0 { spend(.emptyFrames, \.emptyFrames) }
        case NGHTTP2_HEADERS.rawValue:
            if header.flags & endHeaders == 0 { blockSince = now }
            if role == .server { requestFrameBegan(header.stream_id) }
        case NGHTTP2_CONTINUATION.rawValue:
            if header.flags & endHeaders != 0 { blockSince = nil }
            // nghttp2 does not look at this frame's size (RFC 9113 §4.2).
            if header.length > maximumFrameBytes { refuseConnection(NGHTTP2_FRAME_SIZE_ERROR) }
            spend(.continuationFrames, \.continuationFrames)
        case NGHTTP2_WINDOW_UPDATE.rawValue:
            if windowCredit > 0 { windowCredit -= 1 } else { spend(.windowUpdates, \.windowUpdates) }
        case NGHTTP2_RST_STREAM.rawValue, NGHTTP2_SETTINGS.rawValue, NGHTTP2_PING.rawValue:
            break
        default:
            spend(.otherFrames, \.otherFrames)
        }
        // Nothing behind the frame that ended the session is worth looking at.
        return failure == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }

    /// Tells a new request, trailers, and what is neither apart (RFC 9113 §5.1 and §5.1.1).
    private func requestFrameBegan(_ id: Int32) {
        if id > history.last {
            history.opened(id)
        } else if history.wasEnded(id) {
            refuseConnection(NGHTTP2_STREAM_CLOSED)
        } else if history.wasSkipped(id) {
            refuseConnection(NGHTTP2_PROTOCOL_ERROR)
        } else if stream(id) == nil {
            // Trailers that crossed this side's reset; they cost as much as others and lead to nothing.
            spend(.otherFrames, \.otherFrames)
        }
    }

    /// Gives received bytes to nghttp2, and looks after the frames that it ignores without a word.
    func take(_ bytes: UnsafeRawBufferPointer) {
        var taken = 0
        var offset = 0
        func giveScanned(but rest: Int = 0) {
            if offset - rest > taken { give(UnsafeRawBufferPointer(rebasing: bytes[taken..<offset - rest])) }
            taken = offset
        }
        while failure == nil {
            switch scanner.scan(bytes, &offset) {
            case .data(let stream):
                // nghttp2 ignores data of all closed streams; see StreamHistory.
                if history.wasEnded(stream) || history.wasSkipped(stream) {
                    giveScanned()
                    if error == nil { refuseConnection(NGHTTP2_STREAM_CLOSED) }
                } else if stream <= history.last, self.stream(stream) == nil {
                    giveScanned()
                    spend(.lateDataFrames, \.lateDataFrames)
                }
            case .unknown:
                giveScanned()
                if role == .server { spend(.otherFrames, \.otherFrames) }
            case .gap, .afterReset:
                giveScanned()
            case .header(let high, let last):
                taken = offset
                withUnsafeBytes(of: (high.bigEndian, last)) { give(UnsafeRawBufferPointer(rebasing: $0[..<9])) }
            case .end:
                giveScanned(but: scanner.headerBytes)
                return
            }
        }
    }

    private func give(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        let taken = nghttp2_session_mem_recv(
            handle,
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self),
            bytes.count
        )
        if taken < 0, error == nil { refuse(Int32(taken)) }
    }

    /// Ends the session for an error after which nghttp2 takes no more, and says so to the other side.
    private func refuse(_ nghttp2Error: Int32) {
        switch nghttp2Error {
        case NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue:
            limitHits.append(.continuationFrames)
            fail(.limitExceeded(.continuationFrames))
            actions.append(.terminate(code: NGHTTP2_ENHANCE_YOUR_CALM.rawValue))
        case NGHTTP2_ERR_NOMEM.rawValue:
            fail(.protocolViolation(code: nghttp2Error))
            actions.append(.terminate(code: NGHTTP2_INTERNAL_ERROR.rawValue))
        default:
            fail(.protocolViolation(code: nghttp2Error))
            actions.append(.terminate(code: NGHTTP2_PROTOCOL_ERROR.rawValue))
        }
    }

    /// Ends the session for a violation that nghttp2 lets pass.
    private func refuseConnection(_ code: nghttp2_error_code) {
        fail(.protocolViolation(code: Int32(code.rawValue)))
        actions.append(.terminate(code: code.rawValue))
    }

    func headersBegan(_ header: nghttp2_frame_hd, isRequest: Bool) -> Int32 {
        if isRequest, role == .server {
            let slot = pool.open(id: header.stream_id, now: now)
            _ = nghttp2_session_set_stream_user_data(handle, header.stream_id, slot)
            current = slot
        } else {
            current = stream(header.stream_id)
        }
        return 0
    }

    func headerReceived(stream id: Int32, name: OpaquePointer, value: OpaquePointer) -> Int32 {
        guard let slot = current, slot.pointee.id == id else { return 0 }
        let nameBytes = nghttp2_rcbuf_get_buf(name)
        let valueBytes = nghttp2_rcbuf_get_buf(value)
        slot.pointee.headerBytes += nameBytes.len + valueBytes.len + 32
        slot.pointee.headerCount += 1
        if slot.pointee.headersRefused || slot.pointee.headerBytes > settings.maximumHeaderListBytes
            || slot.pointee.headerCount > settings.maximumHeaderCount
        {
            return headerOverLimit(slot)
        }
        // Trailers count, but nobody asks for them.
        if slot.pointee.headersDone { return 0 }
        guard let first = nameBytes.base?.pointee else { return 0 }
        if first == UInt8(ascii: ":") {
            pseudoHeader(slot, name, value)
            return 0
        }
        if slot.pointee.ignoresFields { return 0 }
        let field = strings.field(name, value)
        // The first letter spares nearly all fields the comparisons.
        if first == UInt8(ascii: "h"), role == .server, field.name == "host", !takeHost(slot, field.value) { return 0 }
        if first == UInt8(ascii: "e"), field.name == "expect", field.value.lowercased() == "100-continue" {
            slot.pointee.expectsContinue = true
        }
        slot.pointee.append(field)
        return 0
    }

    /// Looks at a `host` field (RFC 9113 §8.3.1).
    ///
    /// - Returns: true when it stands for the `:authority` that the request lacks.
    private func takeHost(_ slot: UnsafeMutablePointer<HTTP2Stream>, _ host: String) -> Bool {
        guard slot.pointee.hasAuthority else {
            if !Authority.isValid(host) { refuseMalformed(slot) }
            return true
        }
        if !HeaderRules.isSameHost(host, slot.pointee.headers.first?.value ?? "") { refuseMalformed(slot) }
        return false
    }

    /// Resets a request that contradicts itself (RFC 9113 §8.3.1); it is not handed over.
    private func refuseMalformed(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        slot.pointee.discardsBody = true
        slot.pointee.delivered = true
        actions.append(.reset(stream: slot.pointee.id, code: NGHTTP2_PROTOCOL_ERROR.rawValue))
    }

    /// Lets a moderately long list come to its end, so that it gets a proper answer; a much longer one, as compression
    /// can make from few bytes, loses its stream.
    private func headerOverLimit(_ slot: UnsafeMutablePointer<HTTP2Stream>) -> Int32 {
        if !slot.pointee.headersRefused {
            slot.pointee.headersRefused = true
            slot.pointee.headers = []
            limitHits.append(.headers)
        }
        let isHopeless =
            slot.pointee.headerBytes / 4 > settings.maximumHeaderListBytes
            || slot.pointee.headerCount / 4 > settings.maximumHeaderCount
        return isHopeless ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue : 0
    }

    private func pseudoHeader(
        _ slot: UnsafeMutablePointer<HTTP2Stream>,
        _ name: OpaquePointer,
        _ value: OpaquePointer
    ) {
        let bytes = nghttp2_rcbuf_get_buf(name)
        if role == .client {
            // nghttp2 lets only three digits through.
            let digits = nghttp2_rcbuf_get_buf(value)
            let status = UnsafeBufferPointer(start: digits.base, count: digits.len)
            slot.pointee.status = status.reduce(0) { $0 &* 10 &+ Int($1 &- UInt8(ascii: "0")) }
            return
        }
        let text = strings.value(value, of: name)
        // The second byte and the length tell the pseudo headers apart; nghttp2 lets no unknown one through.
        switch (bytes.len, bytes.base?[1]) {
        case (7, UInt8(ascii: "m")):
            slot.pointee.method = text
        case (5, UInt8(ascii: "p")):
            slot.pointee.target = text
        case (10, UInt8(ascii: "a")):
            slot.pointee.hasAuthority = true
            let authority = nghttp2_rcbuf_get_buf(value)
            if !Authority.isValid(UnsafeBufferPointer(start: authority.base, count: authority.len)) {
                refuseMalformed(slot)
            }
            slot.pointee.append(HTTPField("host", text))
        default:
            break
        }
    }

    func dataReceived(stream id: Int32, _ bytes: UnsafeBufferPointer<UInt8>) -> Int32 {
        guard let slot = stream(id), !slot.pointee.discardsBody else { return 0 }
        if slot.pointee.isReceivedInParts {
            emit(.bodyPart(stream: id, Array(bytes), context: slot.pointee.context))
            return 0
        }
        if slot.pointee.body.count + bytes.count > settings.maximumBodyBytes {
            slot.pointee.discardsBody = true
            releaseBuffered(slot)
            limitHits.append(.body)
            if role == .server {
                deliver(slot, fault: .bodyTooLarge(limit: settings.maximumBodyBytes))
            } else {
                actions.append(.reset(stream: id, code: NGHTTP2_CANCEL.rawValue))
            }
        } else if let limit = bufferLimit(bytes.count) {
            slot.pointee.discardsBody = true
            slot.pointee.delivered = role == .server
            slot.pointee.body = []
            releaseBuffered(slot)
            limitHits.append(limit)
            // Nothing of a request was looked at, so the client may try again (RFC 9113 §8.7).
            let code = role == .server ? NGHTTP2_REFUSED_STREAM : NGHTTP2_CANCEL
            actions.append(.reset(stream: id, code: code.rawValue))
        } else {
            slot.pointee.body.append(contentsOf: bytes)
            slot.pointee.bufferedBytes += bytes.count
            heldBytes += bytes.count
        }
        return 0
    }

    /// Takes room for more of a body.
    ///
    /// - Returns: nil, or the limit that leaves no room.
    private func bufferLimit(_ count: Int) -> HTTP2Limit? {
        if heldBytes + count > settings.maximumBufferedBytes { return .bufferedBytes }
        return share?.add(count) ?? true ? nil : .sharedBytes
    }

    func frameReceived(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue:
            if header.length > 0, header.length == frame.pointee.data.padlen, header.flags & endStream == 0 {
                spend(.emptyFrames, \.emptyFrames)
            }
            if header.flags & endStream != 0, let slot = stream(header.stream_id) { finish(slot) }
        case NGHTTP2_HEADERS.rawValue:
            headersReceived(header)
        case NGHTTP2_RST_STREAM.rawValue:
            if role == .server {
                spend(.resetsReceived, \.resetsReceived)
                if let slot = stream(header.stream_id) { slot.pointee.remoteEnded = true }
            }
        case NGHTTP2_PING.rawValue:
            if header.flags & acknowledgement == 0 { spend(.pings, \.pings) }
        case NGHTTP2_SETTINGS.rawValue:
            if header.flags & acknowledgement == 0 {
                spend(.settingsFrames, \.settingsFrames)
                hasPeerSettings = true
            } else {
                settingsTaken()
            }
        case NGHTTP2_GOAWAY.rawValue:
            let goAway = frame.pointee.goaway
            emit(.goingAway(lastStream: goAway.last_stream_id, code: goAway.error_code))
        default:
            break
        }
        return failure == nil ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE.rawValue
    }

    private func headersReceived(_ header: nghttp2_frame_hd) {
        guard let slot = current, slot.pointee.id == header.stream_id else { return }
        current = nil
        let isLast = header.flags & endStream != 0
        if !slot.pointee.headersDone {
            if role == .client, slot.pointee.status < 200, !isLast {
                // An interim response; the real one follows.
                slot.pointee.headers = []
                slot.pointee.status = 0
                return
            }
            slot.pointee.headersDone = true
            if slot.pointee.headersRefused {
                refuseHeaders(slot)
            } else if !slot.pointee.delivered {
                if slot.pointee.expectsContinue, !isLast {
                    actions.append(.continueRequest(stream: header.stream_id))
                }
                if isTakenInParts(slot) { deliverHead(slot) }
            }
        } else if slot.pointee.headersRefused, !slot.pointee.delivered {
            refuseHeaders(slot)
        }
        if isLast { finish(slot) }
    }

    private func refuseHeaders(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        slot.pointee.discardsBody = true
        slot.pointee.delivered = role == .server
        slot.pointee.body = []
        releaseBuffered(slot)
        let id = slot.pointee.id
        actions.append(
            role == .server ? .refuseHeaders(stream: id) : .reset(stream: id, code: NGHTTP2_CANCEL.rawValue)
        )
    }

    private func finish(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        slot.pointee.remoteEnded = true
        if slot.pointee.isReceivedInParts, slot.pointee.delivered {
            emit(.bodyEnd(stream: slot.pointee.id, context: slot.pointee.context))
        } else if !slot.pointee.delivered, !isOverLimit(slot) {
            deliver(slot, fault: nil)
        }
    }

    /// Whether this is a response that is over a limit, whose stream is being reset.
    private func isOverLimit(_ slot: UnsafeMutablePointer<HTTP2Stream>) -> Bool {
        role == .client && slot.pointee.discardsBody
    }

    private func deliver(_ slot: UnsafeMutablePointer<HTTP2Stream>, fault: HTTPRequestFault?) {
        if role == .server, unsentBodyBytes > settings.maximumUnsentBytes {
            // Nothing of the request was looked at, so the client may try again (RFC 9113 §8.7).
            slot.pointee.discardsBody = true
            slot.pointee.delivered = true
            limitHits.append(.unsentBytes)
            actions.append(.reset(stream: slot.pointee.id, code: NGHTTP2_REFUSED_STREAM.rawValue))
            return
        }
        slot.pointee.delivered = true
        var headers: [HTTPField] = []
        var body: [UInt8] = []
        swap(&headers, &slot.pointee.headers)
        swap(&body, &slot.pointee.body)
        guard role == .server else {
            releaseBuffered(slot)
            emit(
                .response(
                    stream: slot.pointee.id,
                    HTTPResponse(status: slot.pointee.status, headers: headers, body: body),
                    context: slot.pointee.context
                )
            )
            return
        }
        let request = HTTPRequest(
            method: slot.pointee.method,
            target: slot.pointee.target,
            headers: headers,
            body: fault == nil ? body : [],
            connection: connection,
            fault: fault
        )
        emit(.request(stream: slot.pointee.id, request))
    }

    private func isTakenInParts(_ slot: UnsafeMutablePointer<HTTP2Stream>) -> Bool {
        guard role == .server else { return slot.pointee.isReceivedInParts }
        guard let partsRule else { return false }
        return partsRule(slot.pointee.method, slot.pointee.target)
    }

    /// Hands a message over at its header.
    private func deliverHead(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        slot.pointee.isReceivedInParts = true
        slot.pointee.delivered = true
        var headers: [HTTPField] = []
        swap(&headers, &slot.pointee.headers)
        let id = slot.pointee.id
        guard role == .server else {
            let response = HTTPResponse(status: slot.pointee.status, headers: headers)
            emit(.responseHead(stream: id, response, context: slot.pointee.context))
            return
        }
        let request = HTTPRequest(
            method: slot.pointee.method,
            target: slot.pointee.target,
            headers: headers,
            body: [],
            connection: connection
        )
        emit(.requestHead(stream: id, request))
    }

    func frameSent(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        let header = frame.pointee.hd
        switch UInt32(header.type) {
        case NGHTTP2_RST_STREAM.rawValue:
            resetSent(frame.pointee.rst_stream.error_code)
        case NGHTTP2_GOAWAY.rawValue:
            let code = frame.pointee.goaway.error_code
            // nghttp2 found a violation by itself.
            if code != NGHTTP2_NO_ERROR.rawValue, code != NGHTTP2_ENHANCE_YOUR_CALM.rawValue {
                fail(.protocolViolation(code: Int32(bitPattern: code)))
            }
        case NGHTTP2_DATA.rawValue, NGHTTP2_HEADERS.rawValue:
            earnWindowCredit(header)
            if hasLatePauses { requestSent(header.stream_id) }
            guard role == .server, header.flags & endStream != 0, let slot = stream(header.stream_id) else { break }
            // The answer is out before the request is all in: the rest is not wanted (RFC 9113 §8.1).
            if !slot.pointee.remoteEnded {
                actions.append(.reset(stream: header.stream_id, code: NGHTTP2_NO_ERROR.rawValue))
            }
        default:
            break
        }
        return 0
    }

    /// Counts a stream that this side resets for the other's doing.
    private func resetSent(_ code: UInt32) {
        switch code {
        case NGHTTP2_NO_ERROR.rawValue:
            return
        case NGHTTP2_PROTOCOL_ERROR.rawValue, NGHTTP2_FLOW_CONTROL_ERROR.rawValue, NGHTTP2_STREAM_CLOSED.rawValue,
            NGHTTP2_FRAME_SIZE_ERROR.rawValue:
            protocolErrors += 1
        default:
            break
        }
        if role == .server { spend(.resetsSent, \.resetsSent) }
    }

    /// What is sent explains as many WINDOW_UPDATE frames: some for each message, and one for each kilobyte. A client that
    /// opens its window by single bytes earns nothing by the frames of one byte that this makes.
    private func earnWindowCredit(_ header: nghttp2_frame_hd) {
        let isData = UInt32(header.type) == NGHTTP2_DATA.rawValue
        windowCredit = min(windowCredit + (isData ? header.length >> 10 : 4), 8192)
        if isData { dataBytes += UInt64(header.length) }
    }

    func frameNotSent(_ frame: UnsafePointer<nghttp2_frame>) -> Int32 {
        guard role == .client, UInt32(frame.pointee.hd.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
        // A request that never left has no stream in nghttp2 to be closed.
        let id = frame.pointee.hd.stream_id
        forgetLatePause(id)
        if let slot = pool.all.first(where: { $0.pointee.id == id }), stream(id) == nil {
            close(slot, code: NGHTTP2_REFUSED_STREAM.rawValue)
        }
        return 0
    }

    func streamClosed(_ id: Int32, code: UInt32) -> Int32 {
        if let slot = stream(id) { close(slot, code: code) }
        return 0
    }

    private func close(_ slot: UnsafeMutablePointer<HTTP2Stream>, code: UInt32) {
        let isOpenExchange =
            role == .server ? slot.pointee.context != nil && !slot.pointee.answered : !slot.pointee.delivered
        if isOpenExchange || slot.pointee.isReceivedInParts || slot.pointee.isSentInParts {
            // The whole response may have come in the read that went over the limit.
            let code = isOverLimit(slot) ? NGHTTP2_CANCEL.rawValue : code
            emit(.closed(stream: slot.pointee.id, code: code, context: slot.pointee.context))
        }
        if slot.pointee.remoteEnded, role == .server { history.closedAfterEnd(slot.pointee.id) }
        releaseBuffered(slot)
        unsentBytes -= slot.pointee.outgoing.count - slot.pointee.outgoingOffset
        if current == slot { current = nil }
        // The slot's next stream may be a request that nghttp2 does not know yet.
        if recent == slot { recent = nil }
        pool.close(slot)
    }
}
