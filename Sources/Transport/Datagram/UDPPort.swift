import NIOCore
import NIOPosix
import SansIO

/// Datagrams over one UDP socket.
///
/// What is sent in one turn of the loop leaves together, by as few system calls as the system has for it, and several
/// datagrams are read by one call. Nothing waits without a limit: what the socket does not take in time is dropped and
/// counted, as the network would do.
///
/// Some errors of a single `sendmsg`, such as no route to an address, end the whole socket in NIO. Addresses come from other
/// nodes, so no address may silence a node: the port then opens a socket on the same port again.
///
/// Belongs to its event loop, like everything that it calls.
public final class UDPPort: DatagramPort {
    /// Hears of each datagram and of the address that it claims to come from.
    public var onReceive: (([UInt8], NodeEndpoint) -> Void)?
    /// What was done so far.
    public private(set) var counters = UDPCounters()
    /// The address that the socket is bound to.
    public let endpoint: NodeEndpoint

    private let eventLoop: any EventLoop
    private let configuration: UDPConfiguration
    private let isIPv6: Bool
    /// Nil while the socket is being opened again, and after ``close()``.
    private var channel: (any Channel)?
    private var isClosed = false
    private var hasUnflushed = false
    private var reopeningDelay = UDPPort.shortestDelay
    private var budget: RateBudget
    /// Parsed addresses of recent receivers. Emptied when full: the group of live nodes fits.
    private var addresses: [NodeEndpoint: SocketAddress] = [:]
    private static let maximumAddresses = 4_096
    private static let shortestDelay = TimeAmount.milliseconds(10)
    private static let longestDelay = TimeAmount.seconds(5)

    /// Why a port could not be opened.
    public struct InvalidConfiguration: Error, Hashable, CustomStringConvertible {
        /// What ``UDPConfiguration/validate()`` found.
        public var problems: [String]

        /// The problems in one line.
        public var description: String { problems.joined(separator: "; ") }
    }

    private init(_ channel: any Channel, _ local: SocketAddress, _ configuration: UDPConfiguration) {
        eventLoop = channel.eventLoop
        self.channel = channel
        self.configuration = configuration
        endpoint = NodeEndpoint(host: local.ipAddress ?? "", port: UInt16(clamping: local.port ?? 0))
        isIPv6 = local.protocol == .inet6
        budget = RateBudget(capacity: UInt32(configuration.maximumReceivedPerSecond), window: .seconds(1))
    }

    /// Opens a socket.
    ///
    /// - Parameters:
    ///   - eventLoop: the loop that the port belongs to.
    ///   - host: an address or name to bind; its address family is the only one that the port can reach.
    ///   - port: the port; 0 lets the system choose, see ``endpoint``.
    ///   - configuration: limits.
    /// - Returns: the open port; fails with ``InvalidConfiguration`` or the system's error.
    public static func open(
        on eventLoop: any EventLoop,
        host: String,
        port: Int,
        configuration: UDPConfiguration = UDPConfiguration()
    ) -> EventLoopFuture<NIOLoopBound<UDPPort>> {
        let problems = configuration.validate()
        guard problems.isEmpty else {
            return eventLoop.makeFailedFuture(InvalidConfiguration(problems: problems))
        }
        return bootstrap(eventLoop, configuration).bind(host: host, port: port).flatMapThrowing { channel in
            guard let local = channel.localAddress else { throw ChannelError.unknownLocalAddress }
            let port = UDPPort(channel, local, configuration)
            try port.attach(channel)
            return NIOLoopBound(port, eventLoop: eventLoop)
        }
    }

