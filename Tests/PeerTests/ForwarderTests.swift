import Cluster
import EventModel
import Membership
import PeerProtocol
import SansIO
import Simulation
import Testing

@Suite struct ForwarderTests {
    private let shard = VirtualShard()
    private let directory = StaticDirectory()
    private let links: ScriptedLinks

    init() throws {
        links = ScriptedLinks(shard)
        try host(nodes: 2)
    }

    private func host(nodes: Int) throws {
        let list = try (1...nodes).map { number in
            PeerNode(
                identity: try #require(NodeIdentity(uri: "spiffe://example.com/cell/b/node/n\(number)")),
                endpoint: NodeEndpoint(host: "192.0.2.\(number)", port: 1)
            )
        }
        directory.routes[PeerScene.b] = AccountRoute(cell: CellIdentity(of: list[0].identity), nodes: list)
    }

    private func forwarder(_ change: (inout ForwarderSettings) -> Void = { _ in }) -> PeerForwarder {
        var settings = ForwarderSettings(trustDomain: "example.com")
        change(&settings)
        return PeerForwarder(directory: directory, links: links, clock: shard, seed: 5, settings: settings)
    }

    private func send(
        _ count: Int,
        by forwarder: PeerForwarder,
        of account: AccountID = PeerScene.a,
        bytes: Int = 100,
        deadline: Timestamp? = nil,
        note: @escaping (Result<PeerVerdict, ForwardFailure>) -> Void
    ) {
        for number in 0..<count {
            let entry = ForwardEntry(
                id: DeliveryID(event: UInt64(number), target: 1),
                sourceAccount: account,
                principal: "p",
                bus: "b",
                envelope: [UInt8](repeating: 32, count: bytes)
            )
            forwarder.forward(entry, to: PeerScene.b, deadline: deadline, completion: note)
        }
    }

    @Test func aLoneEventGoesAtOnceAndManyGoTogether() {
        let forwarder = forwarder()
        var taken = 0
        send(1, by: forwarder) { _ in taken += 1 }
        shard.run()
        #expect(links.requests.map(\.events) == [1])
        send(70, by: forwarder) { _ in taken += 1 }
        shard.run()
        #expect(links.requests.map(\.events) == [1, 64], "the rest gathers while answers are due")
        shard.advance(by: .milliseconds(3))
        #expect(links.requests.map(\.events) == [1, 64, 6], "but not for long")
        shard.advance(by: .seconds(1))
        #expect(taken == 71)
        #expect(forwarder.statistics.verdicts == ["accepted": 71])
    }

    @Test func largeEventsFillARequestByTheirBytes() {
        let forwarder = forwarder()
        send(10, by: forwarder, bytes: 8 << 10) { _ in }
        shard.advance(by: .seconds(1))
        #expect(links.requests.map(\.events) == [7, 3])
    }

    @Test func theLessBusyNodeIsChosen() {
        links.answer = { request in
            let pressure: UInt8 = request.node.hasSuffix("n1") ? 250 : 0
            let verdicts = [PeerVerdict](repeating: .accepted, count: request.events)
            return .success(VerdictFrame(pressure: pressure, verdicts: verdicts))
        }
        let forwarder = forwarder()
        for _ in 0..<50 {
            send(1, by: forwarder) { _ in }
            shard.advance(by: .milliseconds(20))
        }
        let busy = links.requests.count { $0.node.hasSuffix("n1") }
        #expect(busy >= 1 && busy <= 5, "\(busy) of 50 went to the busy node")
    }

