import EventModel
import SansIO
import Testing

@testable import Membership

/// One member that lies about everything it may say, in every kind of message, for minutes. Whatever it says: no honest node
/// leaves any view, no account or leaf of theirs is lost, and what is kept and checked stays bounded.
@Suite struct LyingMemberTests {
    /// Seven honest nodes, a leaf with an uplink to the second, and the liar, the eighth.
    private final class Scene {
        let cluster: TestCluster
        let leaf: NodeKey
        let honest = 0..<7
        let liar = 7
        var generator: SeededGenerator
        var number: UInt32 = 1_000_000
        var incarnation: UInt64

        init(seed: UInt64) throws {
            cluster = TestCluster(0, seed: seed)
            generator = SeededGenerator(seed: seed)
            for index in 0..<7 {
                let accounts = AccountListTests.accounts(index == 3 ? 200 : 2, from: Self.first(index))
                cluster.add(name: "n\(index)", accounts: accounts)
            }
            let identity = TestCluster.identity("liar")
            let scope = AccountScope(accounts: AccountListTests.accounts(2, from: Self.first(7)))
            cluster.add(name: "liar", certificate: cluster.authority.issue(identity, scope: scope))
            cluster.start()
            let edge = cluster.add(name: "edge", accounts: [TestCluster.anyAccount], role: .leaf)
            edge.isRunning = false
            leaf = edge.instance.own.key
            incarnation = cluster.nodes[7].instance.own.incarnation
            let cluster = self.cluster
            let convergence = cluster.run(atMost: .seconds(20)) { cluster.isConverged }
            try #require(convergence != nil)
            var description = edge.instance.ownDescription
            description.sponsors = [1, 7].map { cluster.nodes[$0].instance.own.key }
            _ = edge.instance.changedDescription(description, now: cluster.now)
            let (claim, chain) = edge.instance.ownSignedClaim
            let sponsor = cluster.nodes[1]
            let actions = sponsor.instance.leafAttached(
                claim: claim,
                chain: chain,
                now: cluster.now,
                using: &sponsor.generator
            ).actions
            cluster.perform(actions, 1)
            cluster.run(.seconds(10))
        }

        static func first(_ index: Int) -> UInt64 { 200_000_000_000 + UInt64(index) * 1_000_000 }

        var node: TestCluster.Node { cluster.nodes[liar] }

        func random(_ count: Int) -> [UInt8] { (0..<count).map { _ in .random(in: 0...255, using: &generator) } }

        func anyone() -> Int { Int.random(in: honest, using: &generator) }

        func key(_ index: Int) -> NodeKey { cluster.nodes[index].instance.own.key }

        func signed(_ bytes: [UInt8]) -> [UInt8] {
            bytes + TestCrypto.signature(bytes[...], secret: node.crypto.own.secret)
        }

        func send(_ kind: MessageHeader.Kind, _ content: [UInt8], to target: Int) {
            number += 1
            var bytes: [UInt8] = []
            MessageHeader(
                kind: kind,
                domain: node.instance.domain,
                certificate: node.crypto.ownCertificate,
                epoch: node.instance.records[0].claim.epoch,
                number: number,
                viewSum: UInt64.random(in: 0 ... .max, using: &generator)
            ).append(to: &bytes)
            bytes = signed(bytes + content)
            bytes.append(64 as UInt8)
            node.crypto.seal(&bytes)
            cluster.deliver(bytes, from: node.endpoint, to: cluster.nodes[target].endpoint)
        }

        func item(_ kind: MessageHeader.ItemKind, _ content: [UInt8]) -> [UInt8] {
            var bytes: [UInt8] = []
            node.instance.appendItem(kind, content, to: &bytes)
            return bytes
        }

        /// A claim about itself that is as untrue as it can be.
        func claim() -> [UInt8] {
            incarnation += UInt64.random(in: 1...50, using: &generator)
            var claim = node.instance.records[0].claim
            claim.incarnation = incarnation
            claim.life = Int.random(in: 0..<8, using: &generator) == 0 ? .left : .alive
            claim.description.role = Int.random(in: 0..<8, using: &generator) == 0 ? .leaf : .core
            claim.description.gossip = cluster.nodes[anyone()].endpoint
            claim.description.peer = cluster.nodes[anyone()].endpoint
            claim.description.pressure = .random(in: 0...255, using: &generator)
            claim.description.accounts = AccountListTests.accounts(64, from: Scene.first(anyone()))
            claim.description.sponsors = claim.description.role == .leaf ? [key(anyone())] : []
            if Bool.random(using: &generator) {
                let digest = Digest128(high: 0, low: .random(in: 0...30, using: &generator))
                claim.accountList = AccountListName(count: .random(in: 0...12_000, using: &generator), digest: digest)
            }
            var bytes = claim.unsigned(domain: node.instance.domain)
            bytes.appendSignature(TestCrypto.signature(bytes[...], secret: node.crypto.own.secret))
            return bytes
        }

        func suspicion() -> [UInt8] {
            let subject = cluster.nodes[anyone()].instance.own
            return signed(
                SuspicionStatement(
                    domain: node.instance.domain,
                    subject: subject.key,
                    incarnation: subject.incarnation,
                    signer: node.crypto.ownCertificate,
                    isVerdict: Bool.random(using: &generator)
                ).unsigned
            )
        }

