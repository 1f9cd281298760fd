import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct UDPPortTests {
    /// A port on loopback and what came to it.
    private final class Station: Sendable {
        let port: NIOLoopBound<UDPPort>
        let loop: any EventLoop
        let received = Mutex<[[UInt8]]>([])

        init(_ configuration: UDPConfiguration = UDPConfiguration(), host: String = "127.0.0.1") async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            self.loop = loop
            port = try await UDPPort.open(on: loop, host: host, port: 0, configuration: configuration).get()
            try await loop.submit { [self] in
                port.value.onReceive = { [self] bytes, _ in received.withLock { $0.append(bytes) } }
            }.get()
        }

        func endpoint() async throws -> NodeEndpoint { try await loop.submit { self.port.value.endpoint }.get() }
        func counters() async throws -> UDPCounters { try await loop.submit { self.port.value.counters }.get() }

        func send(_ datagrams: [[UInt8]], to endpoint: NodeEndpoint) async throws {
            try await loop.submit { for bytes in datagrams { self.port.value.send(bytes, to: endpoint) } }.get()
        }

        func close() async throws { try await loop.flatSubmit { self.port.value.close() }.get() }
    }

    @Test func datagramsOfOneTurnArriveWithTheirSender() async throws {
        let left = try await Station()
        let right = try await Station()
        let sender = try await left.endpoint()
        let senders = Mutex<Set<NodeEndpoint>>([])
        try await right.loop.submit {
            right.port.value.onReceive = { bytes, endpoint in
                right.received.withLock { $0.append(bytes) }
                senders.withLock { _ = $0.insert(endpoint) }
            }
        }.get()
        let datagrams = (0..<100).map { [UInt8](repeating: UInt8($0), count: $0 * 14) }
        try await left.send(datagrams, to: try await right.endpoint())
        try await Eventually.holds { right.received.withLock { $0.count } == 100 }
        #expect(right.received.withLock { $0 } == datagrams)
        #expect(senders.withLock { $0 } == [sender])
        let counters = try await left.counters()
        #expect(counters.sent == 100)
        #expect(counters.sentBytes == UInt64((0..<100).reduce(0) { $0 + $1 * 14 }))
        #expect(try await right.counters().receivedBytes == counters.sentBytes)
        try await left.close()
        try await right.close()
    }

    @Test func whatIsTooLongIsNeitherSentNorTaken() async throws {
        var large = UDPConfiguration()
        large.maximumBytes = 4_000
        let left = try await Station(large)
        let right = try await Station()
        let endpoint = try await right.endpoint()
        try await left.send([[UInt8](repeating: 1, count: 4_001)], to: endpoint)
        #expect(try await left.counters().sendDrops == 1)
        try await left.send([[UInt8](repeating: 1, count: 1_401), [UInt8](repeating: 2, count: 1_400)], to: endpoint)
        try await Eventually.holds { right.received.withLock { !$0.isEmpty } }
        #expect(right.received.withLock { $0 } == [[UInt8](repeating: 2, count: 1_400)])
        #expect(try await right.counters().oversized == 1)
        try await left.close()
        try await right.close()
    }

    @Test func addressesOfNoUseAreDropped() async throws {
        let station = try await Station()
        for host in ["::1", "node.example", ""] {
            try await station.send([[1]], to: NodeEndpoint(host: host, port: 7_000))
        }
        try await station.send([[1]], to: NodeEndpoint(host: "127.0.0.1", port: 0))
        let counters = try await station.counters()
        #expect(counters.sendDrops == 4)
        #expect(counters.sent == 0)
        try await station.close()
    }

    /// A broadcast address ends a socket that may not broadcast, and any node can announce one.
    @Test func aSocketThatAnAddressEndedIsOpenedAgainOnItsPort() async throws {
        let left = try await Station()
        let right = try await Station()
        let endpoint = try await left.endpoint()
        try await left.send([[1]], to: NodeEndpoint(host: "255.255.255.255", port: 9))
        try await Eventually.holds { try await left.counters().reopenings > 0 }
        #expect(try await left.counters().sendFailures == 1)
        try await Eventually.holds {
            try await right.send([[7]], to: endpoint)
            return left.received.withLock { !$0.isEmpty }
        }
        let target = try await right.endpoint()
        try await left.send([[8]], to: target)
        try await Eventually.holds { right.received.withLock { $0 } == [[8]] }
        try await left.close()
        try await right.close()
    }

    @Test func aFloodIsDroppedBeyondTheLimitOfASecond() async throws {
        var configuration = UDPConfiguration()
        configuration.maximumReceivedPerSecond = 10
        let left = try await Station()
        let right = try await Station(configuration)
        let endpoint = try await right.endpoint()
        let start = ContinuousClock.now
        try await left.send((0..<200).map { [UInt8($0)] }, to: endpoint)
        try await Eventually.holds { try await right.counters().receiveDrops > 0 }
        // Ten in each second that the reading took, and in the one that it began in.
        let received = right.received.withLock { $0.count }
        #expect(received <= 10 * (Int(start.duration(to: .now).components.seconds) + 2))
        try await left.close()
        try await right.close()
    }

    @Test func whatTheSocketDoesNotTakeIsDroppedBeyondTheLimit() async throws {
        var configuration = UDPConfiguration()
        configuration.maximumUnsentBytes = 14_000
        let left = try await Station(configuration)
        let right = try await Station()
        // One turn of the loop: nothing is given to the system before its end.
        try await left.send(
            (0..<100).map { _ in [UInt8](repeating: 0, count: 1_400) },
            to: try await right.endpoint()
        )
        let counters = try await left.counters()
        #expect(counters.sendDrops > 80)
        #expect(counters.sent + counters.sendDrops == 100)
        try await left.close()
        try await right.close()
    }

    @Test func aClosedPortIsSilent() async throws {
        let station = try await Station()
        let endpoint = try await station.endpoint()
        try await station.close()
        try await station.send([[1]], to: endpoint)
        #expect(try await station.counters().sendDrops == 1)
        #expect(try await station.counters().reopenings == 0)
        try await station.close()
    }

    @Test func limitsThatMakeNoSenseAreRefused() async throws {
        var configuration = UDPConfiguration()
        configuration.maximumBytes = 0
        configuration.datagramsPerRead = 0
        #expect(configuration.validate().count == 2)
        await #expect(throws: UDPPort.InvalidConfiguration.self) { try await Station(configuration) }
    }
}
