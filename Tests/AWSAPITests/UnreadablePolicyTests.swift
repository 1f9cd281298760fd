import AWSAPI
import EventModel
import Router
import Simulation
import Testing

/// Policies that another version stored, and doubtful ones.
@Suite struct UnreadablePolicyTests {
    @Test func whatCannotBeReadRefusesAlarmsAndCanBeReplaced() throws {
        let scene = APIScene()
        var alarms: [String] = []
        (scene.router.decider as? PolicyDecider)?.onUnreadablePolicy = { alarms.append($0) }
        let account = try #require(AccountID("111122223333"))
        let bus = BusAddress(region: "us-east-1", account: account, name: "default")
        scene.router.catalog.updateBus(bus) { bus in
            var bus = bus
            bus.policy = #"{"Version":"2099-01-01","Statement":[]}"#
            return bus
        } completion: { _ in
        }
        scene.shard.run()
        let entry = #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}","EventBusName":"\#(bus.arn)"}]}"#
        for account in ["a", "b"] as [Character] {
            let answer = scene.events("PutEvents", entry, as: account)
            #expect(answer.code == "AccessDeniedException")
            #expect(answer.message?.hasSuffix("(the policy cannot be read)") == true)
        }
        #expect(alarms == [#"invalid Version "2099-01-01" (line 1, column 12)"#], "one alarm, not one an event")
        #expect(scene.events("RemovePermission", #"{"RemoveAllPermissions":true}"#).status == 200)
        #expect(scene.events("PutEvents", entry).status == 200)
    }

    @Test func aDoubtfulQueuePolicyIsTakenAndTold() throws {
        let scene = APIScene()
        let service = QueueServiceProbe(scene)
        let policy =
            #"{\"Version\":\"2012-10-17\",\"Statement\":{\"Effect\":\"Allow\",\"Principal\":\"*\","#
            + #"\"Action\":\"sqs:SendMessage\",\"Resource\":\"arn:aws:sqs:us-east-1:12:q\"}}"#
        #expect(
            scene.queues("CreateQueue", #"{"QueueName":"q","Attributes":{"Policy":"\#(policy)"}}"#).status == 200
        )
        #expect(service.warnings == [#"statement 1: account id "12" has not twelve digits"#])
    }
}

/// Puts a queue service of its own before the scene's front and keeps what it warns about.
private final class QueueServiceProbe {
    private(set) var warnings: [String] = []

    init(_ scene: APIScene) {
        let service = QueueService(driver: scene.router.queues, access: scene.router.decider)
        service.onDoubtfulPolicy = { [unowned self] in warnings.append($1) }
        scene.front.serveQueues(service)
    }
}
