import NIOCore
import NIOPosix
import SansIO
import Synchronization

/// One listener: HTTP/1.1 and HTTP/2, over TLS or plain text, on the event loops it is given.
public final class HTTPServer: Sendable {
    /// Why a server could not be started.
    public struct InvalidConfiguration: Error, Hashable, CustomStringConvertible {
        /// What ``HTTPServerConfiguration/validate()`` found.
        public var problems: [String]

        /// The problems in one line.
        public var description: String { problems.joined(separator: "; ") }
    }

    /// One event loop's share of a server.
    private struct Member: Sendable {
        let eventLoop: any EventLoop
        let shard: NIOLoopBound<ServerShard>
        let counters: LoopCounters
    }

    private let channel: any Channel
    private let members: [Member]

    private init(channel: any Channel, members: [Member]) {
        self.channel = channel
        self.members = members
    }

    /// Binds a listener.
    ///
    /// - Parameters:
    ///   - group: the loops that connections are spread over.
    ///   - host: an address or name to bind.
    ///   - port: the port; 0 lets the system choose, see ``port``.
    ///   - tls: certificates; nil for plain text.
    ///   - configuration: limits and deadlines.
    ///   - makeHandler: called once on each loop; what it returns is used on that loop only.
    /// - Returns: the running server.
    /// - Throws: ``InvalidConfiguration``, or the system's error when it cannot bind.
    public static func start(
        group: any EventLoopGroup,
        host: String,
        port: Int,
        tls: TLSContext?,
        configuration: HTTPServerConfiguration = HTTPServerConfiguration(),
        makeHandler: @escaping @Sendable (any EventLoop) -> any HTTPRequestHandler
    ) async throws -> HTTPServer {
        let problems = configuration.validate()
        guard problems.isEmpty else { throw InvalidConfiguration(problems: problems) }
        var members: [Member] = []
        for eventLoop in group.makeIterator() {
            let counters = LoopCounters()
            let shard = try await eventLoop.submit {
                let shard = ServerShard(
                    eventLoop: eventLoop,
                    configuration: configuration,
                    tls: tls,
                    handler: makeHandler(eventLoop),
                    counters: counters
                )
                return NIOLoopBound(shard, eventLoop: eventLoop)
            }.get()
            members.append(Member(eventLoop: eventLoop, shard: shard, counters: counters))
        }
        let channel = try await bind(group, host, port, configuration, members)
        return HTTPServer(channel: channel, members: members)
    }

    private static func bind(
        _ group: any EventLoopGroup,
        _ host: String,
        _ port: Int,
        _ configuration: HTTPServerConfiguration,
        _ members: [Member]
    ) async throws -> any Channel {
        let gate = ConnectionGate(limit: configuration.maximumConnections)
        let high = configuration.outputHighWaterBytes
        return try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: configuration.backlog)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // One read of at most 64 KB a turn, so that no connection holds the loop for long.
            .childChannelOption(.maxMessagesPerRead, value: 1)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 2048, initial: 16 << 10, maximum: 64 << 10)
            )
            .childChannelOption(.writeBufferWaterMark, value: .init(low: high / 4, high: high))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let member = members.first(where: { $0.eventLoop === channel.eventLoop }) else {
                        throw ChannelError.inappropriateOperationForState
                    }
                    if !gate.enter() {
                        member.counters.hit(.connections)
                        guard member.shard.value.closeIdle() else {
                            member.counters.connectionsRefused.increment()
                            throw ChannelError.operationUnsupported
                        }
                        gate.enterInPlaceOfAnother()
                    }
                    channel.closeFuture.whenComplete { _ in gate.leave() }
                    try channel.pipeline.syncOperations.addHandler(ServerConnection(shard: member.shard.value))
                }
            }
            .bind(host: host, port: port)
            .get()
    }

    /// The port that the listener is bound to.
    public var port: Int { channel.localAddress?.port ?? 0 }

    /// The address that the listener is bound to, without the port.
    public var host: String { channel.localAddress?.ipAddress ?? "" }

    /// The counters of all loops, added up.
    public var counters: HTTPServerCounters {
        var sum = HTTPServerCounters()
        for member in members { sum += member.counters.snapshot }
        return sum
    }

    /// Looks at every connection, on the loops that they belong to.
    ///
    /// - Returns: what they hold together.
    /// - Throws: when the event loops are shut down.
    public func load() async throws -> HTTPServerLoad {
        var sum = HTTPServerLoad()
        for member in members { sum += try await member.eventLoop.submit { member.shard.value.load }.get() }
        return sum
    }

    /// Stops: accepts no more, closes idle connections at once, and lets requests that are being handled finish.
    ///
    /// - Parameter limit: after this long, what is left is closed.
    public func shutdown(within limit: Duration) async {
        // Closing a listener that is closed already fails, which is as good.
        try? await channel.close().get()
        await withTaskGroup(of: Void.self) { group in
            for member in members {
                group.addTask {
                    let finished = member.eventLoop.flatSubmit { member.shard.value.shutDown(within: limit) }
                    try? await finished.get()
                }
            }
        }
    }
}

/// Counts the connections of all loops against one limit.
private final class ConnectionGate: Sendable {
    private let open = Atomic<Int>(0)
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    func enter() -> Bool {
        if open.wrappingAdd(1, ordering: .relaxed).newValue <= limit { return true }
        open.wrappingSubtract(1, ordering: .relaxed)
        return false
    }

    /// Enters where another is about to leave.
    func enterInPlaceOfAnother() { open.wrappingAdd(1, ordering: .relaxed) }

    func leave() { open.wrappingSubtract(1, ordering: .relaxed) }
}
