import Cluster
import EventModel
import Membership
import PeerProtocol
import SansIO
import Simulation
import Testing

/// A cell with several uplinks: what one of them did not bring there goes over another (DESIGN §7).
@Suite struct UplinkForwardTests {
    private static let large = 1 << 20
    private let shard = VirtualShard()
    private let registry: UplinkRegistry
    private let forwarder: PeerForwarder

    init() {
        registry = UplinkRegistry(trustDomain: "example.com", clock: shard)
        forwarder = PeerForwarder(
            directory: StaticDirectory(),
            links: ScriptedLinks(shard),
            clock: shard,
            seed: 3,
            settings: ForwarderSettings(trustDomain: "example.com")
        )
        forwarder.uplinks = registry
    }

    private func open(_ number: Int) -> ScriptedChannel {
        let channel = ScriptedChannel(node: "spiffe://example.com/cell/edge/node/n\(number)")
        registry.accepted(channel, path: PeerPath.uplink)
        channel.hear(.greeting, 0, UplinkGreeting(accounts: [PeerScene.b]).encoded)
        return channel
    }

    private func send(_ number: UInt64, note: @escaping (Result<PeerVerdict, ForwardFailure>) -> Void) {
        let entry = ForwardEntry(
            id: DeliveryID(event: number, target: 1),
            sourceAccount: PeerScene.a,
            principal: "p",
            bus: "b",
            envelope: [UInt8](repeating: 32, count: 100)
        )
        forwarder.forward(entry, to: PeerScene.b, completion: note)
        shard.run()
    }

    private func ids(_ channel: ScriptedChannel) -> [UInt64] {
        channel.questions.flatMap(\.items).compactMap { item in
            guard case .entry(let entry) = item else { return nil }
            return entry.id.event
        }
    }

    private func accept(_ frame: ForwardFrame) -> VerdictFrame {
        VerdictFrame(verdicts: frame.items.map { _ in .accepted })
    }

    @Test func aChannelOverWhichNothingWasSaidTakesNothingFromAnother() throws {
        let first = open(1)
        let probes = (0..<9).map { _ in ScriptedChannel(node: "spiffe://example.com/cell/edge/node/n1") }
        for probe in probes { registry.accepted(probe, path: PeerPath.uplink) }
        shard.run()
        #expect(!first.isClosed)
        #expect(probes.map(\.isClosed) == [true] + [Bool](repeating: false, count: 8), "eight of them at a time")
        send(1) { _ in }
        #expect(ids(first) == [1])
        probes[2].breakDown(unsentBytes: 0)
        shard.advance(by: .seconds(1))
        send(2) { _ in }
        shard.advance(by: .milliseconds(5))
        #expect(ids(first) == [1, 2])
        let last = open(1)
        #expect(first.isClosed, "over the last one it has said what it hosts")
        send(3) { _ in }
        shard.advance(by: .milliseconds(5))
        #expect(ids(last) == [3])
    }

    @Test(arguments: [0, 1, 2]) func ofSeveralNewChannelsTheFirstToGreetCounts(greeting: Int) throws {
        let channels = (0..<3).map { _ in ScriptedChannel(node: "spiffe://example.com/cell/edge/node/n1") }
        for channel in channels { registry.accepted(channel, path: PeerPath.uplink) }
        shard.run()
        #expect(channels.allSatisfy { !$0.isClosed }, "whichever the node means, it is still there")
        channels[greeting].hear(.greeting, 0, UplinkGreeting(accounts: [PeerScene.b]).encoded)
        send(1) { _ in }
        #expect(channels.map { ids($0).count } == (0..<3).map { $0 == greeting ? 1 : 0 })
        shard.advance(by: .seconds(11))
        #expect(channels.map(\.isClosed) == (0..<3).map { $0 != greeting }, "the others said nothing in time")
    }

    /// What follows from a greeting costs this side more than it costs the other to send it.
    @Test func aNodeGreetsOnceASecondInTheLongRunOverHoweverManyUplinks() throws {
        var heard: [[AccountID]] = []
        registry.onChange = { if case .up(_, let accounts) = $0 { heard.append(accounts) } }
        var channel = open(1)
        shard.run()
        #expect(heard == [[PeerScene.b]])
        for _ in 0..<50 {
            channel.hear(.greeting, 0, UplinkGreeting(accounts: []).encoded)
            channel.hear(.greeting, 0, UplinkGreeting(accounts: [PeerScene.b]).encoded)
            shard.run()
        }
        channel.hear(.greeting, 0, UplinkGreeting(accounts: [PeerScene.b, PeerScene.c]).encoded)
        shard.run()
        #expect(heard.count == 4)
        shard.advance(by: .seconds(1))
        #expect(heard.count == 5 && heard.last?.contains(PeerScene.c) == true, "the newest counts in the end")
        for _ in 0..<50 {
            channel = open(1)
            shard.run()
        }
        #expect(heard.count <= 6)
        shard.advance(by: .seconds(1))
        #expect(heard.count <= 7 && registry.cell(hosting: PeerScene.b) != nil)
        #expect(registry.cell(hosting: PeerScene.c) == nil)
        shard.advance(by: .seconds(5))
        channel.hear(.greeting, 0, UplinkGreeting(accounts: [PeerScene.b, PeerScene.c]).encoded)
        shard.run()
        #expect(heard.last == [PeerScene.c], "at once again, and only what is new")
    }

