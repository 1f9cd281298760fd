import SansIO

/// One end of a channel of messages.
final class SimulatedChannel: PeerChannel {
    weak var other: SimulatedChannel?
    private let connection: SimulatedConnection
    private let use: Int
    private let isClient: Bool
    private var early: [[UInt8]] = []
    /// What came while the process took nothing: a stream loses no bytes as long as it is open.
    private var unread: [[UInt8]] = []
    private var closing: PeerLinkError??
    private var waitingBytes = 0
    /// Bytes that no message on its way to the other end holds.
    private var heldBytes = 0

    init(_ connection: SimulatedConnection, _ use: Int, isClient: Bool) {
        self.connection = connection
        self.use = use
        self.isClient = isClient
    }

    private var machine: Machine { isClient ? connection.client : connection.server }

    var identity: CertificateIdentity {
        isClient ? connection.certificates.server.identity : connection.certificates.client.identity
    }

    var onMessage: (([UInt8]) -> Void)? {
        didSet {
            guard onMessage != nil, oldValue == nil, !early.isEmpty else { return }
            machine.later(1) { [self] in flush() }
        }
    }

    var onClose: ((PeerLinkError?) -> Void)? {
        didSet {
            guard let closing, let onClose else { return }
            machine.later(1) { onClose(closing) }
        }
    }

    var onDrained: (() -> Void)?

    /// Bytes count as unsent until they have arrived, as if the window were small; after the end, those that never left.
    var unsentBytes: Int { closing == nil ? waitingBytes : heldBytes }

    func send(_ message: [UInt8]) {
        guard closing == nil, connection.isOpen, let other else { return }
        waitingBytes += message.count
        heldBytes += message.count
        let onLeave: () -> Void = { [weak self] in self?.heldBytes -= message.count }
        connection.send(toServer: isClient, onLeave: onLeave) { [weak self] in
            other.received(message)
            self?.arrived(message.count)
        }
    }

    func close() {
        guard closing == nil else { return }
        closing = .some(nil)
        connection.released(use, isClient: isClient)
        if let other { connection.send(toServer: isClient) { other.ended(nil) } }
        if let onClose { machine.later(1) { onClose(nil) } }
    }

    /// The channel is over for this end, by the other's will or because the connection broke.
    func ended(_ error: PeerLinkError?) {
        guard closing == nil else { return }
        closing = .some(error)
        connection.released(use, isClient: isClient)
        onClose?(error)
    }

    private func received(_ message: [UInt8]) {
        guard closing == nil else { return }
        guard !machine.isMute, unread.isEmpty else {
            if unread.isEmpty { machine.onceItAnswers { [weak self] in self?.readOn() } }
            return unread.append(message)
        }
        if let onMessage, early.isEmpty { onMessage(message) } else { early.append(message) }
    }

    private func readOn() {
        let messages = unread
        unread = []
        for message in messages { received(message) }
    }

    private func flush() {
        let messages = early
        early = []
        for message in messages { onMessage?(message) }
    }

    private func arrived(_ count: Int) {
        machine.later(1) { [self] in
            waitingBytes -= count
            if waitingBytes == 0 { onDrained?() }
        }
    }
}

/// The answer to one request, on the server's side.
final class SimulatedReply: HTTPReply {
    private var respond: ((HTTPResponse) -> Void)?
    private var isCancelled = false

    init(_ respond: @escaping (HTTPResponse) -> Void) {
        self.respond = respond
    }

    var isOver: Bool { respond == nil }

    var onCancel: (() -> Void)? {
        didSet {
            guard isCancelled, let onCancel else { return }
            self.onCancel = nil
            onCancel()
        }
    }

    func send(_ response: HTTPResponse) {
        guard let respond else { return }
        self.respond = nil
        onCancel = nil
        respond(response)
    }

    func cancel() {
        guard respond != nil else { return }
        respond = nil
        isCancelled = true
        let action = onCancel
        onCancel = nil
        action?()
    }
}
