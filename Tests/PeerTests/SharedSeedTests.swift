import Cluster
import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

/// Several seeds that lead to one node: both sides mean the same uplink, and none is lost over it (DESIGN §7).
@Suite struct SharedSeedTests {
    private static let edge = "spiffe://example.com/cell/edge/node/n"
    private static let centre = "spiffe://example.com/cell/centre/node/n"

    /// One end of a channel whose messages take a while.
    private final class End: PeerChannel {
        let identity: CertificateIdentity
        var onMessage: (([UInt8]) -> Void)? {
            didSet { if let onMessage { for message in early.splice() { onMessage(message) } } }
        }
        var onClose: ((PeerLinkError?) -> Void)? {
            didSet {
                guard isOver, let onClose else { return }
                _ = shard.schedule(after: .zero) { onClose(nil) }
            }
        }
        /// Whether the other side has closed.
        private var isOver = false
        var onDrained: (() -> Void)?
        let unsentBytes = 0
        private(set) var isClosed = false
        private var early: [[UInt8]] = []
        private let shard: VirtualShard
        private let delay: Duration
        weak var other: End?

        init(_ shard: VirtualShard, peer: String, delay: Duration) {
            self.shard = shard
            self.delay = delay
            identity = CertificateIdentity(uris: [peer], dnsNames: ["*.account.example.com"])
        }

        func send(_ message: [UInt8]) {
            guard !isClosed else { return }
            _ = shard.schedule(after: delay) { [weak other] in other?.hear(message) }
        }

        private func hear(_ message: [UInt8]) {
            guard !isClosed else { return }
            if let onMessage { onMessage(message) } else { early.append(message) }
        }

        func close() {
            guard !isClosed else { return }
            isClosed = true
            _ = shard.schedule(after: delay) { [weak other] in other?.hearClose() }
        }

        private func hearClose() {
            guard !isClosed else { return }
            isClosed = true
            isOver = true
            onClose?(nil)
        }
    }

    /// A node that takes the last channel for the uplink, as releases did that knew one channel of a node.
    private final class EarlierRegistry: PeerChannelAcceptor {
        private(set) var channel: (any PeerChannel)?
        private(set) var greetings = 0

        func refusal(path: String, connection: HTTPConnectionInfo) -> HTTPResponse? { nil }

        func accepted(_ channel: any PeerChannel, path: String) {
            self.channel?.close()
            self.channel = channel
            channel.onMessage = { [weak self] in
                if (try? ChannelMessage.decode($0))??.kind == .greeting { self?.greetings += 1 }
                if (try? ChannelMessage.decode($0))??.kind == .ping {
                    channel.send(ChannelMessage(.pong).encoded)
                }
            }
        }
    }

    /// Every address leads to one node.
    private final class Links: PeerLinkPort {
        let shard: VirtualShard
        let node: any PeerChannelAcceptor
        private var generator: SeededGenerator
        /// The far ends, which nobody else keeps once the node has let go of them.
        private var ends: [End] = []

        init(_ shard: VirtualShard, _ node: any PeerChannelAcceptor, seed: UInt64) {
            self.shard = shard
            self.node = node
            generator = SeededGenerator(seed: seed)
        }

        func exchange(
            _ body: [UInt8],
            path: String,
            with peer: PeerAddress,
            timeout: Duration,
            completion: @escaping (Result<PeerReply, PeerLinkError>) -> Void
        ) {}

        func openChannel(
            path: String,
            with peer: PeerAddress,
            completion: @escaping (Result<any PeerChannel, PeerLinkError>) -> Void
        ) {
            let delay = Duration.milliseconds(Int64.random(in: 1...40, using: &generator))
            let near = End(shard, peer: SharedSeedTests.centre, delay: delay)
            let far = End(shard, peer: SharedSeedTests.edge, delay: delay)
            near.other = far
            far.other = near
            ends += [near, far]
            _ = shard.schedule(after: delay) { [self] in
                node.accepted(far, path: path)
                _ = shard.schedule(after: delay) { completion(.success(near)) }
            }
        }
    }

    private final class NoQuestions: PeerFrameHandler {
        func answer(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
        func explain(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
    }

    private let shard = VirtualShard()
    private let handler = NoQuestions()

    private func keeper(_ links: Links, _ count: Int, seed: UInt64) -> UplinkKeeper {
        UplinkKeeper(
            to: (0..<count).map { PeerAddress(endpoint: NodeEndpoint(host: "h\($0)", port: 1), uri: nil) },
            trustDomain: "example.com",
            links: links,
            clock: shard,
            seed: seed,
            handler: handler,
            accounts: { [PeerScene.b] }
        )
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>, [2, 5])
    func neitherSideDropsTheUplinkThatTheOtherKeeps(seed: UInt64, seeds: Int) {
        let registry = UplinkRegistry(trustDomain: "example.com", clock: shard)
        registry.handler = handler
        var changes: [UplinkRegistry.Change] = []
        registry.onChange = { changes.append($0) }
        let keeper = keeper(Links(shard, registry, seed: seed), seeds, seed: seed)
        var lost: [String] = []
        keeper.onChange = { if case .down(_, let reason) = $0 { lost.append(reason) } }
        keeper.start()
        shard.advance(by: .milliseconds(200))
        #expect(keeper.open.count == 1)
        #expect(registry.nodes.map(\.accounts) == [[PeerScene.b]])
        shard.advance(by: .seconds(600))
        #expect(keeper.open.count == 1)
        #expect(changes.count == 1, "up once, and never down: \(changes)")
        #expect(lost.count == seeds - 1 && lost.allSatisfy { $0.hasPrefix("Another address leads to") }, "\(lost)")
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func aNodeOfAnEarlierReleaseCutsTheUplinkOnceInTenMinutesAndNotEachMinute(seed: UInt64) throws {
        let node = EarlierRegistry()
        let keeper = keeper(Links(shard, node, seed: seed), 2, seed: seed)
        var ups = 0
        keeper.onChange = { if case .up = $0 { ups += 1 } }
        keeper.start()
        shard.advance(by: .milliseconds(200))
        #expect(keeper.open.count == 1, "the further channel took the place of the first at once")
        let atFirst = ups
        #expect(atFirst <= 2)
        shard.advance(by: .seconds(590))
        #expect(keeper.open.count == 1 && ups == atFirst)
        shard.advance(by: .seconds(3_600))
        #expect(keeper.open.count == 1)
        #expect((atFirst + 4...atFirst + 7).contains(ups), "an address may lead elsewhere one day: \(ups - atFirst)")
        #expect(node.greetings >= 1)
        let before = ups
        node.channel?.close()
        shard.advance(by: .seconds(200))
        #expect(keeper.open.count == 1 && ups > before, "and a lost one is opened anew")
    }
}

extension [[UInt8]] {
    /// The elements, which are gone from here then.
    fileprivate mutating func splice() -> [[UInt8]] {
        defer { removeAll() }
        return self
    }
}
