import EventModel
import Router
import SansIO
import Simulation
import Testing

/// PutEvents to a bus of another cell is answered by that cell (spec: control §7.4, patterns §1.9).
@Suite struct PutAwayTests {
    private let a = PeerScene.a
    private let b = PeerScene.b

    private func openScene(isAllowed: Bool = true) -> PeerScene {
        let scene = PeerScene()
        scene.addCell([a])
        scene.addCell([b])
        scene.collect(b, on: 1)
        if isAllowed { scene.allow(a, on: b, of: 1) }
        return scene
    }

    private func put(
        _ scene: PeerScene,
        _ bus: BusAddress,
        for duration: Duration = .seconds(1)
    ) -> Result<[PutEventsResult], PutEventsFailure>? {
        var outcome: Result<[PutEventsResult], PutEventsFailure>?
        scene.put("1", by: a, on: 0, bus: bus.arn) { outcome = $0 }
        scene.run(duration)
        return outcome
    }

    @Test func thePutIsTakenInThereWithTheIDThatTheCallerHears() throws {
        let scene = openScene()
        guard case .success(let results)? = put(scene, scene.bus(b)), case .accepted(let id) = results[0] else {
            return #expect(Bool(false), "the policy lets it in")
        }
        let body = String(decoding: try #require(scene.drain(b, on: 1).first).content.body, as: UTF8.self)
        #expect(body.contains(#""id":"\#(id)""#))
        #expect(body.contains(#""account":"\#(a)""#))
        #expect(scene.machines[0].store.statistics.unresolvedDeliveries == 0, "nothing is kept here")
    }

    @Test func aRefusalByThePolicyIsTheCalls() {
        let scene = openScene(isAllowed: false)
        guard case .failure(.denied(let text))? = put(scene, scene.bus(b)) else {
            return #expect(Bool(false), "without a policy nobody else may put")
        }
        #expect(text.contains("is not authorized to perform: events:PutEvents on resource: \(scene.bus(b).arn)"))
        #expect(scene.cell(0).router.statistics.putEventsRefused == 1)
    }

    @Test func aBusThatIsNotThereTakesAndDrops() {
        let scene = openScene()
        guard case .success(let results)? = put(scene, scene.bus(b, "missing")), case .accepted = results[0] else {
            return #expect(Bool(false), "spec: patterns §1.9")
        }
        #expect(scene.cell(0).router.statistics.unknownBus == 1)
    }

    @Test func aCellThatIsAwayFailsTheEntryInTime() {
        let scene = openScene()
        scene.machines[1].pause()
        let outcome = put(scene, scene.bus(b), for: .seconds(6))
        guard case .success(let results)? = outcome, case .refused(let code, let text) = results[0] else {
            return #expect(Bool(false), "\(String(describing: outcome))")
        }
        #expect(code == "InternalFailure")
        #expect(text.contains("in time"))
        #expect(scene.cell(0).router.statistics.failedEntries == 1)
        scene.run(.seconds(120))
        #expect(scene.cell(0).router.statistics.failedEntries == 1, "the link's failure comes later")
    }

    /// After a crash the id would be given out again, and the later event be taken for a repetition there.
    @Test func anEntryWhoseIDIsNotReservedGoesNowhere() {
        let scene = openScene()
        scene.machines[0].store.faults.isUnreserved = true
        let outcome = put(scene, scene.bus(b))
        guard case .success(let results)? = outcome, case .refused("InternalFailure", let text) = results[0] else {
            return #expect(Bool(false), "\(String(describing: outcome))")
        }
        #expect(text.contains("reserved"))
        #expect(scene.cell(0).router.statistics.failedEntries == 1)
        #expect(scene.drain(b, on: 1).isEmpty)
        scene.machines[0].store.faults.isUnreserved = false
        guard case .success(let later)? = put(scene, scene.bus(b)), case .accepted = later[0] else {
            return #expect(Bool(false), "sequences are reserved again")
        }
    }

    @Test func anAccountThatNobodyHostsFailsTheEntry() {
        let scene = openScene()
        let outcome = put(scene, scene.bus(PeerScene.c))
        guard case .success(let results)? = outcome, case .refused("InternalFailure", let text) = results[0] else {
            return #expect(Bool(false), "\(String(describing: outcome))")
        }
        #expect(text.contains(PeerScene.c.description))
    }

    @Test func aCallForSeveralCellsIsAnsweredEntryByEntry() {
        let scene = openScene(isAllowed: false)
        scene.collect(a, on: 0)
        var outcome: Result<[PutEventsResult], PutEventsFailure>?
        let entries = [scene.bus(b).arn, nil, scene.bus(b).arn].map { bus in
            PutEventsEntry(source: "s", detailType: "T", detail: Array("{}".utf8), bus: bus)
        }
        let putter = EventPutter(
            account: a,
            arn: "arn:aws:iam::\(a):root",
            region: "us-east-1",
            now: scene.machines[0].now
        )
        scene.cell(0).router.putEvents(entries, by: putter) { outcome = $0 }
        scene.run(.seconds(1))
        guard case .success(let results)? = outcome, results.count == 3, case .accepted = results[1],
            case .refused("AccessDeniedException", _) = results[0],
            case .refused("AccessDeniedException", _) = results[2]
        else { return #expect(Bool(false), "\(String(describing: outcome))") }
        #expect(scene.drain(a, on: 0).count == 1)
    }

    @Test func anEntryThatIsRefusedAndGivenUpIsCountedOnce() {
        let scene = openScene()
        scene.collect(a, on: 0)
        scene.machines[0].store.faults.isStalled = true
        var outcome: Result<[PutEventsResult], PutEventsFailure>?
        let entries = [
            PutEventsEntry(source: "aws.events", detailType: "T", detail: Array("{}".utf8)),
            PutEventsEntry(source: "s", detailType: "T", detail: Array("{}".utf8)),
            PutEventsEntry(source: "s", detailType: "T", detail: Array("{}".utf8), bus: scene.bus(b).arn),
        ]
        let putter = EventPutter(
            account: a,
            arn: "arn:aws:iam::\(a):root",
            region: "us-east-1",
            now: scene.machines[0].now
        )
        let before = scene.cell(0).router.statistics
        scene.cell(0).router.putEvents(entries, by: putter) { outcome = $0 }
        scene.run(.seconds(6))
        guard case .success(let results)? = outcome else {
            return #expect(Bool(false), "\(String(describing: outcome))")
        }
        #expect(results.map(\.isRefused) == [true, true, false])
        guard case .refused("NotAuthorizedForSourceException", _) = results[0],
            case .refused("InternalFailure", _) = results[1]
        else { return #expect(Bool(false), "a refusal does not wait for the disk: \(results)") }
        func failed() -> UInt64 { scene.cell(0).router.statistics.failedEntries - before.failedEntries }
        #expect(failed() == 2)
        scene.machines[0].store.faults = MemoryStoreFaults()
        scene.run(.seconds(60))
        #expect(failed() == 2, "as many as the caller heard of")
        #expect(scene.cell(0).router.statistics.entries - before.entries == 3)
    }
}
