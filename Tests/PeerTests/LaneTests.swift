import Cluster
import EventModel
import Membership
import PeerProtocol
import SansIO
import Simulation
import Testing

/// What waits for a cell and is under way to it: shares, bounds, idleness, nodes of several releases (DESIGN §7, §9).
@Suite struct LaneTests {
    private let shard = VirtualShard()
    private let directory = StaticDirectory()
    private let links: ScriptedLinks

    init() throws {
        links = ScriptedLinks(shard)
        try host(nodes: 1)
    }

    private func host(nodes: Int) throws {
        directory.routes[PeerScene.b] = try route("b", nodes: nodes)
    }

    private func route(_ cell: String, nodes: Int) throws -> AccountRoute {
        let list = try (1...nodes).map { number in
            PeerNode(
                identity: try #require(NodeIdentity(uri: "spiffe://example.com/cell/\(cell)/node/n\(number)")),
                endpoint: NodeEndpoint(host: "192.0.2.\(number)", port: 1)
            )
        }
        return AccountRoute(cell: CellIdentity(of: list[0].identity), nodes: list)
    }

    private func forwarder(_ change: (inout ForwarderSettings) -> Void = { _ in }) -> PeerForwarder {
        var settings = ForwarderSettings(trustDomain: "example.com")
        // Small requests, so that few events make many turns.
        settings.batches.maximumItems = 10
        settings.batches.maximumBytes = 16 << 10
        change(&settings)
        return PeerForwarder(directory: directory, links: links, clock: shard, seed: 5, settings: settings)
    }

    private func send(
        _ count: Int,
        of account: AccountID = PeerScene.a,
        to receiver: AccountID = PeerScene.b,
        by forwarder: PeerForwarder,
        note: @escaping (Result<PeerVerdict, ForwardFailure>) -> Void = { _ in }
    ) {
        for number in 0..<count {
            let entry = ForwardEntry(
                id: DeliveryID(event: UInt64(number), target: 1),
                sourceAccount: account,
                principal: "p",
                bus: "b",
                envelope: [UInt8](repeating: 32, count: 100)
            )
            forwarder.forward(entry, to: receiver, completion: note)
        }
    }

