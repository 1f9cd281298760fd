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

    /// A question that waits for its answer.
    private struct Question {
        let completion: (Result<PeerReply, PeerLinkError>) -> Void
        let timer: TimerToken
        /// The bytes that were given to the channel up to the question's end.
        let end: Int
    }

    /// The node at the other end.
    public let peer: NodeIdentity
    /// What its certificate says.
    public var identity: CertificateIdentity { channel.identity }
    /// Hears of what the other side hosts.
    var onGreeting: ((UplinkGreeting) -> Void)?
    /// Hears of the claim that the other side holds of this one instead of what it was told.
    var onHeldClaim: ((LeafPresence) -> Void)?
    /// Runs once when the session has ended.
    var onEnd: ((PeerLinkError?) -> Void)?

    private let channel: any PeerChannel
    private let clock: any ClockPort
    private let settings: Settings
    private weak var handler: (any PeerFrameHandler)?
    private var questions: [UInt64: Question] = [:]
    private var lastNumber: UInt64 = 0
    /// Bytes that were given to the channel, with what it may add to each message.
    private var givenBytes = 0
    private static let framing = 16
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
        channel.onClose = { [weak self] in
            guard let self else { return }
            end($0, unsentBytes: channel.unsentBytes)
        }
        channel.onMessage = { [weak self] in self?.take($0) }
        watch()
    }

    /// Says what this side hosts.
    func greet(_ greeting: UplinkGreeting) {
        send(ChannelMessage(.greeting, body: greeting.encoded))
    }

    /// Says which claim of the other side is held instead of the one that it greeted with.
    func tell(held: LeafPresence) {
        send(ChannelMessage(.heldClaim, body: UplinkGreeting(accounts: [], presence: held).encoded))
    }

    /// Asks the other side, by a question or an inquiry; completes on a later turn.
    func ask(
        _ body: [UInt8],
        kind: ChannelMessage.Kind = .question,
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
        let bytes = ChannelMessage(kind, number: number, body: body).encoded
        // Noted first, as the channel may break while it takes the message.
        questions[number] = Question(completion: completion, timer: timer, end: givenBytes + bytes.count + Self.framing)
        send(bytes)
    }

    private func send(_ message: ChannelMessage) {
        send(message.encoded)
    }

    private func send(_ bytes: [UInt8]) {
        givenBytes += bytes.count + Self.framing
        channel.send(bytes)
    }

    /// Ends the session; what was given to the channel is sent if it can be.
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
        case .heldClaim:
            guard let held = try? UplinkGreeting(decoding: message.body) else {
                return breakOff("The other side of the uplink holds a claim that is none.")
            }
            if let presence = held.presence { onHeldClaim?(presence) }
        case .question, .inquiry: takeQuestion(message)
        case .answer:
            answer(message.number, .success(PeerReply(status: 200, body: message.body, identity: identity)))
        case .ping: send(ChannelMessage(.pong, number: message.number))
        case .pong: break
        }
    }

    private func takeQuestion(_ message: ChannelMessage) {
        guard let handler, answering < settings.questions else {
            let refusal = VerdictFrame(status: .notServing, pressure: .max, message: "too many questions at a time")
            send(ChannelMessage(.answer, number: message.number, body: refusal.encoded()))
            return
        }
        answering += 1
        let take = message.kind == .inquiry ? handler.explain : handler.answer
        take(message.body, identity) { [weak self] answer in
            guard let self else { return }
            answering -= 1
            guard isOpen else { return }
            send(ChannelMessage(.answer, number: message.number, body: answer))
        }
    }

    private func watch() {
        _ = clock.schedule(after: settings.pingAfter) { [weak self] in
            guard let self, isOpen else { return }
            let silence = clock.now - heardAt
            if silence >= settings.closeAfter {
                return breakOff("The other side of the uplink has been silent for \(silence.milliseconds / 1000) s.")
            }
            if silence >= settings.pingAfter { send(ChannelMessage(.ping)) }
            watch()
        }
    }

    private func breakOff(_ message: String) {
        channel.close()
        end(PeerLinkError(.broken, message))
    }

    /// Of what was given to the channel the last `unsentBytes` surely never left, so a question that ends there did not arrive.
    private func end(_ error: PeerLinkError?, unsentBytes: Int = 0) {
        guard isOpen else { return }
        isOpen = false
        channel.onMessage = nil
        channel.onClose = nil
        let reason = error?.message ?? "The uplink was closed."
        let sent = givenBytes - unsentBytes
        for number in questions.keys.sorted() {
            guard let end = questions[number]?.end else { continue }
            answer(number, .failure(PeerLinkError(.broken, reason, mayHaveArrived: end <= sent)))
        }
        let onEnd = onEnd
        self.onEnd = nil
        onEnd?(error)
    }
}
