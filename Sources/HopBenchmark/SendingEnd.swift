import Cluster
import EventModel
import Membership
import NIOCore
import NIOPosix
import Router
import SansIO
import Transport

/// The cell that hosts the sending bus, whose rule forwards to the other end.
final class SendingEnd: Sendable {
    private let eventLoop: any EventLoop
    private let load: NIOLoopBound<Load>

    private init(eventLoop: any EventLoop, load: NIOLoopBound<Load>) {
        self.eventLoop = eventLoop
        self.load = load
    }

    /// Opens the store and makes the rule. The first event opens the connection.
    static func start(
        _ group: MultiThreadedEventLoopGroup,
        directory: String,
        certs: String,
        port: UInt16
    ) async throws -> SendingEnd {
        let eventLoop = group.next()
        let tls = try BenchmarkCell.tls(.client, certs: certs)
        let load = try await eventLoop.submit {
            let router = try BenchmarkCell.router(eventLoop, directory: directory, hosting: BenchmarkCell.sender)
            router.forwarder = try forwarder(eventLoop, tls, port)
            return NIOLoopBound(Load(router, eventLoop), eventLoop: eventLoop)
        }.get()
        let core = try await eventLoop.submit { NIOLoopBound(load.value.router, eventLoop: eventLoop) }.get()
        try await BenchmarkCell.step(eventLoop) { done in core.value.start(completion: done) }
        let destination = BenchmarkCell.bus(BenchmarkCell.receiver).arn
        try await BenchmarkCell.putRule(core, eventLoop, of: BenchmarkCell.sender, to: destination)
        return SendingEnd(eventLoop: eventLoop, load: load)
    }

    private static func forwarder(_ eventLoop: any EventLoop, _ tls: TLSContext, _ port: UInt16) throws -> PeerForwarder
    {
        guard let node = NodeIdentity(authority: BenchmarkCell.trustDomain, cell: "dev", node: "dev-1") else {
            preconditionFailure("the name of the development certificate")
        }
        let peer = PeerNode(identity: node, endpoint: NodeEndpoint(host: "127.0.0.1", port: port))
        let route = AccountRoute(cell: CellIdentity(of: node), nodes: [peer])
        return PeerForwarder(
            directory: StaticDirectory([BenchmarkCell.receiver: route]),
            links: PeerLinks(eventLoop: eventLoop, tls: tls, seed: 1),
            clock: EventLoopClock(eventLoop: eventLoop),
            seed: 2,
            settings: ForwarderSettings(trustDomain: BenchmarkCell.trustDomain)
        )
    }

    /// Puts events and waits until the last is settled.
    ///
    /// - Parameters:
    ///   - events: how many.
    ///   - rate: events a second; 0 for as fast as possible.
    /// - Returns: one JSON object.
    /// - Throws: when the loop is closed.
    func run(events: Int, rate: Int) async throws -> String {
        let promise = eventLoop.makePromise(of: String.self)
        eventLoop.execute { [load] in load.value.run(events: events, rate: rate) { promise.succeed($0) } }
        return try await promise.futureResult.get()
    }
}
