import SansIO
import Transport

/// A client that writes HTTP/2 frames of a test's making and reads the server's.
final class ConformanceClient {
    private let raw: RawClient
    /// Every frame that came, in order.
    private(set) var frames: [ReceivedFrame] = []
    private(set) var hasEnded = false

    private init(_ raw: RawClient) {
        self.raw = raw
    }

    /// Connects; sends the connection preface with the client's SETTINGS unless told otherwise.
    static func connect(
        to port: Int,
        tls: TLSContext? = nil,
        preface: [UInt8] = Make.magic + Make.settings()
    ) async throws -> ConformanceClient {
        ConformanceClient(try await RawClient.connect(to: port, tls: tls, sending: preface))
    }

    /// Sends; a server that has closed is no failure here, as the frames that came say why.
    func send(_ bytes: [UInt8]) async {
        _ = await sent(bytes)
    }

    /// Sends.
    ///
    /// - Returns: false when the server has closed.
    func sent(_ bytes: [UInt8]) async -> Bool {
        do {
            try await raw.send(bytes)
            return true
        } catch {
            return false
        }
    }

    func close() async { await raw.close() }

    /// Waits until `condition` holds or the server has closed.
    @discardableResult
    func wait(_ condition: (ConformanceClient) -> Bool) async -> Bool {
        while !condition(self) {
            guard await raw.receiveMore() else {
                takeFrames()
                hasEnded = true
                return condition(self)
            }
            takeFrames()
        }
        return true
    }

    private var unparsed: [UInt8] = []
    private var settlingPings: UInt8 = 0

    private func takeFrames() {
        unparsed += raw.take()
        var rest = unparsed[...]
        while let (frame, count) = ReceivedFrame.parse(rest) {
            frames.append(frame)
            rest = rest.dropFirst(count)
        }
        unparsed = Array(rest)
    }

    /// Makes the server go through everything that was sent so far: two PINGs, one after the other, since an answer to the
    /// first may overtake frames that were due before it.
    func settle() async {
        for _ in 0..<2 {
            guard !hasEnded else { return }
            settlingPings += 1
            let number = 100 + settlingPings % 100
            await send(Make.ping(number))
            await wait { $0.hasPong(number) }
        }
    }

    func hasPong(_ number: UInt8) -> Bool {
        frames.contains {
            $0.type == FrameType.ping && $0.flags & FrameFlag.acknowledgement != 0 && $0.payload.first == number
        }
    }

    /// The error code of the GOAWAY, if one came; of the last, as a graceful one may come before.
    var goAwayCode: UInt32? { frames.last { $0.type == FrameType.goAway }?.number(at: 4) }

    /// The error code of a stream's RST_STREAM, if one came.
    func resetCode(_ stream: UInt32) -> UInt32? {
        frames.first { $0.type == FrameType.reset && $0.stream == stream }?.number(at: 0)
    }

    /// Every reset that came.
    var resets: [ReceivedFrame] { frames.filter { $0.type == FrameType.reset } }

    /// True once a response with status 200 has come whole.
    func isAnswered(_ stream: UInt32) -> Bool {
        guard let head = frames.first(where: { $0.type == FrameType.headers && $0.stream == stream }) else {
            return false
        }
        // A change of the table size (RFC 7541 §6.3), of up to two octets and more, may come before `:status: 200`, which
        // is index 8.
        guard head.payload.prefix(8).contains(0x88) else { return false }
        return hasEnded(stream)
    }

    /// True once the server has ended its side of a stream.
    func hasEnded(_ stream: UInt32) -> Bool {
        frames.contains {
            ($0.type == FrameType.headers || $0.type == FrameType.data) && $0.stream == stream
                && $0.flags & FrameFlag.endStream != 0
        }
    }

    /// All DATA of a stream.
    func body(_ stream: UInt32) -> [UInt8] {
        frames.filter { $0.type == FrameType.data && $0.stream == stream }.flatMap(\.payload)
    }

    /// What came, for the message of a failed test.
    var summary: String {
        let list = frames.map { frame in
            "\(frame.type)/\(frame.flags)@\(frame.stream) \(frame.payload.prefix(24).map(String.init).joined(separator: ","))"
        }
        return list.joined(separator: " | ") + (hasEnded ? " | end" : "")
    }
}