        func word() -> [UInt8] {
            let own = node.crypto.ownCertificate
            let certificates = [own, node.instance.certificate(ofLeaf: leaf) ?? own]
            return signed(
                AttachmentStatement(
                    domain: node.instance.domain,
                    leaf: leaf,
                    certificate: certificates[Int.random(in: 0..<2, using: &generator)],
                    signer: node.crypto.ownCertificate,
                    number: incarnation + UInt64.random(in: 0...1000, using: &generator),
                    isAttached: Bool.random(using: &generator)
                ).unsigned
            )
        }

        func ping() -> [UInt8] {
            var bytes: [UInt8] = []
            let subject = cluster.nodes[anyone()].instance.own
            PingBody(
                nonce: .random(in: 0 ... .max, using: &generator),
                target: subject.key,
                incarnation: subject.incarnation,
                state: .dead,
                isRelayed: Bool.random(using: &generator)
            ).append(to: &bytes)
            return bytes
        }

        /// One lie of each kind to somebody.
        func lie() {
            send(.ping, ping() + item(.claim, claim()), to: anyone())
            send(.ack, random(16) + item(.suspicion, suspicion()), to: anyone())
            send(.pingRequest, ping(), to: anyone())
            send(.relayedAck, [0, 40] + random(40), to: anyone())
            send(.nack, random(24), to: anyone())
            send(.gossip, item(.suspicion, suspicion()) + item(.attachment, word()), to: anyone())
            send(.gossip, item(.claim, claim()), to: anyone())
            var wanted: [UInt8] = []
            wanted.append(cluster.nodes[anyone()].crypto.ownCertificate.digest)
            send(.chainRequest, wanted, to: anyone())
            send(.chainPart, wanted + [4, 0, 0, 0] + random(800), to: anyone())
            sync(to: anyone())
        }

        /// A sync that says that everybody is dead, wants everything and brings lists that are none.
        func sync(to target: Int) {
            let victim = cluster.nodes[target]
            _ = victim.instance.receivedSyncRequest(
                body(Bool.random(using: &generator) ? .pull : .push),
                from: node.identity,
                now: cluster.now,
                using: &victim.generator
            )
        }

        func body(_ kind: SyncMessage.Kind) -> [UInt8] {
            var body = SyncMessage.begin(kind, domain: node.instance.domain, viewSum: 1, leafSum: 2)
            var digest: [UInt8] = []
            var wanted: [UInt8] = []
            for index in honest {
                let own = cluster.nodes[index].instance.own
                SyncMessage.append(
                    SyncMessage.Entry(key: own.key, incarnation: own.incarnation, certificate: 0, state: .dead),
                    to: &digest
                )
                wanted.append(own.key.digest)
            }
            SyncMessage.append(.digest, digest, to: &body)
            SyncMessage.append(.wanted, wanted, to: &body)
            SyncMessage.append(.leafDigest, [], to: &body)
            SyncMessage.append(.claim, claim(), to: &body)
            SyncMessage.append(.suspicion, suspicion(), to: &body)
            SyncMessage.append(.attachment, word(), to: &body)
            SyncMessage.append(.chain, random(200), to: &body)
            SyncMessage.append(.listRequest, random(100), to: &body)
            var list: [UInt8] = []
            list.append(AccountListName(count: 100, digest: Digest128(high: 0, low: 3)))
            SyncMessage.append(.accountList, list + random(500), to: &body)
            if let name = cluster.nodes[3].instance.records[0].claim.accountList {
                var list: [UInt8] = []
                list.append(name)
                SyncMessage.append(.accountList, list + random(1000), to: &body)
            }
            return body
        }
    }

    @Test(arguments: [901, 902, 903] as [UInt64]) func harmsNobody(seed: UInt64) throws {
        let scene = try Scene(seed: seed)
        let cluster = scene.cluster
        // What others ask of it, it answers with lies too.
        cluster.falsify = { index, answer in
            guard index == scene.liar, let answer, answer.count > 1 else { return answer }
            return scene.body(answer[1] == SyncMessage.Kind.pullAnswer.rawValue ? .pullAnswer : .pushAnswer)
        }
        let before = cluster.nodes[0].crypto.verifications
        let seconds = 60
        for _ in 0..<(seconds * 5) {
            scene.lie()
            cluster.run(.milliseconds(200))
        }
        let verifications = cluster.nodes[0].crypto.verifications - before
        #expect(verifications < seconds * 400, "\(verifications) verifications in \(seconds) s")
        for index in scene.honest {
            let node = cluster.nodes[index]
            #expect(node.deaths() == node.deaths(of: scene.node.identity), "node \(index), seed \(seed)")
            #expect(node.instance.members.count <= 9)
            #expect(node.instance.leafCount <= 2)
            #expect(node.instance.lists.reserved <= 200 + 2 * MembershipLimits.accountsPerNode)
            #expect(node.instance.syncing.exchanges.count <= 8)
        }
        // It stops: everything honest is as it was.
        scene.node.isRunning = false
        cluster.falsify = nil
        cluster.canLink = { from, to in from != scene.liar && to != scene.liar }
        let accounts = AccountListTests.accounts(200, from: Scene.first(3))
        let isWell = {
            scene.honest.allSatisfy { observer in
                let view = cluster.nodes[observer].instance
                return scene.honest.allSatisfy { cluster.state(of: $0, at: observer) == .alive }
                    && view.directory.entry(for: TestCluster.anyAccount)?.nodes.first?.sponsors.contains {
                        $0.node == "n1"
                    } == true
                    && accounts.allSatisfy { view.directory.entry(for: $0)?.nodes.first?.identity.node == "n3" }
            }
        }
        #expect(cluster.run(atMost: .seconds(180), until: isWell) != nil, "seed \(seed)")
    }
}
