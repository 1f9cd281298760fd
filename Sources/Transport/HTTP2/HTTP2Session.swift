import CNghttp2
import SansIO

/// One HTTP/2 connection without a socket: bytes in, events out; responses or requests in, bytes out.
///
/// Use: give received bytes to ``receive(_:now:)``, take every ``nextEvent()``, answer with ``respond(to:with:date:)``,
/// then send what ``fill(into:)`` gives until it gives nothing. When ``isFinished`` is true, close the connection.
///
/// Not `Sendable`: it belongs to one event loop. Nothing here may be called from inside another call of the same session;
/// events are values that are taken afterwards, so no code above the session runs inside nghttp2.
public final class HTTP2Session {
    /// Which end of the connection the session is.
    public enum Role: Sendable, Hashable {
        /// Answers requests.
        case server
        /// Makes requests.
        case client
    }

    /// What must wait until nghttp2 has returned, as its functions must not be called from its own callbacks.
    enum Action {
        case reset(stream: Int32, code: UInt32)
        case refuseHeaders(stream: Int32)
        case continueRequest(stream: Int32)
        case applyPause(stream: Int32)
        case terminate(code: UInt32)
    }

    /// Which end of the connection the session is.
    public let role: Role
    /// The limits.
    public let settings: HTTP2Settings
    /// What requests say of their connection.
    public let connection: HTTPConnectionInfo
    /// Why the session cannot go on, once it cannot.
    public var error: HTTP2SessionError? { failure }
    /// True once the other side's first SETTINGS frame has come, which in TLS 1.3 also says that a server has taken this
    /// side's certificate.
    public internal(set) var hasPeerSettings = false
    /// Body bytes of this side's messages that are not yet in a frame.
    public var unsentBodyBytes: Int { unsentBytes }
    /// Payload bytes of all DATA frames that were sent.
    public var sentDataBytes: UInt64 { dataBytes }
    /// When the header block began whose end is still to come, in monotonic nanoseconds; nil outside a block. Nothing
    /// else can be received before that end.
    public var headerBlockSince: UInt64? { blockSince }
    /// Body bytes held for messages that are not answered yet.
    public var bufferedBytes: Int { heldBytes }

    /// Says by method and target whose bodies a server hands over as they come, with
    /// ``HTTP2Event/requestHead(stream:_:)`` first. Runs inside ``receive(_:now:)`` and must only look at its arguments.
    public var takesInParts: ((_ method: String, _ target: String) -> Bool)? {
        get { partsRule }
        set { partsRule = newValue }
    }

    /// The session's part of what it shares with others; nil when it shares with none.
    var share: HeldBytes?
    /// The largest frame payload that this side takes: SETTINGS_MAX_FRAME_SIZE as nghttp2 leaves it.
    let maximumFrameBytes = 16_384
    // Not public: what other modules cannot see needs no check against overlapping access at run time, which on the way
    // of every request is dear.
    var failure: HTTP2SessionError?
    var unsentBytes = 0
    var dataBytes: UInt64 = 0
    var heldBytes = 0
    var blockSince: UInt64?
    var partsRule: ((_ method: String, _ target: String) -> Bool)?
    /// What nghttp2 uses; ends after everything that holds any of it.
    let memory: SessionMemory
    let handle: OpaquePointer
    let pool = HTTP2StreamPool()
    let strings: HeaderStringCache
    let block = HeaderBlock()
    var budgets: HTTP2Budgets
    /// The stream whose header block is being received.
    var current: UnsafeMutablePointer<HTTP2Stream>?
    /// The stream that was looked up last, while it is open.
    var recent: UnsafeMutablePointer<HTTP2Stream>?
    let history = StreamHistory()
    /// Begins behind the connection preface (RFC 9113 §3.4).
    var scanner: FrameScanner
    /// WINDOW_UPDATE frames that what was sent explains.
    var windowCredit = 0
    /// Violations of the other side since ``takeProtocolErrors()``.
    var protocolErrors = 0
    /// Monotonic nanoseconds of the last ``receive(_:now:)``.
    var now: UInt64 = 0
    var actions: [Action] = []
    /// Streams that were paused before their request left.
    var latePauses: [Int32] = [] {
        didSet { hasLatePauses = !latePauses.isEmpty }
    }
    /// The same in short, for the way of every frame.
    private(set) var hasLatePauses = false
    var limitHits: [HTTP2Limit] = []
    private let events = EventQueue()
    /// Where ``fill(into:)`` writes while it runs, and how much it has written.
    private var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var outputCount = 0
    private var carry: [UInt8] = []
    private var carryOffset = 0

