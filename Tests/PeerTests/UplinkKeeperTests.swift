import Cluster
import EventModel
import PeerProtocol
import SansIO
import Simulation
import Testing

/// Addresses of seeds are names that lead now here, now there (DESIGN §7).
@Suite struct UplinkKeeperTests {
    /// Opens channels to whatever node an address leads to.
    private final class Links: PeerLinkPort {
        let shard: VirtualShard
        /// The node behind each host.
        var nodes: [String: String] = [:]
        private(set) var channels: [ScriptedChannel] = []

        init(_ shard: VirtualShard) {
            self.shard = shard
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
            let channel = ScriptedChannel(
                node: "spiffe://example.com/cell/centre/node/\(nodes[peer.endpoint.host] ?? "")"
            )
            channels.append(channel)
            _ = shard.schedule(after: .milliseconds(5)) { completion(.success(channel)) }
        }
    }

    private final class NoQuestions: PeerFrameHandler {
        func answer(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
        func explain(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
    }

    private let shard = VirtualShard()
    private let handler = NoQuestions()

    private func keeper(_ links: Links, _ hosts: [String]) -> UplinkKeeper {
        UplinkKeeper(
            to: hosts.map { PeerAddress(endpoint: NodeEndpoint(host: $0, port: 1), uri: nil) },
            trustDomain: "example.com",
            links: links,
            clock: shard,
            seed: 4,
            handler: handler,
            accounts: { [PeerScene.b] }
        )
    }

    @Test func anAddressThatLeadsElsewhereOneDayGetsItsUplink() {
        let links = Links(shard)
        links.nodes = ["one": "n1", "two": "n1"]
        let keeper = keeper(links, ["one", "two"])
        var changes: [UplinkKeeper.Change] = []
        keeper.onChange = { changes.append($0) }
        keeper.start()
        shard.advance(by: .seconds(2))
        #expect(keeper.open.map(\.endpoint.host) == ["one"])
        #expect(changes.count == 2, "one is up, and of two it is said once why it is not")
        #expect(links.channels.prefix(2).map(\.isClosed) == [false, true])
        changes = []
        links.nodes["two"] = "n2"
        shard.advance(by: .seconds(20))
        #expect(keeper.open.map(\.endpoint.host) == ["one", "two"])
        #expect(links.channels.first?.isClosed == false, "the other one was left alone")
        #expect(changes.count == 1)
    }

    /// The node at the other end holds another claim of this one than what it was told.
    @Test func aHeldClaimIsHandedOnAndWhatIsNoneEndsTheUplink() throws {
        let links = Links(shard)
        links.nodes = ["one": "n1"]
        let keeper = keeper(links, ["one"])
        var held: [LeafPresence] = []
        keeper.onHeldClaim = { held.append($0) }
        keeper.start()
        shard.advance(by: .seconds(1))
        let channel = try #require(links.channels.first)
        let presence = LeafPresence(claim: [1, 2, 3], chain: [4])
        channel.hear(.heldClaim, 0, UplinkGreeting(accounts: [], presence: presence).encoded)
        channel.hear(.heldClaim, 0, UplinkGreeting(accounts: []).encoded)
        #expect(held == [presence])
        #expect(!channel.isClosed)
        channel.hear(.heldClaim, 0, [])
        #expect(channel.isClosed)
        #expect(held.count == 1)
    }
}
