import Delivery
import EventModel
import Router
import SansIO
import Simulation
import Testing

/// Events across accounts, by policy (spec: patterns §6, control §7, §10).
@Suite struct CrossAccountTests {
    private let all = #"{"source":["shop"]}"#

    @Test func aDirectPutNeedsTheBusPolicy() {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        guard case .failure(.denied(let text))? = scene.put("shop", bus: orders.arn) else {
            return #expect(Bool(false), "without a policy nobody else may put")
        }
        #expect(
            text == "User: arn:aws:iam::111122223333:root is not authorized to perform: events:PutEvents on resource: "
                + "\(orders.arn) because no resource-based policy allows the events:PutEvents action"
        )
        #expect(scene.book(orders).denied == 1)
        scene.allow("111122223333", on: orders)
        guard case .success? = scene.put("shop", bus: orders.arn) else {
            return #expect(Bool(false), "the policy lets the account in")
        }
        #expect(scene.book(orders).accepted == 1)
    }

    @Test func aForwardKeepsTheEventAndNeedsTheReceiversPolicy() throws {
        let scene = RouterScene()
        let orders = scene.bus("orders", of: RouterScene.b)
        scene.createBus(orders)
        let queue = scene.createQueue("q", of: RouterScene.b)
        let letters = scene.createQueue("dlq")
        scene.putRule("in", pattern: all, on: orders, targets: [(queue, [:])])
        let config: JSONObject = ["DeadLetterConfig": .object(["Arn": .string(letters)])]
        scene.putRule("out", pattern: all, on: scene.bus(), targets: [(orders.arn, config)])
        scene.put("shop")
        #expect(scene.bodies("q", of: RouterScene.b).isEmpty)
        let letter = try #require(scene.drain("dlq").first)
        #expect(letter.attribute("ERROR_CODE") == "NO_PERMISSIONS")
        #expect(letter.attribute("RULE_ARN") == scene.bus().ruleARN("out"))
        #expect(letter.attribute("TARGET_ARN") == orders.arn)
        #expect(letter.attribute("RETRY_ATTEMPTS") == nil)
        scene.allow("111122223333", on: orders)
        scene.put("shop", detail: #"{"k":"v"}"#)
        let body = try #require(scene.bodies("q", of: RouterScene.b).first)
        #expect(body.contains(#""account":"111122223333""#), "the sender's account stays")
        #expect(scene.book(orders).accepted == 1)
        #expect(scene.book(scene.bus()).delivered == 1)
        #expect(scene.book(scene.bus()).deadLettered == 1)
        #expect(scene.store.statistics.unresolvedDeliveries == 0)
    }

    @Test func aQueueOfAnotherAccountNeedsItsPolicy() throws {
        let scene = RouterScene()
        let queue = scene.createQueue("q", of: RouterScene.b)
        scene.putRule("r", pattern: all, on: scene.bus(), targets: [(queue, [:])])
        scene.put("shop")
        #expect(scene.bodies("q", of: RouterScene.b).isEmpty)
        #expect(scene.book(scene.bus()).dropped == 1)
        let rule = scene.bus().ruleARN("r")
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","#
            + #""Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","#
            + #""Resource":"arn:aws:sqs:us-east-1:444455556666:open","#
            + #""Condition":{"ArnEquals":{"aws:SourceArn":"\#(rule)"}}}]}"#
        let open = scene.createQueue("open", of: RouterScene.b, policy: policy)
        scene.putRule("r", pattern: all, on: scene.bus(), targets: [(open, [:])])
        scene.putRule("other", pattern: all, on: scene.bus(), targets: [(open, [:])])
        scene.put("shop")
        #expect(scene.bodies("open", of: RouterScene.b).count == 1, "the policy names one rule")
    }

    @Test func inStrictModeEvenAnOwnQueueNeedsAPolicy() {
        var settings = RouterSettings()
        settings.strictCompatibility = true
        let scene = RouterScene(settings: settings)
        let queue = scene.createQueue("q")
        scene.putRule("r", pattern: all, on: scene.bus(), targets: [(queue, [:])])
        scene.put("shop")
        #expect(scene.bodies("q").isEmpty)
        #expect(scene.book(scene.bus()).dropped == 1)
    }

    @Test func aLoopIsFoundAndRecorded() throws {
        let scene = RouterScene()
        let one = scene.bus("one")
        let two = scene.bus("two")
        let letters = scene.createQueue("dlq")
        scene.createBus(one)
        scene.createBus(two)
        let config: JSONObject = ["DeadLetterConfig": .object(["Arn": .string(letters)])]
        scene.putRule("r", pattern: all, on: one, targets: [(two.arn, config)])
        scene.putRule("r", pattern: all, on: two, targets: [(one.arn, config)])
        scene.put("shop", bus: "one")
        let letter = try #require(scene.drain("dlq").first)
        #expect(letter.attribute("ERROR_CODE") == "LOOP_DETECTED")
        #expect(scene.router.statistics.loops == 1)
        #expect(scene.store.statistics.unresolvedDeliveries == 0)
    }

    @Test func byDefaultAnEventMayGoFurtherThanEventBridgeLetsIt() {
        for isStrict in [false, true] {
            var settings = RouterSettings()
            settings.strictCompatibility = isStrict
            let scene = RouterScene(settings: settings)
            let service =
                #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","#
                + #""Action":"sqs:SendMessage","Resource":"*"}}"#
            let letters = scene.createQueue("dlq", policy: service)
            let config: JSONObject = ["DeadLetterConfig": .object(["Arn": .string(letters)])]
            let buses = ["b1", "b2", "b3"].map { scene.bus($0) }
            for bus in buses { scene.createBus(bus) }
            scene.putRule("r", pattern: all, on: buses[0], targets: [(buses[1].arn, config)])
            scene.putRule("r", pattern: all, on: buses[1], targets: [(buses[2].arn, config)])
            scene.put("shop", bus: "b1")
            #expect(scene.book(buses[2]).accepted == (isStrict ? 0 : 1))
            let codes = scene.drain("dlq").map { $0.attribute("ERROR_CODE") }
            #expect(codes == (isStrict ? ["THIRD_ACCOUNT_HOP_DETECTED"] : []))
        }
    }

    @Test func anotherRegionGivesANewIdAndTime() throws {
        let scene = RouterScene()
        let west = scene.bus("default", region: "eu-west-1")
        let queue = scene.createQueue("q")
        scene.putRule("out", pattern: all, on: scene.bus(), targets: [(west.arn, [:])])
        scene.putRule("in", pattern: all, on: west, targets: [(queue, [:])])
        guard case .success(let results)? = scene.put("shop"), case .accepted(let id) = results[0] else {
            return #expect(Bool(false), "the event was refused")
        }
        let body = try #require(scene.bodies("q").first)
        #expect(!body.contains(id), "spec: patterns §6.1")
        #expect(body.contains(#""region":"us-east-1""#))
    }

    @Test func brokenTemplatesGoToTheDeadLetterQueueAsTheyAre() throws {
        let scene = RouterScene()
        let queue = scene.createQueue("q")
        let letters = scene.createQueue("dlq")
        let transformer: JSONObject = [
            "InputPathsMap": .object(["o": "$.detail.o"]), "InputTemplate": #"{"x":"<o>"}"#,
        ]
        scene.putRule(
            "r",
            pattern: all,
            on: scene.bus(),
            targets: [
                (
                    queue,
                    [
                        "InputTransformer": .object(transformer),
                        "DeadLetterConfig": .object(["Arn": .string(letters)]),
                    ]
                )
            ]
        )
        scene.put("shop", detail: #"{"o":{"k":"v"}}"#)
        let letter = try #require(scene.drain("dlq").first)
        #expect(String(decoding: letter.content.body, as: UTF8.self) == #"{"x":"{"k":"v"}"}"#)
        #expect(letter.attribute("ERROR_CODE") == "INVALID_JSON")
        #expect(letter.attribute("ERROR_MESSAGE") == "Invalid input for target.")
    }
}

extension ReceivedQueueMessage {
    /// The value of a string attribute.
    fileprivate func attribute(_ name: String) -> String? {
        for attribute in content.attributes where attribute.name == name {
            if case .text(let text) = attribute.value { return text }
        }
        return nil
    }
}