    private func accepted(_ request: ScriptedLinks.Request) -> Result<VerdictFrame, PeerLinkError> {
        .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: request.events)))
    }

    @Test func anAccountThatFloodsDoesNotHoldUpAnother() {
        let forwarder = forwarder { $0.batches.maximumInFlight = 2 }
        var done = (flood: 0, other: 0)
        send(2_000, by: forwarder) { _ in done.flood += 1 }
        shard.advance(by: .milliseconds(20))
        send(5, of: PeerScene.c, by: forwarder) { _ in done.other += 1 }
        shard.advance(by: .milliseconds(20))
        #expect(done.other == 5, "two rounds of requests of 5 ms are enough")
        #expect(done.flood < 200)
        shard.advance(by: .seconds(2))
        #expect(done.flood == 2_000)
    }

    @Test func anAccountThatFloodsLeavesRoomToAnother() {
        links.answer = { _ in nil }
        let forwarder = forwarder { settings in
            settings.batches.maximumInFlight = 1
            settings.batches.maximumWaitingItems = 30
        }
        var refused = (flood: 0, other: 0)
        send(100, by: forwarder) { result in
            if case .failure(let failure) = result, failure.isOwn { refused.flood += 1 }
        }
        shard.run()
        send(15, of: PeerScene.c, by: forwarder) { result in
            if case .failure(let failure) = result, failure.isOwn { refused.other += 1 }
        }
        shard.run()
        #expect(refused.flood == 75, "70 found no room, and 5 gave theirs up; 10 are under way")
        #expect(refused.other == 0)
        #expect(forwarder.statistics.failures == ["overloaded": 75])
        #expect(forwarder.cells.map(\.waiting) == [30])
    }

    @Test func cellsThatNothingWentToAreForgotten() throws {
        let forwarder = forwarder()
        let accounts = try (1...2_000).map { try #require(AccountID(number: 200_000_000_000 + UInt64($0))) }
        for (number, account) in accounts.enumerated() {
            directory.routes[account] = try route("c\(number)", nodes: 1)
            send(1, to: account, by: forwarder)
        }
        shard.advance(by: .seconds(1))
        #expect(forwarder.cells.count == 2_000)
        for _ in 0..<11 {
            shard.advance(by: .seconds(60))
            send(1, by: forwarder)
        }
        shard.run()
        #expect(forwarder.cells.map(\.cell.description) == ["example.com/b"])
        shard.advance(by: .seconds(600))
        #expect(forwarder.cells.isEmpty)
        send(1, to: accounts[0], by: forwarder)
        shard.advance(by: .seconds(1))
        #expect(forwarder.statistics.verdicts == ["accepted": 2_012], "one that is used again is there again")
    }

    @Test func aCellWithSomethingUnderWayIsNotForgotten() {
        links.answer = { _ in nil }
        let forwarder = forwarder()
        send(1, by: forwarder)
        shard.advance(by: .seconds(3_600))
        #expect(forwarder.cells.map(\.requests) == [1])
    }

    @Test func aCellThatDoesNotAnswerInTimeGetsFewerRequestsAtATime() {
        links.answer = { _ in .failure(PeerLinkError(.timedOut, "no answer", mayHaveArrived: true)) }
        let forwarder = forwarder()
        for _ in 0..<8 {
            send(2_000, by: forwarder)
            shard.advance(by: .seconds(11))
        }
        #expect(forwarder.cells.map(\.allowedRequests) == [1])
        links.answer = accepted
        for _ in 0..<20 {
            send(2_000, by: forwarder)
            shard.advance(by: .seconds(1))
        }
        #expect(forwarder.cells.map(\.allowedRequests) == [64])
        #expect(forwarder.cells.map(\.waiting) == [0])
    }

    @Test func everyNodeIsTriedBeforeEventsFail() throws {
        try host(nodes: 3)
        links.answer = { [self] request in
            guard request.node.hasSuffix("n3") else { return .failure(PeerLinkError(.unreachable, "refused")) }
            return accepted(request)
        }
        let forwarder = forwarder()
        var failures = 0
        for _ in 0..<20 {
            send(1, by: forwarder) { if case .failure = $0 { failures += 1 } }
            shard.advance(by: .seconds(40))
        }
        #expect(failures == 0)
    }

    @Test(arguments: [404, 405, 429, 503]) func anAnswerOfSomethingInBetweenGoesToAnotherNode(status: Int) throws {
        try host(nodes: 2)
        links.plainStatus = ["n1": status]
        let forwarder = forwarder()
        var failures = 0
        for _ in 0..<10 {
            send(1, by: forwarder) { if case .failure = $0 { failures += 1 } }
            shard.advance(by: .seconds(40))
        }
        #expect(failures == 0)
        #expect(forwarder.statistics.resent > 0)
    }

    @Test func anAnswerThatMayComeAfterTheWorkIsNotTriedElsewhere() throws {
        try host(nodes: 2)
        links.plainStatus = ["n1": 500, "n2": 502]
        let forwarder = forwarder()
        var failure: ForwardFailure?
        send(1, by: forwarder) { if case .failure(let error) = $0 { failure = error } }
        shard.advance(by: .seconds(1))
        #expect(failure?.code == .misunderstood && failure?.mayHaveArrived == true)
        #expect(links.requests.count == 1)
    }

    @Test func aRequestThatIsTooLargeForSomethingBeforeTheReceiverIsTakenApart() {
        links.plainStatus = ["n1": 413]
        let forwarder = forwarder()
        var kinds: [String] = []
        send(3, by: forwarder) { if case .success(let verdict) = $0 { kinds.append(verdict.kind) } }
        shard.advance(by: .seconds(1))
        #expect(kinds == ["tooLarge", "tooLarge", "tooLarge"])
        #expect(links.requests.map(\.events) == [3, 1, 1, 1])
        #expect(forwarder.cells.map(\.requests) == [0])
    }

    @Test func nodesOfACellMayBeOfSeveralReleases() throws {
        try host(nodes: 4)
        links.answer = { [self] request in
            let newest: UInt8 = request.node.hasSuffix("n1") || request.node.hasSuffix("n2") ? 1 : 2
            guard request.version <= newest else {
                let versions = PeerProtocolVersions(oldest: 1, newest: newest)
                return .success(VerdictFrame(status: .unsupportedVersion, versions: versions))
            }
            return accepted(request)
        }
        let forwarder = forwarder { $0.versions = PeerProtocolVersions(oldest: 1, newest: 3) }
        var failures: [ForwardFailure] = []
        for _ in 0..<40 {
            send(1, by: forwarder) { if case .failure(let failure) = $0 { failures.append(failure) } }
            shard.advance(by: .milliseconds(100))
        }
        #expect(failures.isEmpty, "each node is asked again in its own version")
    }

    @Test func aNodeThatIsReplacedByANewerReleaseIsSpokenToInItsVersion() {
        var newest: UInt8 = 1
        links.answer = { request in
            let versions = PeerProtocolVersions(oldest: 1, newest: newest)
            guard request.version <= newest else {
                return .success(VerdictFrame(status: .unsupportedVersion, versions: versions))
            }
            let verdicts = [PeerVerdict](repeating: .accepted, count: request.events)
            return .success(VerdictFrame(versions: versions, verdicts: verdicts))
        }
        let forwarder = forwarder { $0.versions = PeerProtocolVersions(oldest: 1, newest: 2) }
        for release in [UInt8(1), 2, 1, 2] {
            newest = release
            for _ in 0..<3 {
                send(1, by: forwarder)
                shard.advance(by: .milliseconds(100))
            }
            #expect(links.requests.last?.version == release)
        }
        #expect(forwarder.statistics.verdicts == ["accepted": 12])
    }

    @Test(arguments: [0, 2, 4]) func aListOfVerdictsOfAnotherLengthSettlesNothing(count: Int) {
        links.answer = { _ in .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .accepted, count: count))) }
        let forwarder = forwarder()
        var codes: [ForwardFailure.Code] = []
        send(3, by: forwarder) { if case .failure(let failure) = $0 { codes.append(failure.code) } }
        shard.advance(by: .seconds(1))
        #expect(codes == [.misunderstood, .misunderstood, .misunderstood])
        #expect(forwarder.cells.map(\.requests) == [0])
        #expect(forwarder.statistics.verdicts.isEmpty)
    }

    @Test func anAccountThatMovedIsLookedUpWithEachAttempt() throws {
        links.answer = { [self] request in
            guard request.node.contains("/cell/b/") else { return accepted(request) }
            return .success(VerdictFrame(verdicts: [PeerVerdict](repeating: .notHosted, count: request.events)))
        }
        let forwarder = forwarder()
        var kinds: [String] = []
        send(1, by: forwarder) { if case .success(let verdict) = $0 { kinds.append(verdict.kind) } }
        shard.advance(by: .seconds(1))
        directory.routes[PeerScene.b] = try route("d", nodes: 1)
        send(1, by: forwarder) { if case .success(let verdict) = $0 { kinds.append(verdict.kind) } }
        shard.advance(by: .seconds(1))
        #expect(kinds == ["notHosted", "accepted"])
    }

    @Test func aSlowLinkIsNotFilledWithRequestsThatCannotBeAnsweredInTime() {
        links.serviceTime = .seconds(1)
        let forwarder = forwarder { $0.batches.maximumItems = 1 }
        var accepted = 0
        func supply() {
            send(1, by: forwarder) { [self] result in
                if case .success = result { accepted += 1 }
                // Whoever keeps the event comes back with it, or has another one.
                _ = shard.schedule(after: .milliseconds(500)) { supply() }
            }
        }
        for _ in 0..<200 { supply() }
        // Until the link has got rid of what was too much for it.
        shard.advance(by: .seconds(300))
        let before = accepted
        shard.advance(by: .seconds(600))
        #expect(accepted - before >= 400, "\(accepted - before) of 600 that the link can carry")
    }
}