    @Test func aGreetingThatHadToWaitDoesNotUndoALaterOne() {
        let channel = open(1)
        func greet(_ accounts: [AccountID]) { channel.hear(.greeting, 0, UplinkGreeting(accounts: accounts).encoded) }
        for accounts in [[], [PeerScene.b], []] { greet(accounts) }
        shard.advance(by: .milliseconds(100))
        greet([PeerScene.b])
        #expect(registry.cell(hosting: PeerScene.b) == nil, "it waits")
        shard.advance(by: .milliseconds(950))
        greet([PeerScene.c])
        #expect(registry.cell(hosting: PeerScene.c) != nil)
        shard.advance(by: .seconds(2))
        #expect(registry.cell(hosting: PeerScene.c) != nil && registry.cell(hosting: PeerScene.b) == nil)
    }

    @Test func whatNeverLeftGoesOverTheOtherUplinkAtOnce() throws {
        let channels = [open(1), open(2)]
        var verdicts: [PeerVerdict] = []
        send(7) { if case .success(let verdict) = $0 { verdicts.append(verdict) } }
        let asked = try #require(channels.first { !$0.questions.isEmpty })
        let other = try #require(channels.first { $0.questions.isEmpty })
        other.answer = accept
        asked.breakDown(unsentBytes: Self.large)
        shard.run()
        #expect(ids(other) == [7], "with the same delivery id")
        #expect(verdicts == [.accepted])
        #expect(forwarder.statistics.resent == 1)
        #expect(forwarder.cells.map(\.requests) == [0])
    }

    @Test func whatMayHaveArrivedIsLeftToTheDelivery() throws {
        let channels = [open(1), open(2)]
        var failures: [ForwardFailure] = []
        send(7) { if case .failure(let failure) = $0 { failures.append(failure) } }
        let asked = try #require(channels.first { !$0.questions.isEmpty })
        asked.breakDown(unsentBytes: 0)
        shard.run()
        #expect(failures.map(\.mayHaveArrived) == [true])
        #expect(channels.allSatisfy { $0.questions.count <= 1 })
        // The next attempt has another uplink.
        let other = try #require(channels.first { $0.questions.isEmpty })
        other.answer = accept
        var verdicts: [PeerVerdict] = []
        send(7) { if case .success(let verdict) = $0 { verdicts.append(verdict) } }
        #expect(verdicts == [.accepted])
    }

    @Test func ofSeveralQuestionsOnlyThoseThatNeverLeftAreAskedElsewhere() throws {
        let only = open(1)
        var failures: [UInt64: Bool] = [:]
        for number in [UInt64](1...3) {
            send(number) { if case .failure(let failure) = $0 { failures[number] = failure.mayHaveArrived } }
            // The batch that gathers behind the first one leaves after a while.
            shard.advance(by: .milliseconds(5))
        }
        #expect(ids(only) == [1, 2, 3])
        // Part of the last question, and nothing of what came before it, is left.
        only.breakDown(unsentBytes: 40)
        shard.run()
        #expect(failures == [1: true, 2: true, 3: false])
    }

    @Test func anUplinkThatIsFullIsPassedOver() throws {
        let channels = [open(1), open(2)]
        for channel in channels { channel.answer = accept }
        channels[0].unsentBytes = 9 << 20
        var accepted = 0
        for number in [UInt64](0..<20) {
            send(number) { if case .success(.accepted) = $0 { accepted += 1 } }
            shard.advance(by: .milliseconds(50))
        }
        #expect(accepted == 20)
        #expect(channels[0].questions.isEmpty)
    }

    @Test func anAnswerToWhatWasNotAskedSettlesNothing() {
        let channel = open(1)
        var results = 0
        send(1) { _ in results += 1 }
        channel.hear(.answer, 99, VerdictFrame(verdicts: [.accepted]).encoded())
        shard.run()
        #expect(results == 0)
        channel.hear(.answer, 1, VerdictFrame(verdicts: [.accepted]).encoded())
        channel.hear(.answer, 1, VerdictFrame(verdicts: [.denied("late")]).encoded())
        shard.run()
        #expect(results == 1, "and a second answer to one question neither")
        #expect(forwarder.statistics.verdicts == ["accepted": 1])
    }

    @Test func aNodeThatOpensItsUplinkAnewTakesWhatWaited() {
        let first = open(1)
        var results: [Result<PeerVerdict, ForwardFailure>] = []
        send(1) { results.append($0) }
        let second = open(1)
        second.answer = accept
        #expect(first.isClosed)
        shard.run()
        #expect(results.count == 1, "what was under way on the old one may have arrived")
        send(1) { results.append($0) }
        #expect(results.last == .success(.accepted))
    }
}
