import Delivery
import EventModel
import Router
import SansIO
import Simulation
import Testing

/// From PutEvents to a queue (spec: patterns §1, §5; DESIGN §2).
@Suite struct EventJourneyTests {
    @Test func aMatchingEventReachesTheQueueInTheRecordedForm() throws {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: #"{"source":["shop"]}"#, on: scene.bus(), targets: [(queue, [:])])
        guard case .success(let results)? = scene.put("shop", detail: #"{ "n" : 1.10 }"#),
            case .accepted(let id) = results[0]
        else { return #expect(Bool(false), "the event was refused") }
        let body = try #require(scene.bodies("q").first)
        #expect(
            body == #"{"version":"0","id":"\#(id)","detail-type":"T","source":"shop","account":"111122223333","#
                + #""time":"2026-01-15T12:34:56Z","region":"us-east-1","resources":[],"detail":{"n":1.10}}"#
        )
    }

    @Test func theBooksBalance() {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: #"{"source":["shop"]}"#, on: scene.bus(), targets: [(queue, [:])])
        for number in 0..<10 { scene.put(number % 2 == 0 ? "shop" : "other") }
        let book = scene.book(scene.bus())
        #expect(book.accepted == 10)
        #expect(book.matched == 5)
        #expect(book.unmatched == 5)
        #expect(book.created == 5)
        #expect(book.delivered == 5)
        #expect(book.waiting == 0)
        #expect(scene.store.statistics.unresolvedDeliveries == 0)
    }

    @Test func entriesAreRefusedInTheServicesOrderAndWords() {
        let scene = RouterScene()
        let entries = [
            PutEventsEntry(source: "", detailType: "", detail: []),
            PutEventsEntry(source: "s", detailType: "", detail: []),
            PutEventsEntry(source: "s", detailType: "t", detail: []),
            PutEventsEntry(source: "s", detailType: "t", detail: Array("[]".utf8)),
            PutEventsEntry(source: "aws.s3", detailType: "t", detail: Array("{}".utf8)),
            PutEventsEntry(source: "aws", detailType: "t", detail: Array("{}".utf8)),
        ]
        var answer: [PutEventsResult] = []
        let putter = EventPutter(
            account: RouterScene.a,
            arn: "arn:aws:iam::111122223333:root",
            region: "us-east-1",
            now: scene.shard.now
        )
        scene.router.putEvents(entries, by: putter) { answer = (try? $0.get()) ?? [] }
        scene.shard.run()
        let required = { (name: String) in
            PutEventsResult.refused(
                code: "InvalidArgument",
                message: "Parameter \(name) is not valid. Reason: \(name) is a required argument."
            )
        }
        #expect(answer.count == 6)
        #expect(answer[0] == required("Source"))
        #expect(answer[1] == required("DetailType"))
        #expect(answer[2] == required("Detail"))
        #expect(answer[3] == .refused(code: "MalformedDetail", message: "Detail is malformed."))
        #expect(
            answer[4] == .refused(code: "NotAuthorizedForSourceException", message: "Not authorized for the source.")
        )
        guard case .accepted = answer[5] else { return #expect(Bool(false), "the source aws is allowed") }
    }

    @Test func anEventToAnUnknownBusIsAcceptedCountedAndNoted() {
        let scene = RouterScene()
        guard case .success(let results)? = scene.put("s", bus: "nowhere"), case .accepted = results[0] else {
            return #expect(Bool(false), "spec: patterns §1.9")
        }
        #expect(scene.router.statistics.unknownBus == 1)
        #expect(scene.notices.contains { if case .unknownBus = $0 { true } else { false } })
    }

    @Test func acknowledgedEventsSurviveACrashBeforeTheirDelivery() {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: #"{"source":["shop"]}"#, on: scene.bus(), targets: [(queue, [:])])
        var acknowledged = 0
        let putter = EventPutter(
            account: RouterScene.a,
            arn: "arn:aws:iam::111122223333:root",
            region: "us-east-1",
            now: scene.shard.now
        )
        for number in 0..<50 {
            let detail = Array(#"{"n":\#(number)}"#.utf8)
            scene.router.putEvents(
                [PutEventsEntry(source: "shop", detailType: "T", detail: detail)],
                by: putter
            ) { result in
                if case .success = result { acknowledged += 1 }
                // The crash comes right behind the acknowledgement of the last one.
                if acknowledged == 50 { scene.store.faults.isStalled = true }
            }
        }
        scene.shard.run()
        scene.store.faults.isStalled = false
        scene.restart()
        scene.shard.run()
        #expect(acknowledged == 50)
        #expect(Set(scene.bodies("q").compactMap { $0.split(separator: "\"n\":").last }).count == 50)
    }

    @Test func aFullDiskRefusesAndRecovers() {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: #"{"source":["shop"]}"#, on: scene.bus(), targets: [(queue, [:])])
        scene.store.faults.isFull = true
        guard case .failure(.store(let error))? = scene.put("shop") else {
            return #expect(Bool(false), "a full disk must refuse")
        }
        #expect(error.code == .full)
        #expect(scene.book(scene.bus()).accepted == 0)
        scene.store.faults.isFull = false
        guard case .success? = scene.put("shop") else { return #expect(Bool(false), "the space is back") }
        #expect(scene.bodies("q").count == 1)
    }

    @Test func aRemovedTargetStillGetsWhatMatchedBefore() {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: #"{"source":["shop"]}"#, on: scene.bus(), targets: [(queue, [:])])
        let putter = EventPutter(
            account: RouterScene.a,
            arn: "arn:aws:iam::111122223333:root",
            region: "us-east-1",
            now: scene.shard.now
        )
        let entry = PutEventsEntry(source: "shop", detailType: "T", detail: Array("{}".utf8))
        scene.router.putEvents([entry], by: putter) { _ in }
        scene.router.removeTargets(["t0"], rule: "r", on: scene.bus()) { _ in }
        scene.shard.run()
        #expect(scene.bodies("q").count == 1)
        #expect(scene.router.catalog.retiredRevisions.isEmpty, "a drained revision is forgotten")
    }

    @Test func theCatalogSurvivesARestart() throws {
        let scene = RouterScene()
        let queue = scene.createQueue("q", of: RouterScene.b)
        scene.createBus(scene.bus("orders"))
        scene.allow("444455556666", on: scene.bus("orders"))
        scene.putRule(
            "r",
            pattern: #"{"source":["x"]}"#,
            on: scene.bus("orders"),
            targets: [(queue, ["Input": "\"i\""])]
        )
        let before = try scene.router.catalog.state.existingRule("r", on: scene.bus("orders"))
        let bus = try scene.router.catalog.state.existingBus(scene.bus("orders"))
        scene.restart()
        #expect(try scene.router.catalog.state.existingRule("r", on: scene.bus("orders")) == before)
        #expect(try scene.router.catalog.state.existingBus(scene.bus("orders")) == bus)
        #expect(bus.policy != nil)
    }
}
