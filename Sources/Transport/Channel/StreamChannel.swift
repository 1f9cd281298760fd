import SansIO

/// A channel of messages over one stream, for both ends.
///
/// Each message goes with its length in front. Ending one's body says that no message follows; the other end then ends
/// its own, and the channel has closed. A stream that is reset, or that ends inside a message, closes it with an error.
final class StreamChannel: PeerChannel {
    let identity: CertificateIdentity
    private let limits: PeerChannelLimits
    private let stream: any HTTPBodyStream
    private let later: (@escaping () -> Void) -> Void
    private var reader: MessageReader
    /// Messages that nobody asked for yet, oldest first.
    private var early: [[UInt8]] = []
    private var earlyBytes = 0
    private var isClosing = false
    private var isClosed = false
    /// Set when this side found a reason to close.
    private var failure: PeerLinkError?
    private var closeAction: ((PeerLinkError?) -> Void)?

    init(
        stream: any HTTPBodyStream,
        identity: CertificateIdentity,
        limits: PeerChannelLimits,
        later: @escaping (@escaping () -> Void) -> Void
    ) {
        self.stream = stream
        self.identity = identity
        self.limits = limits
        self.later = later
        reader = MessageReader(limit: limits.maximumMessageBytes)
        // The stream lets go of these when it closes; until then the channel lives, whether or not anybody holds it.
        stream.onPart = { [self] in received($0) }
        stream.onEnd = { [self] in receivedEnd() }
        stream.onDrained = { [self] in onDrained?() }
        stream.onLeaving = { [self] in close() }
        stream.onClose = { [self] in closed($0) }
    }

    var onMessage: (([UInt8]) -> Void)? {
        didSet { handOverEarly() }
    }

    var onClose: ((PeerLinkError?) -> Void)? {
        get { closeAction }
        set {
            guard isClosed else {
                closeAction = newValue
                return
            }
            let failure = failure
            later { newValue?(failure) }
        }
    }

    var onDrained: (() -> Void)?

    var unsentBytes: Int { stream.unsentBytes }

    func send(_ message: [UInt8]) {
        guard !isClosing, !isClosed else { return }
        if message.count > limits.maximumMessageBytes {
            let text = "a message of \(message.count) bytes is longer than \(limits.maximumMessageBytes)"
            fail(PeerLinkError(.overloaded, text))
        } else if stream.unsentBytes + message.count > limits.maximumUnsentBytes {
            fail(PeerLinkError(.overloaded, "\(stream.unsentBytes) bytes wait to be sent already"))
        } else {
            stream.send(MessageReader.frame(message))
        }
    }

    func close() {
        guard !isClosing, !isClosed else { return }
        isClosing = true
        stream.end()
    }

    private func received(_ bytes: [UInt8]) {
        guard !isClosing else { return }
        reader.append(bytes)
        do {
            while !isClosing, !isClosed, let message = try reader.next() { handOver(message) }
        } catch {
            let text = "a message of \(error.length) bytes is longer than \(limits.maximumMessageBytes)"
            fail(PeerLinkError(.broken, text))
        }
    }

    private func handOver(_ message: [UInt8]) {
        if let onMessage, early.isEmpty {
            onMessage(message)
            return
        }
        early.append(message)
        earlyBytes += message.count
        if earlyBytes > limits.maximumEarlyBytes { stream.isPaused = true }
    }

    /// On a later turn, as the callback must not run inside its own setting.
    private func handOverEarly() {
        guard onMessage != nil, !early.isEmpty else { return }
        later { [self] in
            let messages = early
            early = []
            earlyBytes = 0
            for message in messages { onMessage?(message) }
            if !isClosed { stream.isPaused = false }
        }
    }

    private func receivedEnd() {
        if reader.isInsideMessage, !isClosing {
            fail(PeerLinkError(.broken, "the other side stopped inside a message"))
        } else {
            close()
        }
    }

    /// Ends the channel at once.
    private func fail(_ error: PeerLinkError) {
        guard failure == nil else { return }
        failure = error
        isClosing = true
        stream.reset(code: 0xb)
    }

    private func closed(_ end: HTTPStreamEnd) {
        isClosed = true
        if failure == nil {
            switch end {
            case .complete: break
            case .reset(let code):
                failure = PeerLinkError(.broken, "the channel was reset with code \(code)", mayHaveArrived: true)
            case .timedOut:
                failure = PeerLinkError(
                    .timedOut,
                    "the other side did not close the channel in time",
                    mayHaveArrived: true
                )
            case .connectionLost:
                failure = PeerLinkError(.broken, "the connection of the channel was lost", mayHaveArrived: true)
            }
        }
        let action = closeAction
        closeAction = nil
        onDrained = nil
        action?(failure)
    }
}

/// The limits of a channel of messages.
public struct PeerChannelLimits: Sendable, Hashable {
    /// Bytes of one message, in either direction. A longer one closes the channel.
    public var maximumMessageBytes: Int = 4 << 20
    /// Bytes that may wait to be sent. A message beyond that closes the channel as `overloaded`.
    public var maximumUnsentBytes: Int = 16 << 20
    /// Bytes of messages that may come before anybody listens; then the other side has to wait.
    public var maximumEarlyBytes: Int = 256 << 10

    /// The defaults.
    public init() {}
}
