import NIOCore
import NIOPosix
import SansIO
import Transport

/// Links on an event loop of their own thread, for tests that run elsewhere.
final class TestLinks: Sendable {
    let eventLoop: any EventLoop
    let links: NIOLoopBound<PeerLinks>

    private init(_ eventLoop: any EventLoop, _ links: NIOLoopBound<PeerLinks>) {
        self.eventLoop = eventLoop
        self.links = links
    }

    /// Makes links whose timeouts leave a busy machine all the time it takes, but for those that `adjust` shortens.
    static func make(
        _ tls: TLSContext,
        seed: UInt64 = 1,
        _ adjust: (inout PeerLinkSettings) -> Void = { _ in }
    ) async throws -> TestLinks {
        var settings = PeerLinkSettings()
        settings.sweepInterval = .milliseconds(5)
        settings.reconnectBase = .milliseconds(1)
        settings.connectTimeout = TestTime.ample
        settings.pingInterval = TestTime.ample
        settings.pingTimeout = TestTime.ample
        settings.idleTimeout = TestTime.ample
        settings.distrustGrace = TestTime.ample
        settings.channelTimeout = TestTime.ample
        adjust(&settings)
        let chosen = settings
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let links = try await loop.submit {
            NIOLoopBound(
                PeerLinks(eventLoop: loop, tls: tls, settings: chosen, seed: seed),
                eventLoop: loop
            )
        }.get()
        return TestLinks(loop, links)
    }

    static func address(_ port: Int, uri: String? = TestLinks.nodeURI) -> PeerAddress {
        PeerAddress(endpoint: NodeEndpoint(host: "127.0.0.1", port: UInt16(port)), uri: uri)
    }

    static let nodeURI = "spiffe://busbar.local/cell/dev/node/dev-1"

    func exchange(
        _ body: [UInt8] = [],
        path: String = "/p",
        with peer: PeerAddress,
        timeout: Duration = TestTime.ample
    ) async -> Result<PeerReply, PeerLinkError> {
        await withCheckedContinuation { continuation in
            eventLoop.execute { [links] in
                links.value.exchange(body, path: path, with: peer, timeout: timeout) {
                    continuation.resume(returning: $0)
                }
            }
        }
    }

    /// The error of an exchange that should fail.
    func failure(
        _ body: [UInt8] = [],
        with peer: PeerAddress,
        timeout: Duration = TestTime.ample
    ) async -> PeerLinkError? {
        switch await exchange(body, with: peer, timeout: timeout) {
        case .success: nil
        case .failure(let error): error
        }
    }

    var counters: PeerLinkCounters {
        get async throws { try await eventLoop.submit { [links] in links.value.counters }.get() }
    }

    var openConnections: Int {
        get async throws { try await eventLoop.submit { [links] in links.value.openConnections }.get() }
    }

    var formerConnections: Int {
        get async throws { try await eventLoop.submit { [links] in links.value.formerConnections }.get() }
    }

    func close(within limit: Duration = .zero) async throws {
        try await eventLoop.flatSubmit { [links] in links.value.close(within: limit) }.get()
    }
}
