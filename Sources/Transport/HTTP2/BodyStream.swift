import SansIO

/// What carries streams: a connection of either role.
protocol StreamCarrier: AnyObject {
    /// The session, while there is one.
    var session: HTTP2Session? { get }

    /// The value of a response's `date` field; empty for none.
    var responseDate: [UInt8] { get }

    /// Sends soon.
    func scheduleDrain()
}

/// One stream whose bodies go in parts, for both roles; attached to it as its context.
final class BodyStream: HTTPServerStream, HTTPClientStream {
    var onPart: (([UInt8]) -> Void)?
    var onEnd: (() -> Void)?
    var onClose: ((HTTPStreamEnd) -> Void)?
    var onDrained: (() -> Void)?
    var onLeaving: (() -> Void)?
    var onResponse: ((HTTPResponse) -> Void)?
    let identity: CertificateIdentity
    let id: Int32
    private let role: HTTP2Session.Role
    /// Runs when this side has ended its body.
    var onOwnEnd: (() -> Void)?
    /// Runs when ``isPaused`` has changed.
    var onPauseChanged: (() -> Void)?
    /// Nil once the stream is over.
    private var carrier: (any StreamCarrier)?
    private var hasReceivedAll = false
    private var hasEnded = false

    init(
        carrier: any StreamCarrier,
        id: Int32,
        role: HTTP2Session.Role,
        identity: CertificateIdentity = CertificateIdentity(uris: [], dnsNames: [])
    ) {
        self.carrier = carrier
        self.id = id
        self.role = role
        self.identity = identity
    }

    var unsentBytes: Int { carrier?.session?.unsentBytes(on: id) ?? unsentAtEnd }
    private var unsentAtEnd = 0

    var isPaused = false {
        didSet {
            guard isPaused != oldValue else { return }
            carrier?.session?.setPaused(isPaused, on: id)
            carrier?.scheduleDrain()
            onPauseChanged?()
        }
    }

    func send(_ part: [UInt8]) {
        guard let carrier, carrier.session?.send(part, on: id) == true else { return }
        carrier.scheduleDrain()
    }

    func end() {
        hasEnded = true
        carrier?.session?.endBody(on: id)
        carrier?.scheduleDrain()
        onOwnEnd?()
    }

    func reset(code: UInt32) {
        carrier?.session?.reset(stream: id, code: code)
        carrier?.scheduleDrain()
    }

    func respond(_ response: HTTPResponse) {
        guard let carrier else { return }
        carrier.session?.respond(to: id, with: response, date: carrier.responseDate)
        carrier.scheduleDrain()
    }

    func begin(_ response: HTTPResponse) {
        guard let carrier else { return }
        _ = carrier.session?.beginResponse(to: id, with: response, date: carrier.responseDate)
        carrier.scheduleDrain()
    }

    // What the connection says

    func receivedHead(_ response: HTTPResponse) {
        let action = onResponse
        onResponse = nil
        action?(response)
    }

    func received(_ part: [UInt8]) { onPart?(part) }

    func receivedEnd() {
        hasReceivedAll = true
        let action = onEnd
        onEnd = nil
        action?()
    }

    func drained() { onDrained?() }

    func connectionLeaves() {
        let action = onLeaving
        onLeaving = nil
        action?()
    }

    func closed(code: UInt32) {
        // A server that has ended its body wants no more, and says so with NO_ERROR (RFC 9113 §8.1). A client's stream
        // that ends so before the answer does has lost the rest of it.
        let isComplete = hasReceivedAll || (role == .server && hasEnded)
        closed(code == 0 && isComplete ? .complete : .reset(code: code))
    }

    func closed(_ end: HTTPStreamEnd) {
        guard carrier != nil else { return }
        // A stream that was reset is gone already, and with it what it had not sent.
        unsentAtEnd = unsentBytes
        carrier = nil
        let action = onClose
        // Whoever hears of parts usually holds this stream too.
        onPart = nil
        onEnd = nil
        onClose = nil
        onDrained = nil
        onLeaving = nil
        onOwnEnd = nil
        onPauseChanged = nil
        onResponse = nil
        action?(end)
    }
}
