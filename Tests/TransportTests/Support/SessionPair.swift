import SansIO
import Transport

/// A client and a server session that are each other's socket.
struct SessionPair {
    let client: HTTP2Session
    let server: HTTP2Session
    /// Events in order of their coming, taken from both.
    var requests: [(stream: Int32, request: HTTPRequest)] = []
    var responses: [(stream: Int32, response: HTTPResponse)] = []
    var serverClosed: [(stream: Int32, code: UInt32, context: AnyObject?)] = []
    var clientClosed: [(stream: Int32, code: UInt32)] = []
    var clientGoAways: [UInt32] = []
    var now: UInt64 = 1_000_000_000
    /// Called with each request as it comes; what it returns is the answer.
    var answer: ((HTTPRequest) -> HTTPResponse?)?
    /// How many bytes are given to `receive` at once; nil for all there are.
    var chunk: (() -> Int)?

    static let info = HTTPConnectionInfo(remoteAddress: "test", isSecure: true, majorVersion: 2)

    init(_ adjust: (inout HTTP2Settings) -> Void = { _ in }) throws {
        var settings = HTTP2Settings()
        adjust(&settings)
        client = try HTTP2Session(role: .client, settings: HTTP2Settings(), connection: Self.info)
        server = try HTTP2Session(role: .server, settings: settings, connection: Self.info)
    }

    static func bytes(of session: HTTP2Session) -> [UInt8] {
        var all: [UInt8] = []
        var storage = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = storage.withUnsafeMutableBytes { session.fill(into: $0) }
            if count == 0 { return all }
            all += storage[..<count]
        }
    }

    private func give(_ bytes: [UInt8], to session: HTTP2Session) {
        var offset = 0
        while offset < bytes.count {
            let count = min(bytes.count - offset, max(1, chunk?() ?? bytes.count))
            bytes.withUnsafeBytes { raw in
                _ = session.receive(UnsafeRawBufferPointer(rebasing: raw[offset..<offset + count]), now: now)
            }
            offset += count
        }
    }

    mutating func takeServerEvents() {
        while let event = server.nextEvent() {
            switch event {
            case .request(let stream, let request):
                requests.append((stream, request))
                if let response = answer?(request) {
                    server.respond(to: stream, with: response, date: EmptyCollection())
                }
            case .closed(let stream, let code, let context):
                serverClosed.append((stream, code, context))
            default:
                break
            }
        }
    }

    mutating func takeClientEvents() {
        while let event = client.nextEvent() {
            switch event {
            case .response(let stream, let response, _): responses.append((stream, response))
            case .closed(let stream, let code, _): clientClosed.append((stream, code))
            case .goingAway(_, let code): clientGoAways.append(code)
            default: break
            }
        }
    }

    /// Carries bytes both ways until neither side has any.
    mutating func pump() {
        while true {
            let toServer = Self.bytes(of: client)
            takeClientEvents()
            give(toServer, to: server)
            takeServerEvents()
            let toClient = Self.bytes(of: server)
            takeServerEvents()
            give(toClient, to: client)
            takeClientEvents()
            if toServer.isEmpty, toClient.isEmpty { return }
        }
    }

    /// Gives bytes of the test's own making to the server.
    mutating func giveToServer(_ bytes: [UInt8]) -> HTTP2SessionError? {
        give(bytes, to: server)
        takeServerEvents()
        return server.error
    }

    static func request(
        _ method: String = "POST",
        _ target: String = "/",
        headers: [HTTPField] = [],
        body: [UInt8] = []
    ) -> HTTPRequest {
        HTTPRequest(
            method: method,
            target: target,
            headers: [HTTPField("host", "localhost")] + headers,
            body: body,
            connection: info
        )
    }
}

/// HTTP/2 frames made by hand (RFC 9113 §4.1).
enum TestFrame {
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + make(4, 0, 0, [])

    static func make(_ type: UInt8, _ flags: UInt8, _ stream: UInt32, _ payload: [UInt8]) -> [UInt8] {
        let count = payload.count
        return [
            UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255), type, flags,
            UInt8(stream >> 24 & 255), UInt8(stream >> 16 & 255), UInt8(stream >> 8 & 255), UInt8(stream & 255),
        ] + payload
    }

    /// A field without indexing (RFC 7541 §6.2.2), with a name and a value shorter than 127 bytes.
    static func literal(_ name: String, _ value: String) -> [UInt8] {
        [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
    }

    /// `:method: POST`, `:scheme: https` and `:path: /` from the static table, and `:authority: a`.
    static let requestBlock: [UInt8] = [0x83, 0x87, 0x84, 1, 1, UInt8(ascii: "a")]

    static func headers(_ stream: UInt32, end: Bool, block: [UInt8] = requestBlock) -> [UInt8] {
        make(1, end ? 5 : 4, stream, block)
    }

    static func number(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }

    static func reset(_ stream: UInt32) -> [UInt8] { make(3, 0, stream, number(8)) }
}