    @Test func aRequestThatCannotHaveArrivedGoesToAnotherNodeAtOnce() {
        links.answer = { request in
            guard request.node.hasSuffix("n2") else { return .failure(PeerLinkError(.unreachable, "refused")) }
            return .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: request.events)))
        }
        let forwarder = forwarder()
        var failures = 0
        for _ in 0..<20 {
            send(1, by: forwarder) { if case .failure = $0 { failures += 1 } }
            shard.advance(by: .milliseconds(100))
        }
        #expect(failures == 0)
        #expect(links.requests.count { $0.node.hasSuffix("n1") } <= 3, "a node that failed is passed over for a while")
        #expect(forwarder.statistics.resent >= 1)
    }

    @Test func aRequestThatMayHaveArrivedFailsAndIsLeftToTheDelivery() {
        links.answer = { _ in .failure(PeerLinkError(.broken, "gone", mayHaveArrived: true)) }
        let forwarder = forwarder()
        var failure: ForwardFailure?
        send(1, by: forwarder) { if case .failure(let error) = $0 { failure = error } }
        shard.advance(by: .seconds(1))
        #expect(failure?.code == .unreachable && failure?.mayHaveArrived == true)
        #expect(links.requests.count == 1)
        #expect(forwarder.cells.first?.trouble?.contains("gone") == true)
    }

    @Test func anOlderNodeIsSpokenToInItsVersion() {
        links.answer = { request in
            guard request.version == 1 else {
                return .success(VerdictFrame(status: .unsupportedVersion, versions: .init(oldest: 1, newest: 1)))
            }
            return .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: request.events)))
        }
        let forwarder = forwarder { $0.versions = PeerProtocolVersions(oldest: 1, newest: 3) }
        var verdicts: [PeerVerdict] = []
        for _ in 0..<10 {
            send(1, by: forwarder) { if case .success(let verdict) = $0 { verdicts.append(verdict) } }
            shard.advance(by: .milliseconds(100))
        }
        #expect(verdicts == [PeerVerdict](repeating: .accepted, count: 10))
        #expect(links.requests.count { $0.version == 3 } <= 2, "each node is asked once which versions it speaks")
    }

    @Test func nodesWithoutACommonVersionFailForNow() {
        links.answer = { _ in
            .success(VerdictFrame(status: .unsupportedVersion, versions: .init(oldest: 4, newest: 5)))
        }
        let forwarder = forwarder()
        var failure: ForwardFailure?
        send(1, by: forwarder) { if case .failure(let error) = $0 { failure = error } }
        shard.advance(by: .seconds(1))
        #expect(failure?.code == .misunderstood)
        #expect(failure?.message.contains("4 to 5") == true)
    }

    @Test func aBatchThatIsRefusedWholeIsSentOneByOne() {
        links.answer = { request in
            guard request.events == 1 else {
                return .success(VerdictFrame(status: .tooLarge, message: "one entry is taken"))
            }
            return .success(VerdictFrame(verdicts: [.accepted]))
        }
        let forwarder = forwarder()
        var verdicts: [PeerVerdict] = []
        send(10, by: forwarder) { if case .success(let verdict) = $0 { verdicts.append(verdict) } }
        shard.advance(by: .seconds(1))
        #expect(verdicts == [PeerVerdict](repeating: .accepted, count: 10))
        #expect(forwarder.statistics.split == 1)
        #expect(forwarder.cells.first?.requests == 0)
    }

    @Test func anAnswerThatDoesNotFitItsQuestionSettlesNothing() {
        links.answer = { _ in .success(VerdictFrame(verdicts: [])) }
        let forwarder = forwarder()
        var failure: ForwardFailure?
        send(1, by: forwarder) { if case .failure(let error) = $0 { failure = error } }
        shard.advance(by: .seconds(1))
        #expect(failure?.code == .misunderstood && failure?.mayHaveArrived == true)
    }

    @Test func aNodeWhoseCertificateDoesNotCoverTheAccountIsNotBelieved() {
        links.scope = "\(PeerScene.c).account.example.com"
        let forwarder = forwarder()
        var failure: ForwardFailure?
        send(1, by: forwarder) { if case .failure(let error) = $0 { failure = error } }
        shard.advance(by: .seconds(1))
        #expect(failure?.code == .untrusted)
    }

    /// Such an answer ends a lone event as a verdict does, so it needs the same proof.
    @Test(arguments: [.malformed, .tooLarge, nil] as [VerdictFrame.Status?])
    func aRefusalOfTheWholeFrameByAnUncoveredNodeIsNotBelieved(status: VerdictFrame.Status?) {
        links.answer = { _ in .success(VerdictFrame(status: status ?? .malformed, message: "no")) }
        if status == nil { links.plainStatus = ["n1": 413, "n2": 413] }
        var results: [Result<PeerVerdict, ForwardFailure>] = []
        for scope in ["\(PeerScene.c).account.example.com", "\(PeerScene.b).account.example.com"] {
            links.scope = scope
            let forwarder = forwarder()
            send(2, by: forwarder) { results.append($0) }
            shard.advance(by: .seconds(1))
        }
        #expect(results.count == 4)
        for result in results.prefix(2) {
            guard case .failure(let failure) = result else { return #expect(Bool(false), "\(result) is final") }
            #expect(failure.code == .untrusted)
        }
        for result in results.suffix(2) {
            guard case .success(let verdict) = result else { return #expect(Bool(false), "\(result)") }
            #expect(verdict.kind == (status == .malformed ? "malformed" : "tooLarge"))
        }
    }

    @Test func aNodeThatDoesNotServeIsAskedMoreAndMoreSeldom() {
        links.answer = { request in
            guard request.node.hasSuffix("n2") else { return .success(VerdictFrame(status: .notServing)) }
            return .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: request.events)))
        }
        let forwarder = forwarder()
        var accepted = 0
        for _ in 0..<1_200 {
            send(1, by: forwarder) { if case .success(.accepted) = $0 { accepted += 1 } }
            shard.advance(by: .milliseconds(100))
        }
        #expect(accepted == 1_200)
        let asked = links.requests.count { $0.node.hasSuffix("n1") }
        #expect(asked >= 3 && asked <= 12, "\(asked) times in two minutes, after 1, 2, 4 and up to 32 seconds")
    }

    /// Whoever put it was told that it failed, and may have put it again.
    @Test func whatWaitedUntilItsDeadlineIsNotSent() {
        links.serviceTime = .seconds(60)
        let forwarder = forwarder { settings in
            settings.batches.maximumInFlight = 1
            settings.timeout = .seconds(10)
        }
        var codes: [ForwardFailure.Code] = []
        var late: [ForwardFailure] = []
        let deadline = shard.now + .seconds(5)
        send(1, by: forwarder, deadline: deadline) { if case .failure(let error) = $0 { codes.append(error.code) } }
        shard.advance(by: .seconds(1))
        send(3, by: forwarder, deadline: deadline) { if case .failure(let error) = $0 { late.append(error) } }
        shard.advance(by: .seconds(20))
        #expect(codes == [.timedOut])
        #expect(late.map(\.code) == [.overloaded, .overloaded, .overloaded])
        #expect(late.allSatisfy { !$0.mayHaveArrived })
        #expect(links.requests.map(\.events) == [1])
        links.serviceTime = nil
        var taken = 0
        send(3, by: forwarder) { if case .success = $0 { taken += 1 } }
        shard.advance(by: .seconds(1))
        #expect(taken == 3, "the way is free")
    }

    @Test func whatIsLateIsNotSentToAnotherNodeEither() {
        links.serviceTime = .seconds(3)
        links.answer = { _ in .failure(PeerLinkError(.unreachable, "refused")) }
        let forwarder = forwarder()
        var late: [ForwardFailure] = []
        var others: [ForwardFailure] = []
        let deadline = shard.now + .seconds(2)
        send(2, by: forwarder, deadline: deadline) { if case .failure(let error) = $0 { late.append(error) } }
        send(1, by: forwarder) { if case .failure(let error) = $0 { others.append(error) } }
        shard.advance(by: .seconds(60))
        #expect(links.requests.map(\.events) == [3, 1])
        #expect(late.map(\.code) == [.overloaded, .overloaded] && late.allSatisfy { !$0.mayHaveArrived })
        #expect(others.map(\.code) == [.unreachable])
        #expect(forwarder.cells.map(\.requests) == [0], "the way is free")
    }

    @Test func whatWaitsForACellIsBounded() {
        links.answer = { _ in nil }
        let forwarder = forwarder { settings in
            settings.batches.maximumItems = 10
            settings.batches.maximumInFlight = 2
            settings.batches.maximumWaitingItems = 30
        }
        var refused = 0
        send(40, by: forwarder) { if case .failure(let error) = $0, error.code == .overloaded { refused += 1 } }
        shard.run()
        #expect(refused == 10)
        #expect(links.requests.count == 2)
    }

    @Test func withoutARouteAndWithoutNodesTheEventFails() throws {
        let forwarder = forwarder()
        directory.routes = [:]
        var codes: [ForwardFailure.Code] = []
        send(1, by: forwarder) { if case .failure(let error) = $0 { codes.append(error.code) } }
        shard.advance(by: .seconds(1))
        try host(nodes: 1)
        directory.routes[PeerScene.b]?.nodes = []
        send(1, by: forwarder) { if case .failure(let error) = $0 { codes.append(error.code) } }
        shard.advance(by: .seconds(1))
        #expect(codes == [.noRoute, .offline])
    }
}