    /// Creates a session, whose first ``fill(into:)`` gives its connection preface.
    ///
    /// - Parameters:
    ///   - role: which end of the connection.
    ///   - settings: the limits; ``HTTP2Settings/problems()`` must be empty.
    ///   - connection: what requests say of their connection.
    /// - Throws: ``HTTP2SessionError`` when out of memory.
    public init(role: Role, settings: HTTP2Settings, connection: HTTPConnectionInfo) throws(HTTP2SessionError) {
        precondition(settings.problems().isEmpty, "the settings must be valid")
        self.role = role
        self.settings = settings
        self.connection = connection
        budgets = HTTP2Budgets(settings)
        scanner = FrameScanner(prefaceBytes: role == .server ? 24 : 0)
        let memory = SessionMemory()
        self.memory = memory
        strings = HeaderStringCache(memory)
        guard let handle = makeHandle(role, memory) else {
            throw .protocolViolation(code: NGHTTP2_ERR_NOMEM.rawValue)
        }
        self.handle = handle
        // Every later callback gets this pointer back. It is unretained: the callbacks run only inside calls that this
        // object makes, and `deinit` deletes the handle.
        setUserData(handle, Unmanaged.passUnretained(self).toOpaque())
        submitSettings()
        if role == .client, settings.firstStream > 1 {
            _ = nghttp2_session_set_next_stream_id(handle, settings.firstStream)
        }
    }

    deinit {
        nghttp2_session_del(handle)
    }

