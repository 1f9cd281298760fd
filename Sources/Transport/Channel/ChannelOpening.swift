import SansIO

/// The client's wait for a peer to accept a channel, over a stream that has started.
final class ChannelOpening {
    private let stream: any HTTPClientStream
    private let limits: PeerChannelLimits
    private let later: (@escaping () -> Void) -> Void
    private let completion: (Result<any PeerChannel, PeerLinkError>) -> Void
    /// A refusal, and the beginning of its body, which says why.
    private var refusal: (status: Int, text: [UInt8])?

    private static let refusalBytes = 512

    private init(
        _ stream: any HTTPClientStream,
        _ limits: PeerChannelLimits,
        _ later: @escaping (@escaping () -> Void) -> Void,
        _ completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        self.stream = stream
        self.limits = limits
        self.later = later
        self.completion = completion
    }

    /// Waits for the peer's answer, and completes with the channel or why there is none.
    static func begin(
        over stream: any HTTPClientStream,
        limits: PeerChannelLimits,
        later: @escaping (@escaping () -> Void) -> Void,
        completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
    ) {
        let opening = ChannelOpening(stream, limits, later, completion)
        // The stream lets go of these when it closes, or the channel replaces them.
        stream.onResponse = { opening.answered($0) }
        stream.onPart = { opening.received($0) }
        stream.onEnd = { opening.refused() }
        stream.onLeaving = { stream.reset(code: 0x8) }
        stream.onClose = { opening.closed($0) }
    }

    private func answered(_ head: HTTPResponse) {
        guard head.status == 200 else {
            refusal = (head.status, [])
            return
        }
        stream.onResponse = nil
        completion(
            .success(StreamChannel(stream: stream, identity: stream.identity, limits: limits, later: later))
        )
    }

    private func received(_ bytes: [UInt8]) {
        guard let count = refusal?.text.count, count < Self.refusalBytes else { return }
        refusal?.text += bytes.prefix(Self.refusalBytes - count)
    }

    /// The refusal is complete.
    private func refused() {
        stream.reset(code: 0x8)
    }

    private func closed(_ end: HTTPStreamEnd) {
        let error: PeerLinkError
        if let refusal {
            let text = String(decoding: refusal.text, as: UTF8.self)
            error = PeerLinkError(.refused, "the peer answered with status \(refusal.status): \(text)")
        } else {
            switch end {
            case .reset(code: 0x7): error = PeerLinkError(.refused, "the peer refused the channel before it began")
            case .reset(let code): error = PeerLinkError(.broken, "the channel was reset with code \(code)")
            case .timedOut: error = PeerLinkError(.timedOut, "the peer did not accept the channel in time")
            case .complete, .connectionLost:
                error = PeerLinkError(.broken, "the connection was lost before the channel was open")
            }
        }
        completion(.failure(error))
    }
}
