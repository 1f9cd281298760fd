import PeerProtocol
import Router
import SansIO

/// A node's receiver, with the times of some requests.
///
/// One request in sixteen is looked at: how long its answer took, which is mostly the commit, and how long ago its first event
/// was put at the other end, by the time that the event carries.
final class WatchedReceiver: HTTPRequestHandler {
    private let receiver: PeerReceiver
    private(set) var requests = 0
    private(set) var answers = Durations()
    private(set) var journeys = Durations()
    /// Of each request that was looked at: when its first event was put, and its journey and answer in microseconds.
    private(set) var samples: [String] = []

    init(_ receiver: PeerReceiver) {
        self.receiver = receiver
    }

    func reset() {
        requests = 0
        answers.removeAll()
        journeys.removeAll()
        samples.removeAll()
    }

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        requests += 1
        guard requests % 16 == 0, let identity = request.connection.clientIdentity else {
            return receiver.handle(request, reply)
        }
        let came = Usage.clock()
        let put = Self.time(in: request.body)
        receiver.answer(request.body, from: identity) { [self] answer in
            let now = Usage.clock()
            answers.add(now - came)
            if let put {
                journeys.add(now - put)
                samples.append("[\(put),\((now - put) / 1000),\((now - came) / 1000)]")
            }
            reply.send(HTTPResponse(status: 200, body: answer))
        }
    }

    /// The number behind the first `"at":` of a frame.
    private static func time(in frame: [UInt8]) -> UInt64? {
        let mark = Array(#""at":"#.utf8)
        var position = 0
        while position + mark.count < frame.count {
            if frame[position] == mark[0], frame[position..<position + mark.count].elementsEqual(mark) {
                let digits = frame[(position + mark.count)...].prefix { (0x30...0x39).contains($0) }
                return UInt64(String(decoding: digits, as: UTF8.self))
            }
            position += 1
        }
        return nil
    }
}
