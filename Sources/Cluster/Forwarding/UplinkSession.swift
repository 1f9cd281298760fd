import EventModel
import PeerProtocol
import SansIO

/// One open uplink: a channel on which both sides ask and answer by number.
///
/// Each side sends a ping when it has heard nothing for a while, and closes the channel when nothing comes back: a
/// connection whose other end is gone does not tell.
public final class UplinkSession {
    /// How sessions work.
    public struct Settings: Sendable {
        /// Silence after which a ping is sent. Default 15 s.
        public var pingAfter = Duration.seconds(15)
        /// Silence after which the channel is closed. Default 45 s.
        public var closeAfter = Duration.seconds(45)
        /// Bytes that may wait to be sent before questions are refused. Default 8 MB.
        public var unsentBytes = 8 << 20
        /// Questions of the other side that may be under way; more are refused. Default 1,024.
        public var questions = 1_024
        /// How long the other side may take to say what it hosts. Default 10 s.
        public var greetingTimeout = Duration.seconds(10)
        /// What is taken of messages.
        public var limits = FrameLimits()

        /// The defaults.
        public init() {}
    }

    /// The node at the other end.
    public let peer: NodeIdentity
    /// What its certificate says.
    public var identity: CertificateIdentity { channel.identity }
    /// Hears of what the other side hosts.
    var onGreeting: ((UplinkGreeting) -> Void)?
    /// Runs once when the session has ended.
    var onEnd: ((PeerLinkError?) -> Void)?

    private let channel: any PeerChannel
    private let clock: any ClockPort
    private let settings: Settings
    private weak var handler: (any PeerFrameHandler)?
    private var questions: [UInt64: (completion: (Result<PeerReply, PeerLinkError>) -> Void, timer: TimerToken)] = [:]
    private var lastNumber: UInt64 = 0
    private var heardAt: Timestamp
    private var answering = 0
    private(set) var isOpen = true

    init(
        _ channel: any PeerChannel,
        peer: NodeIdentity,
        clock: any ClockPort,
        settings: Settings,
        handler: (any PeerFrameHandler)?
    ) {
        self.channel = channel
        self.peer = peer
        self.clock = clock
        self.settings = settings
        self.handler = handler
        heardAt = clock.now
    }

    /// Begins to listen.
    func start() {
        channel.onClose = { [weak self] in self?.end($0) }
        channel.onMessage = { [weak self] in self?.take($0) }
        watch()
    }

    /// Says what this side hosts.
    func greet(_ greeting: UplinkGreeting) {
        channel.send(ChannelMessage(.greeting, body: greeting.encoded).encoded)
    }

    /// Asks the other side; completes on a later turn.
    func ask(
        _ body: [UInt8],
        timeout: Duration,
        completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
    ) {
        guard isOpen, channel.unsentBytes <= settings.unsentBytes else {
            let error =
                isOpen
                ? PeerLinkError(.overloaded, "Too much waits on the uplink of \(peer).")
                : PeerLinkError(.closed, "The uplink of \(peer) is closed.")
            _ = clock.schedule(after: .zero) { completion(.failure(error)) }
            return
        }
        lastNumber += 1
        let number = lastNumber
        let timer = clock.schedule(after: timeout) { [weak self] in
            self?.answer(number, .failure(PeerLinkError(.timedOut, "No answer on the uplink.", mayHaveArrived: true)))
        }
        questions[number] = (completion, timer)
        channel.send(ChannelMessage(.question, number: number, body: body).encoded)
    }

    /// Ends the session.
    func close() {
        channel.close()
        end(nil)
    }

    private func answer(_ number: UInt64, _ result: Result<PeerReply, PeerLinkError>) {
        guard let question = questions.removeValue(forKey: number) else { return }
        clock.cancel(question.timer)
        question.completion(result)
    }

    private func take(_ bytes: [UInt8]) {
        heardAt = clock.now
        let message: ChannelMessage?
        do throws(FrameError) {
            message = try ChannelMessage.decode(bytes, limits: settings.limits)
        } catch {
            return breakOff("The other side of the uplink sent what is not a message: \(error).")
        }
        guard let message else { return }
        switch message.kind {
        case .greeting:
            guard let greeting = try? UplinkGreeting(decoding: message.body) else {
                return breakOff("The other side of the uplink greeted with what is not a greeting.")
            }
            onGreeting?(greeting)
        case .question: takeQuestion(message)
        case .answer:
            answer(message.number, .success(PeerReply(status: 200, body: message.body, identity: identity)))
        case .ping: channel.send(ChannelMessage(.pong, number: message.number).encoded)
        case .pong: break
        }
    }

    private func takeQuestion(_ message: ChannelMessage) {
        guard let handler, answering < settings.questions else {
            let refusal = VerdictFrame(status: .notServing, pressure: .max, message: "too many questions at a time")
            channel.send(ChannelMessage(.answer, number: message.number, body: refusal.encoded()).encoded)
            return
        }
        answering += 1
        handler.answer(message.body, from: identity) { [weak self] answer in
            guard let self else { return }
            answering -= 1
            guard isOpen else { return }
            channel.send(ChannelMessage(.answer, number: message.number, body: answer).encoded)
        }
    }

    private func watch() {
        _ = clock.schedule(after: settings.pingAfter) { [weak self] in
            guard let self, isOpen else { return }
            let silence = clock.now - heardAt
            if silence >= settings.closeAfter {
                return breakOff("The other side of the uplink has been silent for \(silence.milliseconds / 1000) s.")
            }
            if silence >= settings.pingAfter { channel.send(ChannelMessage(.ping).encoded) }
            watch()
        }
    }

    private func breakOff(_ message: String) {
        channel.close()
        end(PeerLinkError(.broken, message))
    }

    private func end(_ error: PeerLinkError?) {
        guard isOpen else { return }
        isOpen = false
        channel.onMessage = nil
        channel.onClose = nil
        let reason = error?.message ?? "The uplink was closed."
        for number in questions.keys.sorted() {
            answer(number, .failure(PeerLinkError(.broken, reason, mayHaveArrived: true)))
        }
        let onEnd = onEnd
        self.onEnd = nil
        onEnd?(error)
    }
}
