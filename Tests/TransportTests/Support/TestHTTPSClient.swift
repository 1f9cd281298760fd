import NIOCore
import NIOPosix
import SansIO
import Transport

/// An HTTPS client on an event loop of its own thread, for tests that run elsewhere.
final class TestHTTPSClient: Sendable {
    private let eventLoop: any EventLoop
    private let client: NIOLoopBound<HTTPSClient>

    private init(_ eventLoop: any EventLoop, _ client: NIOLoopBound<HTTPSClient>) {
        self.eventLoop = eventLoop
        self.client = client
    }

    static func make(
        authority: String,
        _ adjust: (inout HTTPSClientSettings) -> Void = { _ in }
    ) async throws -> TestHTTPSClient {
        var settings = HTTPSClientSettings()
        settings.sweepInterval = .milliseconds(5)
        settings.connectTimeout = TestTime.ample
        settings.idleTimeout = TestTime.ample
        adjust(&settings)
        let chosen = settings
        let tls = try TLSContext(role: .client, configuration: .web(authorityFile: authority))
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let client = try await loop.submit {
            NIOLoopBound(HTTPSClient(eventLoop: loop, tls: tls, settings: chosen, seed: 1), eventLoop: loop)
        }.get()
        return TestHTTPSClient(loop, client)
    }

    /// Makes a client, runs `body` and closes the client.
    static func use(
        authority: String,
        _ adjust: (inout HTTPSClientSettings) -> Void = { _ in },
        _ body: (TestHTTPSClient) async throws -> Void
    ) async throws {
        let client = try await make(authority: authority, adjust)
        try await body(client)
        try await client.eventLoop.flatSubmit { [client] in client.client.value.close(within: .zero) }.get()
    }

    func send(
        _ method: String,
        _ url: String,
        headers: [HTTPField] = [],
        body: [UInt8] = [],
        timeout: Duration = TestTime.ample
    ) async throws -> Result<HTTPResponse, PeerLinkError> {
        guard let request = HTTPSRequest(method: method, url: url, headers: headers, body: body) else {
            throw ChannelError.unknownLocalAddress
        }
        return await withCheckedContinuation { continuation in
            eventLoop.execute { [client] in
                client.value.send(request, timeout: timeout) { continuation.resume(returning: $0) }
            }
        }
    }

    /// Status and body as text, or the error.
    func text(_ method: String, _ url: String, body: [UInt8] = [], timeout: Duration = TestTime.ample) async throws
        -> String
    {
        switch try await send(method, url, body: body, timeout: timeout) {
        case .success(let response): "\(response.status) \(String(decoding: response.body, as: UTF8.self))"
        case .failure(let error): error.description
        }
    }

    var counters: PeerLinkCounters {
        get async throws { try await eventLoop.submit { [client] in client.value.counters }.get() }
    }
}