    private func submitSettings() {
        var entries = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(settings.streamWindowBytes)
            ),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(clamping: settings.maximumHeaderListBytes)
            ),
        ]
        if role == .server {
            entries.append(
                nghttp2_settings_entry(
                    settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue),
                    value: settings.maximumConcurrentStreams
                )
            )
        } else {
            entries.append(
                nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0)
            )
        }
        _ = nghttp2_submit_settings(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
        let window = settings.connectionWindowBytes
        _ = nghttp2_session_set_local_window_size(handle, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, window)
    }

    /// Takes bytes from the other side.
    ///
    /// - Parameters:
    ///   - bytes: any part of the stream, however it was split.
    ///   - now: monotonic nanoseconds, for the budgets.
    /// - Returns: nil, or why the connection must end once ``fill(into:)`` gives nothing more.
    public func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) -> HTTP2SessionError? {
        self.now = now
        if let error { return error }
        guard bytes.count > 0 else { return nil }
        take(bytes)
        runActions()
        return error
    }

    /// The next event, or nil when there is none. Take them all after each ``receive(_:now:)`` and ``fill(into:)``.
    public func nextEvent() -> HTTP2Event? { events.next() }

    /// Writes bytes for the other side.
    ///
    /// - Parameter target: where to; must not be empty.
    /// - Returns: how many bytes were written; fewer than fit when there is nothing more to send now.
    public func fill(into target: UnsafeMutableRawBufferPointer) -> Int {
        output = target
        outputCount = takeCarry(into: target)
        defer { output = UnsafeMutableRawBufferPointer(start: nil, count: 0) }
        while outputCount < target.count {
            var data: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(handle, &data)
            guard count > 0, let data else {
                if count < 0 { fail(.protocolViolation(code: Int32(count))) }
                if count == 0, runActions() { continue }
                break
            }
            put(UnsafeRawBufferPointer(start: data, count: count))
        }
        return outputCount
    }

    /// Writes to the output; what does not fit is copied, as its memory is nghttp2's or the stream's.
    private func put(_ bytes: UnsafeRawBufferPointer) {
        let fitting = min(bytes.count, output.count - outputCount)
        if fitting > 0, let target = output.baseAddress, let source = bytes.baseAddress {
            (target + outputCount).copyMemory(from: source, byteCount: fitting)
        }
        outputCount += fitting
        if fitting < bytes.count { carry.append(contentsOf: bytes[fitting...]) }
    }

    /// Runs inside nghttp2: writes a DATA frame's header and the last `count` bytes that were taken of a stream's body.
    func sendData(_ slot: UnsafeMutablePointer<HTTP2Stream>, _ header: UnsafeRawBufferPointer, _ count: Int) -> Int32 {
        // nghttp2 asks again.
        guard outputCount < output.count else { return NGHTTP2_ERR_WOULDBLOCK.rawValue }
        put(header)
        let end = slot.pointee.outgoingOffset
        slot.pointee.outgoing.withUnsafeBytes { put(UnsafeRawBufferPointer(rebasing: $0[end - count..<end])) }
        if end == slot.pointee.outgoing.count {
            // The next body can have the memory, which is still in the cache.
            slot.pointee.outgoing = []
            slot.pointee.outgoingOffset = 0
        }
        return 0
    }

    private func takeCarry(into target: UnsafeMutableRawBufferPointer) -> Int {
        guard carryOffset < carry.count else { return 0 }
        let count = min(carry.count - carryOffset, target.count)
        carry.withUnsafeBytes { bytes in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[carryOffset..<carryOffset + count]))
        }
        carryOffset += count
        if carryOffset == carry.count {
            carry.removeAll(keepingCapacity: true)
            carryOffset = 0
        }
        return count
    }

    /// True when ``fill(into:)`` would give bytes, flow control permitting.
    public var wantsToSend: Bool {
        carryOffset < carry.count || !actions.isEmpty || nghttp2_session_want_write(handle) != 0
    }

    /// True when both sides are done and everything is sent: close the connection.
    public var isFinished: Bool {
        !wantsToSend && (error != nil || nghttp2_session_want_read(handle) == 0)
    }

    /// Frees memory that was kept for further streams; for a session that is idle.
    func releaseSpareMemory() { memory.trim() }

    /// How many streams are open.
    public var openStreams: Int { pool.openCount }

    /// Body bytes that the other side takes at once on all streams together; not more than zero when its window is used up.
    var sendWindow: Int { Int(nghttp2_session_get_remote_window_size(handle)) }

    /// Streams that the other side lets this side have open at once; more requests wait inside the session.
    public var peerConcurrentStreams: Int {
        Int(nghttp2_session_get_remote_settings(handle, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS))
    }

    /// The limits that were hit since the last call, in order.
    public func takeLimitHits() -> [HTTP2Limit] {
        if limitHits.isEmpty { return [] }
        defer { limitHits = [] }
        return limitHits
    }

    /// How many streams and connections were ended for the other side's violations since the last call.
    public func takeProtocolErrors() -> Int {
        defer { protocolErrors = 0 }
        return protocolErrors
    }

    func emit(_ event: consuming HTTP2Event) {
        events.append(event)
    }

    func fail(_ error: HTTP2SessionError) {
        guard failure == nil else { return }
        failure = error
        if case .protocolViolation = error { protocolErrors += 1 }
    }

    /// Spends from a budget; at its end the session ends with ENHANCE_YOUR_CALM (RFC 9113 §10.5).
    func spend(_ limit: HTTP2Limit, _ budget: WritableKeyPath<HTTP2Budgets, RateBudget>) {
        if budgets[keyPath: budget].spend(now: now) || error != nil { return }
        limitHits.append(limit)
        fail(.limitExceeded(limit))
        actions.append(.terminate(code: NGHTTP2_ENHANCE_YOUR_CALM.rawValue))
    }

    /// Does what callbacks put off.
    ///
    /// - Returns: true when there was something to do.
    @discardableResult
    func runActions() -> Bool {
        if actions.isEmpty { return false }
        let due = actions
        actions.removeAll(keepingCapacity: true)
        for action in due {
            switch action {
            case .reset(let stream, let code):
                reset(stream: stream, code: code)
            case .terminate(let code):
                _ = nghttp2_session_terminate_session(handle, code)
            case .refuseHeaders(let stream):
                _ = respond(to: stream, with: HTTPResponse(status: 431), date: EmptyCollection())
            case .continueRequest(let stream):
                sendContinue(stream)
            case .applyPause(let stream):
                applyPause(stream)
            }
        }
        return true
    }
}

/// The refilling budgets of ``HTTP2Settings``.
struct HTTP2Budgets {
    var resetsReceived: RateBudget
    var resetsSent: RateBudget
    var pings: RateBudget
    var settingsFrames: RateBudget
    var emptyFrames: RateBudget
    var continuationFrames: RateBudget
    var windowUpdates: RateBudget
    var otherFrames: RateBudget
    var lateDataFrames: RateBudget

    init(_ settings: HTTP2Settings) {
        let window = settings.budgetWindow
        resetsReceived = RateBudget(capacity: settings.resetsReceived, window: window)
        resetsSent = RateBudget(capacity: settings.resetsSent, window: window)
        pings = RateBudget(capacity: settings.pings, window: window)
        settingsFrames = RateBudget(capacity: settings.settingsFrames, window: window)
        emptyFrames = RateBudget(capacity: settings.emptyFrames, window: window)
        continuationFrames = RateBudget(capacity: settings.continuationFrames, window: window)
        windowUpdates = RateBudget(capacity: settings.windowUpdates, window: window)
        otherFrames = RateBudget(capacity: settings.otherFrames, window: window)
        lateDataFrames = RateBudget(capacity: settings.lateDataFrames, window: window)
    }
}
