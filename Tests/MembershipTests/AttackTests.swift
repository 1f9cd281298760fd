import EventModel
import Membership
import SansIO
import Testing

/// What an attacker may try who holds the ring's key and one node's certificate, and what outsiders may try. Whatever they
/// do, no healthy node leaves any view.
@Suite struct AttackTests {
    /// Nine honest nodes and one, the last, whose certificate the attacker holds.
    private final class Scene {
        let cluster: TestCluster
        let attacker: TestCluster.Node
        var number: UInt32 = 1_000_000
        let honest = 0..<9

        init(seed: UInt64) throws {
            cluster = TestCluster(10, seed: seed)
            cluster.start()
            attacker = cluster.nodes[9]
            try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
            cluster.run(.seconds(5))
        }

        var domain: UInt64 { TestAuthority.digest(Array("example.com".utf8)[...]).high }

        /// A datagram of the attacker's own making, properly sealed, and signed with its key or with `signature`.
        func datagram(
            kind: UInt8,
            content: [UInt8],
            certificate: CertificateFingerprint? = nil,
            epoch: UInt64? = nil,
            signature: [UInt8]? = nil
        ) -> [UInt8] {
            number += 1
            var bytes: [UInt8] = [1, kind]
            bytes += Self.big(domain, 8)
            let name = (certificate ?? attacker.crypto.ownCertificate).digest
            bytes += Self.big(name.high, 8) + Self.big(name.low, 8)
            bytes += Self.big(epoch ?? attacker.instance.own.incarnation, 8) + Self.big(UInt64(number), 4)
            bytes += Self.big(0, 8)
            bytes += content
            let own = TestCrypto.signature(bytes[...], secret: attacker.crypto.own.secret)
            let signed = signature ?? own
            bytes += signed + [UInt8(signed.count)]
            attacker.crypto.seal(&bytes)
            return bytes
        }

