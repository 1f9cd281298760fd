import SansIO
import Transport

/// Gives any bytes to HTTP/2 sessions. Nothing may trap, what a session holds must stay within its limits, its output must be
/// frames, and however the bytes are cut, they must mean the same.
public enum HTTP2FuzzCheck {
    private static let info = HTTPConnectionInfo(remoteAddress: "fuzz", isSecure: true, majorVersion: 2)
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

    private static var settings: HTTP2Settings {
        var settings = HTTP2Settings()
        settings.maximumConcurrentStreams = 8
        settings.maximumBodyBytes = 2000
        settings.maximumBufferedBytes = 5000
        settings.maximumUnsentBytes = 4000
        settings.maximumHeaderListBytes = 1024
        settings.maximumHeaderCount = 16
        return settings
    }

    /// Checks a server with the bytes of a client that has sent its preface.
    public static func server(_ input: [UInt8]) throws {
        let input = FuzzInput(input)
        let bytes = preface + framed(input)
        let whole = events(.server, [bytes[...]])
        let cut = events(.server, input.pieces(of: bytes))
        try require(whole == cut, "cut, the bytes mean something else: \(whole) and \(cut)")
        try converse(.server, input.pieces(of: bytes))
    }

    /// Checks a client that has made three requests with the bytes of a server.
    public static func client(_ input: [UInt8]) throws {
        let input = FuzzInput(input)
        let bytes = Array(preface.dropFirst(24)) + framed(input)
        let whole = events(.client, [bytes[...]])
        let cut = events(.client, input.pieces(of: bytes))
        try require(whole == cut, "cut, the bytes mean something else: \(whole) and \(cut)")
        try converse(.client, input.pieces(of: bytes))
    }

    /// Half of the inputs are taken as they are. In the others each frame's length is put right: type, flags, stream and
    /// length take a byte each, so that most inputs are frames.
    private static func framed(_ input: FuzzInput) -> [UInt8] {
        guard input.steering & 1 << 60 == 0 else { return input.bytes }
        var rest = input.bytes[...]
        var frames: [UInt8] = []
        while rest.count >= 4 {
            let head = Array(rest.prefix(4))
            let payload = rest.dropFirst(4).prefix(Int(head[3]))
            frames += [0, 0, UInt8(payload.count), head[0] % 12, head[1], 0, 0, 0, head[2] % 24] + payload
            rest = rest.dropFirst(4 + payload.count)
        }
        return frames
    }

    private static func session(_ role: HTTP2Session.Role) -> HTTP2Session {
        guard let session = try? HTTP2Session(role: role, settings: settings, connection: info) else {
            preconditionFailure("out of memory")
        }
        if role == .server { session.takesInParts = { _, target in target.hasPrefix("/parts") } }
        guard role == .client else { return session }
        for number in 0..<3 {
            let body = [UInt8](repeating: 1, count: number * 100)
            let request = HTTPRequest(
                method: number == 0 ? "HEAD" : "POST",
                target: "/\(number)",
                headers: [HTTPField("host", "a")],
                body: body,
                connection: info
            )
            _ = session.submit(request, scheme: "https")
        }
        _ = output(of: session)
        return session
    }

    /// What comes of bytes when nothing is sent in between, so that it depends on them alone. Behind a GOAWAY it need not:
    /// once no stream is open either, nghttp2 takes what the same piece still has and nothing of the next.
    private static func events(_ role: HTTP2Session.Role, _ pieces: [ArraySlice<UInt8>]) -> [String] {
        let session = session(role)
        var events: [String] = []
        for piece in pieces {
            _ = piece.withUnsafeBytes { session.receive($0, now: 1) }
            while let event = session.nextEvent() {
                note(event, in: &events)
                if case .goingAway = event { return events }
            }
        }
        return events
    }

    /// Writes an event down; parts of one body that come together become one.
    private static func note(_ event: HTTP2Event, in events: inout [String]) {
        guard case .bodyPart(let stream, let bytes, _) = event else {
            events.append(String(describing: event))
            return
        }
        let start = "part \(stream):"
        let text = bytes.map { " \($0)" }.joined()
        if let last = events.last, last.hasPrefix(start) {
            events[events.count - 1] = last + text
        } else {
            events.append(start + text)
        }
    }

    /// Answers requests and sends what there is after each piece.
    private static func converse(_ role: HTTP2Session.Role, _ pieces: [ArraySlice<UInt8>]) throws {
        let session = session(role)
        for piece in pieces {
            _ = piece.withUnsafeBytes { session.receive($0, now: 1) }
            answer(session)
            try check(output(of: session))
            answer(session)
            try require((0...settings.maximumBufferedBytes).contains(session.bufferedBytes), "buffered bytes")
            try require(session.unsentBodyBytes >= 0, "unsent bytes")
            let unsent = settings.maximumUnsentBytes + 8 * settings.maximumBodyBytes
            try require(session.unsentBodyBytes <= unsent, "unsent bytes")
            try require(session.openStreams <= 20, "too many streams are open")
        }
        _ = session.incompleteStreams(openedBefore: 2)
        _ = session.stalledStreams(now: 5, limit: 1)
        session.terminate()
        try check(output(of: session))
    }

    private static func answer(_ session: HTTP2Session) {
        while let event = session.nextEvent() {
            switch event {
            case .request(let stream, let request), .requestHead(let stream, let request):
                let response = HTTPResponse(status: 200, headers: request.headers, body: request.body + [1, 2, 3])
                session.respond(to: stream, with: response, date: EmptyCollection())
            default:
                break
            }
        }
    }

    private static func output(of session: HTTP2Session) -> [UInt8] {
        var all: [UInt8] = []
        var storage = [UInt8](repeating: 0, count: 1000)
        while true {
            let count = storage.withUnsafeMutableBytes { session.fill(into: $0) }
            if count == 0 { return all }
            all += storage[..<count]
        }
    }

    /// Output is whole frames of known types.
    private static func check(_ output: [UInt8]) throws {
        var offset = 0
        while offset < output.count {
            try require(offset + 9 <= output.count, "half a frame header")
            let length = Int(output[offset]) << 16 | Int(output[offset + 1]) << 8 | Int(output[offset + 2])
            try require(output[offset + 3] <= 9, "an unknown frame is sent")
            offset += 9 + length
        }
        try require(offset == output.count, "half a frame")
    }
}
