import SansIO
import Transport

/// An HTTP/2 client on a test's socket, for one request at a time or several.
final class HTTP2TestClient {
    let raw: RawClient
    let session: HTTP2Session
    private(set) var events: [HTTP2Event] = []

    private init(_ raw: RawClient, _ session: HTTP2Session) {
        self.raw = raw
        self.session = session
    }

    static func connect(to port: Int, tls: TLSContext?) async throws -> HTTP2TestClient {
        let session = try HTTP2Session(role: .client, settings: HTTP2Settings(), connection: SessionPair.info)
        return HTTP2TestClient(try await RawClient.connect(to: port, tls: tls), session)
    }

    func get(_ target: String) async throws -> HTTPResponse {
        try await exchange(SessionPair.request("GET", target))
    }

    func flush() async throws {
        let bytes = SessionPair.bytes(of: session)
        if !bytes.isEmpty { try await raw.send(bytes) }
    }

    /// Makes a request and sends what there is.
    func start(_ request: HTTPRequest) async throws -> Int32? {
        let stream = session.submit(request, scheme: "https")
        try await flush()
        return stream
    }

    /// Waits for more bytes and what they mean.
    ///
    /// - Returns: false when the server has closed.
    func step() async throws -> Bool {
        let goesOn = await raw.receiveMore()
        let bytes = raw.take()
        bytes.withUnsafeBytes { _ = session.receive($0, now: 0) }
        while let event = session.nextEvent() { events.append(event) }
        // The server may have closed meanwhile, which the next reading shows.
        if goesOn { try? await flush() }
        return goesOn
    }

    /// Waits for an event that `find` takes.
    func wait<Value>(_ find: (HTTP2Event) -> Value?) async throws -> Value? {
        while true {
            for event in events {
                if let value = find(event) { return value }
            }
            guard try await step() else {
                for event in events {
                    if let value = find(event) { return value }
                }
                return nil
            }
        }
    }

    func response(_ stream: Int32?) async throws -> HTTPResponse? {
        try await wait { event in
            if case .response(let id, let response, _) = event, id == stream { return response }
            return nil
        }
    }

    func exchange(_ request: HTTPRequest) async throws -> HTTPResponse {
        let stream = try await start(request)
        return try await response(stream) ?? HTTPResponse(status: 0)
    }
}