        static func big(_ value: UInt64, _ count: Int) -> [UInt8] {
            (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * (count - 1 - $0))) }
        }

        static func item(_ kind: UInt8, _ content: [UInt8]) -> [UInt8] {
            [kind] + big(UInt64(content.count), 2) + content
        }

        /// A suspicion of a node, signed with the attacker's key, in whoever's name.
        func suspicion(
            of index: Int,
            signer: CertificateFingerprint? = nil,
            incarnation: UInt64? = nil,
            isVerdict: Bool = false
        ) -> [UInt8] {
            let subject = cluster.nodes[index].instance.own
            var bytes: [UInt8] = [0xC2, 1]
            bytes += Self.big(domain, 8)
            bytes += Self.big(subject.key.digest.high, 8) + Self.big(subject.key.digest.low, 8)
            bytes += Self.big(incarnation ?? subject.incarnation, 8)
            let name = (signer ?? attacker.crypto.ownCertificate).digest
            bytes += Self.big(name.high, 8) + Self.big(name.low, 8) + [isVerdict ? 1 : 0]
            return bytes + TestCrypto.signature(bytes[...], secret: attacker.crypto.own.secret)
        }

        func sendToAll(_ datagram: [UInt8]) {
            for index in honest {
                cluster.deliver(datagram, from: attacker.endpoint, to: cluster.nodes[index].endpoint)
            }
        }

        /// No honest node was declared dead by another, then or in the minute after.
        func expectUnharmed() {
            cluster.run(.seconds(60))
            for observer in honest {
                for subject in honest where subject != observer {
                    let state = cluster.state(of: subject, at: observer)
                    #expect(state == .alive || state == .suspect, "node \(subject) at node \(observer)")
                    #expect(cluster.nodes[observer].deaths(of: cluster.nodes[subject].identity) == 0)
                }
                #expect(cluster.nodes[observer].instance.members.count <= 10)
            }
        }
    }

    @Test func aForgedDeathIsRefused() throws {
        let scene = try Scene(seed: 31)
        for round in 0..<20 {
            let victim = round % 9
            // A verdict in its own name, and suspicions in the names of all others.
            scene.sendToAll(
                scene.datagram(kind: 6, content: Scene.item(2, scene.suspicion(of: victim, isVerdict: true)))
            )
            for other in scene.honest where other != victim {
                let name = scene.cluster.nodes[other].crypto.ownCertificate
                let forged = scene.suspicion(of: victim, signer: name)
                scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(2, forged)))
            }
            scene.cluster.run(.milliseconds(200))
        }
        #expect(scene.cluster.nodes[0].instance.counters.droppedForged > 0)
        scene.expectUnharmed()
    }

    @Test func aReplayedLifeDoesNotRaiseTheDead() throws {
        let scene = try Scene(seed: 32)
        var recorded: [([UInt8], NodeEndpoint, NodeEndpoint)] = []
        let victim = scene.cluster.nodes[4]
        scene.cluster.tap = { bytes, from, to in
            if from == victim.endpoint { recorded.append((bytes, from, to)) }
        }
        scene.cluster.run(.seconds(20))
        let (claim, _) = victim.instance.ownSignedClaim
        victim.isRunning = false
        scene.cluster.run(.seconds(15))
        #expect(scene.cluster.state(of: 4, at: 0) == .dead)
        for _ in 0..<5 {
            for (bytes, from, to) in recorded { scene.cluster.deliver(bytes, from: from, to: to) }
            scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(1, claim)))
            scene.cluster.run(.seconds(1))
        }
        for observer in scene.honest where observer != 4 {
            #expect(scene.cluster.state(of: 4, at: observer) == .dead)
        }
        #expect(scene.cluster.nodes[0].instance.counters.droppedReplayed > 0)
    }

    @Test func aFloodOfSuspicionsHarmsNobody() throws {
        let scene = try Scene(seed: 33)
        let before = scene.cluster.nodes[0].crypto.verifications
        for _ in 0..<300 {
            for victim in scene.honest {
                scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(2, scene.suspicion(of: victim))))
            }
            scene.cluster.run(.milliseconds(100))
        }
        let flooded = scene.cluster.nodes[0].alarms.contains { if case .suspicionFlood = $0 { true } else { false } }
        #expect(flooded)
        let ignored = scene.cluster.nodes[0].instance.counters.suspicionsIgnored
        #expect(ignored > 0)
        // 2,700 datagrams came from the attacker; what they set off stays of that order.
        #expect(scene.cluster.nodes[0].crypto.verifications - before < 60_000)
        scene.expectUnharmed()
    }

    /// Suspicions of a node that only the node itself hears: whatever it answers goes to everybody.
    @Test func privateSuspicionsMakeANodeSaySomethingNewOnlySoOften() throws {
        let scene = try Scene(seed: 45)
        let victim = scene.cluster.nodes[0]
        let refutations = victim.instance.counters.refutations
        for _ in 0..<1200 {
            let content = Scene.item(2, scene.suspicion(of: 0))
            scene.cluster.deliver(
                scene.datagram(kind: 6, content: content),
                from: scene.attacker.endpoint,
                to: victim.endpoint
            )
            scene.cluster.run(.milliseconds(100))
        }
        // In two minutes 90 by the attacker's share, 30 by that of floods.
        #expect(victim.instance.counters.refutations - refutations <= 121)
        #expect(victim.instance.counters.suspicionsIgnored > 0)
        for index in scene.honest { #expect(scene.cluster.nodes[index].instance.counters.claimsOverRate == 0) }
        scene.expectUnharmed()
    }

    @Test func aMemberThatLiesAboutEverythingItMaySayHarmsNobody() throws {
        let scene = try Scene(seed: 34)
        let node = scene.attacker
        let index = 9
        for round in 0..<100 {
            // Its own addresses are other nodes', its load and version change all the time.
            var description = node.instance.ownDescription
            description.gossip = scene.cluster.nodes[round % 9].endpoint
            description.peer = scene.cluster.nodes[(round + 1) % 9].endpoint
            description.pressure = UInt8(round)
            scene.cluster.perform(node.instance.changedDescription(description, now: scene.cluster.now), index)
            // It suspects everybody, and tells each that it is held dead.
            for victim in scene.honest {
                let subject = scene.cluster.nodes[victim].instance.own
                scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(2, scene.suspicion(of: victim))))
                var ping = Scene.big(UInt64(round), 8)
                ping += Scene.big(subject.key.digest.high, 8) + Scene.big(subject.key.digest.low, 8)
                ping += Scene.big(subject.incarnation, 8) + [2]
                scene.cluster.deliver(
                    scene.datagram(kind: 1, content: ping),
                    from: node.endpoint,
                    to: scene.cluster.nodes[victim].endpoint
                )
            }
            scene.cluster.run(.milliseconds(300))
        }
        scene.expectUnharmed()
    }

    @Test func claimsOfOthersInAnAttackersWordsAreRefused() throws {
        let scene = try Scene(seed: 35)
        let (claim, _) = scene.cluster.nodes[2].instance.ownSignedClaim
        for offset in 0..<claim.count {
            // Every byte of a true claim changed once, raised incarnations among them.
            var changed = claim
            changed[offset] &+= 1
            scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(1, changed)))
            if offset % 20 == 0 { scene.cluster.run(.milliseconds(100)) }
        }
        let other = try #require(scene.cluster.nodes[0].instance.member(scene.cluster.nodes[2].instance.own.key))
        #expect(other.description == scene.cluster.nodes[2].instance.own.description)
        scene.expectUnharmed()
    }

    @Test func numbersThatAnAttackerUsesUpAreItsOwn() throws {
        let scene = try Scene(seed: 36)
        // In another node's name with the highest number: the signature is wrong, so its window does not move.
        for other in scene.honest {
            let name = scene.cluster.nodes[other].crypto.ownCertificate
            scene.number = .max - 5
            scene.sendToAll(scene.datagram(kind: 6, content: [], certificate: name))
        }
        scene.expectUnharmed()
        let suspicions = scene.honest.reduce(0) { $0 + scene.cluster.nodes[$1].instance.counters.suspicionsRaised }
        #expect(suspicions == 0)
    }

    @Test func wrongSignaturesInEverybodysNameSilenceNobody() throws {
        let scene = try Scene(seed: 39)
        let names = scene.honest.map { scene.cluster.nodes[$0].crypto.ownCertificate }
        let victim = scene.cluster.nodes[0]
        let before = victim.crypto.verifications
        // Nine thousand a second, more than are checked in all names; of epochs that would be believed.
        let epoch = UInt64(scene.cluster.now.milliseconds) + 3_600_000
        for _ in 0..<5000 {
            for name in names {
                let forged = scene.datagram(kind: 6, content: [], certificate: name, epoch: epoch)
                scene.cluster.deliver(forged, from: scene.attacker.endpoint, to: victim.endpoint)
            }
            scene.cluster.run(.milliseconds(1))
        }
        #expect(victim.instance.counters.droppedOverRate > 10_000)
        #expect(victim.crypto.verifications - before < 5 * 4400 + 4000)
        let suspicions = scene.honest.reduce(0) { $0 + scene.cluster.nodes[$1].instance.counters.suspicionsRaised }
        #expect(suspicions == 0)
        scene.expectUnharmed()
    }

    /// Wrong signatures in a node's name count against where they come from, so they silence nobody else.
    @Test func aFloodOfWrongSignaturesInANodesNameDoesNotSilenceIt() throws {
        let scene = try Scene(seed: 44)
        let victim = scene.cluster.nodes[4]
        let name = victim.crypto.ownCertificate
        let before = scene.cluster.nodes[0].crypto.verifications
        let overRate = scene.cluster.nodes[0].instance.counters.droppedOverRate
        let seconds = 15
        for _ in 0..<(seconds * 10) {
            for round in 0..<100 {
                let datagram = scene.datagram(kind: 6, content: [UInt8(round)], certificate: name)
                for index in scene.honest where index != 4 {
                    let node = scene.cluster.nodes[index]
                    scene.cluster.deliver(datagram, from: scene.attacker.endpoint, to: node.endpoint)
                }
            }
            scene.cluster.run(.milliseconds(100))
        }
        let node = scene.cluster.nodes[0]
        #expect(node.instance.counters.droppedOverRate - overRate > 5000, "1,000 a second came, 400 are checked")
        let rate = scene.cluster.configuration.datagramsPerSecondPerSource
        #expect(node.crypto.verifications - before < (seconds + 2) * rate * 3 / 2)
        for observer in scene.honest where observer != 4 {
            #expect(scene.cluster.state(of: 4, at: observer) == .alive)
            #expect(scene.cluster.nodes[observer].deaths() == 0)
        }
        let suspicions = scene.honest.reduce(0) { $0 + scene.cluster.nodes[$1].instance.counters.suspicionsRaised }
        #expect(suspicions == 0)
        scene.expectUnharmed()
    }

    @Test func outsidersWithoutTheKeyAreNotHeard() throws {
        let scene = try Scene(seed: 37)
        scene.attacker.crypto.primaryKey = 99
        let before = scene.cluster.nodes[0].crypto.verifications
        for _ in 0..<500 { scene.sendToAll(scene.datagram(kind: 6, content: [])) }
        #expect(scene.cluster.run(atMost: .milliseconds(10)) { false } == nil)
        #expect(scene.cluster.nodes[0].instance.counters.droppedUnsealed == 500)
        #expect(scene.cluster.nodes[0].instance.counters.droppedOverRate == 0)
        #expect(scene.cluster.nodes[0].crypto.verifications - before < 20)
        scene.expectUnharmed()
    }

    @Test func aMemberMayNotClaimAnAccountOutsideItsScope() throws {
        let mine = try #require(AccountID("111111111111"))
        let foreign = try #require(AccountID("222222222222"))
        let cluster = TestCluster(3, seed: 38)
        let identity = TestCluster.identity("edge")
        let certificate = cluster.authority.issue(identity, scope: AccountScope(accounts: [mine]))
        cluster.add(name: "edge", certificate: certificate, accounts: [mine, foreign])
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        for node in cluster.nodes {
            #expect(node.instance.directory.entry(for: mine)?.nodes.map(\.identity) == [identity])
            #expect(node.instance.directory.entry(for: foreign) == nil)
        }
        #expect(cluster.nodes[0].instance.counters.accountsOutsideScope == 1)
        #expect(cluster.nodes[0].alarms.contains(.accountOutsideScope(identity, foreign)))
    }

    @Test func unknownVersionsTypesAndItemsAreSkipped() throws {
        let scene = try Scene(seed: 39)
        let suspicion = Scene.item(2, scene.suspicion(of: 3))
        scene.sendToAll(scene.datagram(kind: 200, content: [1, 2, 3]))
        scene.cluster.run(.milliseconds(10))
        #expect(scene.cluster.nodes[0].instance.counters.droppedUnknown == 1)
        // An unknown item is skipped, and what follows it is heard.
        scene.sendToAll(scene.datagram(kind: 6, content: Scene.item(99, [1, 2, 3]) + suspicion))
        scene.cluster.run(.milliseconds(10))
        #expect(scene.cluster.nodes[0].instance.counters.itemsSkipped == 1)
        #expect(scene.cluster.nodes[0].instance.counters.suspicionsHeard == 1)
        scene.expectUnharmed()
    }

    /// Real datagrams, mutated by seed after opening and sealed again, so that they reach the parsers; and raw garbage.
    @Test(arguments: [41, 42, 43] as [UInt64])
    func garbageAndTruncatedDatagramsHarmNobody(seed: UInt64) throws {
        print("seed", seed)
        let scene = try Scene(seed: seed)
        var generator = SeededGenerator(seed: seed)
        var recorded: [[UInt8]] = []
        scene.cluster.tap = { bytes, _, _ in if recorded.count < 400 { recorded.append(bytes) } }
        scene.cluster.nodes[3].isRunning = false
        scene.cluster.run(.seconds(8))
        scene.cluster.restart(3)
        scene.cluster.run(.seconds(4))
        scene.cluster.tap = nil
        for round in 0..<3000 {
            var bytes = recorded[round % recorded.count]
            _ = scene.attacker.crypto.open(&bytes)
            for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                        in: 0...255,
                        using: &generator
                    )
                case 1: bytes.removeLast(Int.random(in: 0...min(bytes.count, 40), using: &generator))
                case 2:
                    bytes.insert(
                        UInt8.random(in: 0...255, using: &generator),
                        at: Int.random(in: 0...bytes.count, using: &generator)
                    )
                default:
                    let position = Int.random(in: 0..<bytes.count, using: &generator)
                    bytes[position] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator) ?? 0
                }
            }
            if round % 2 == 0, bytes.count > 46 {
                // Signed again with the attacker's own key, to reach what lies behind the signature.
                bytes = scene.datagram(kind: bytes[1], content: Array(bytes[46...].dropLast(65)))
            } else if round % 5 != 0 {
                scene.attacker.crypto.seal(&bytes)
            }
            let victim = scene.cluster.nodes[round % 9]
            scene.cluster.deliver(bytes, from: scene.attacker.endpoint, to: victim.endpoint)
            if round % 10 == 0 { scene.cluster.run(.milliseconds(20)) }
        }
        scene.cluster.run(.seconds(60))
        for observer in scene.honest where observer != 3 {
            for subject in scene.honest where subject != observer && subject != 3 {
                #expect(scene.cluster.nodes[observer].deaths(of: scene.cluster.nodes[subject].identity) == 0)
            }
        }
    }
}