    private static func bootstrap(_ eventLoop: any EventLoop, _ configuration: UDPConfiguration) -> DatagramBootstrap {
        // One byte more than a datagram may have tells those that are too long.
        let slot = configuration.maximumBytes + 1
        let count = configuration.datagramsPerRead
        let high = configuration.maximumUnsentBytes
        return DatagramBootstrap(group: eventLoop)
            .channelOption(.datagramVectorReadMessageCount, value: count)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: slot * count))
            .channelOption(.maxMessagesPerRead, value: 4)
            .channelOption(.writeBufferWaterMark, value: .init(low: high / 2, high: high))
            .channelOption(.socketOption(.so_rcvbuf), value: .init(configuration.kernelBufferBytes))
            // Reading begins when the handler is there, or the first datagrams would be lost.
            .channelOption(.autoRead, value: false)
    }

    private func attach(_ channel: any Channel) throws {
        try channel.pipeline.syncOperations.addHandler(DatagramReceiver(port: self))
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        channel.closeFuture.whenComplete { _ in bound.value.closed() }
        channel.setOption(.autoRead, value: true).whenFailure { _ in channel.close(promise: nil) }
    }

    /// The largest datagram that is sent whole, in bytes.
    public var maximumBytes: Int { configuration.maximumBytes }

    /// Sends a datagram at the end of this turn of the loop, or drops it.
    public func send(_ bytes: [UInt8], to endpoint: NodeEndpoint) {
        eventLoop.preconditionInEventLoop()
        guard let channel, channel.isWritable, bytes.count <= maximumBytes, let address = address(endpoint) else {
            counters.sendDrops += 1
            return
        }
        counters.sent += 1
        counters.sentBytes += UInt64(bytes.count)
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        channel.write(AddressedEnvelope(remoteAddress: address, data: ByteBuffer(bytes: bytes)))
            .whenFailure { _ in bound.value.counters.sendFailures += 1 }
        guard !hasUnflushed else { return }
        hasUnflushed = true
        eventLoop.execute {
            bound.value.hasUnflushed = false
            bound.value.channel?.flush()
        }
    }

    /// The socket's form of an address that this socket can send to; nil for any other.
    private func address(_ endpoint: NodeEndpoint) -> SocketAddress? {
        if let known = addresses[endpoint] { return known }
        guard endpoint.port != 0,
            let address = try? SocketAddress(ipAddress: endpoint.host, port: Int(endpoint.port)),
            (address.protocol == .inet6) == isIPv6
        else { return nil }
        if addresses.count >= Self.maximumAddresses { addresses.removeAll(keepingCapacity: true) }
        addresses[endpoint] = address
        return address
    }

    fileprivate func received(_ envelope: AddressedEnvelope<ByteBuffer>) {
        reopeningDelay = Self.shortestDelay
        guard envelope.data.readableBytes <= maximumBytes else {
            counters.oversized += 1
            return
        }
        guard budget.spend(now: NIODeadline.now().uptimeNanoseconds), let onReceive,
            let host = envelope.remoteAddress.ipAddress, let port = envelope.remoteAddress.port
        else {
            counters.receiveDrops += 1
            return
        }
        counters.received += 1
        counters.receivedBytes += UInt64(envelope.data.readableBytes)
        onReceive(Array(envelope.data.readableBytesView), NodeEndpoint(host: host, port: UInt16(clamping: port)))
    }

    /// Stops sending and receiving. What waits for the socket is lost.
    ///
    /// - Returns: completes when the socket is closed.
    public func close() -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        isClosed = true
        onReceive = nil
        guard let channel else { return eventLoop.makeSucceededVoidFuture() }
        let closed = channel.closeFuture
        channel.close(promise: nil)
        return closed
    }

    private func closed() {
        channel = nil
        guard !isClosed else { return }
        counters.reopenings += 1
        scheduleReopening()
    }

    private func scheduleReopening() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let delay = reopeningDelay
        reopeningDelay = min(Self.longestDelay, delay + delay)
        _ = eventLoop.scheduleTask(in: delay) { bound.value.reopen() }
    }

    private func reopen() {
        guard !isClosed else { return }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        Self.bootstrap(eventLoop, configuration).bind(host: endpoint.host, port: Int(endpoint.port))
            .whenComplete { result in
                let port = bound.value
                guard case .success(let channel) = result, !port.isClosed else {
                    if case .success(let channel) = result { channel.close(promise: nil) }
                    if !port.isClosed { port.scheduleReopening() }
                    return
                }
                port.channel = channel
                do {
                    try port.attach(channel)
                } catch {
                    channel.close(promise: nil)
                }
            }
    }
}

/// Hands what a socket reads to its port.
private final class DatagramReceiver: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let port: UDPPort

    init(port: UDPPort) { self.port = port }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        port.received(unwrapInboundIn(data))
    }

    /// An error of one datagram, such as an address that nobody listens on, says nothing about the others.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
