import AWSAPI
import EventModel
import Router
import SansIO
import SigV4
import Testing

/// What users may call (spec: control §8.4, §8.7).
@Suite struct IdentityAccessTests {
    private let arn = "arn:aws:iam::111122223333:user/alice"
    private let role = "arn:aws:iam::111122223333:role/deliver"
    private let bus = "arn:aws:events:us-east-1:111122223333:event-bus/default"

    /// Lets the second key act as alice of account a.
    private func scene(_ statements: String..., trust: String? = nil) throws -> APIScene {
        let scene = APIScene()
        let account = try #require(AccountID("111122223333"))
        scene.front.keys["AKIABBBBBBBBBBBBBBBB"] = AccessKeys.Key(
            credential: SigV4Credential(secret: APIScene.secret),
            caller: .user(arn, name: "alice", of: account)
        )
        var user = PrincipalDeclaration(kind: .user, name: "alice")
        if !statements.isEmpty {
            user.policies = [#"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#]
        }
        user.tags = [Tag(key: "team", value: "blue")]
        var declaration = AccountDeclaration(account: account)
        declaration.principals = [user]
        if let trust {
            var role = PrincipalDeclaration(kind: .role, name: "deliver")
            role.trustPolicy = trust
            declaration.principals.append(role)
        }
        (scene.router.decider as? PolicyDecider)?.directory = IdentityDirectory([declaration])
        return scene
    }

    private func allow(_ action: String, _ resource: String = "*", _ condition: String = "{}") -> String {
        #"{"Effect":"Allow","Action":"\#(action)","Resource":"\#(resource)","Condition":\#(condition)}"#
    }

    @Test func everyOperationAsksTheCallersPolicies() throws {
        let scene = try scene()
        let rule = #""Name":"r""#
        let calls: [(operation: String, input: String, action: String, resource: String)] = [
            ("CreateEventBus", #"{"Name":"n"}"#, "CreateEventBus", "event-bus/n"),
            ("DescribeEventBus", "{}", "DescribeEventBus", "event-bus/default"),
            ("UpdateEventBus", "{}", "UpdateEventBus", "event-bus/default"),
            ("DeleteEventBus", #"{"Name":"n"}"#, "DeleteEventBus", "event-bus/n"),
            ("ListEventBuses", "{}", "ListEventBuses", "*"),
            ("PutRule", #"{\#(rule),"EventPattern":"{\"source\":[\"s\"]}"}"#, "PutRule", "rule/r"),
            ("DescribeRule", "{\(rule)}", "DescribeRule", "rule/r"),
            ("DeleteRule", "{\(rule)}", "DeleteRule", "rule/r"),
            ("EnableRule", "{\(rule)}", "EnableRule", "rule/r"),
            ("DisableRule", "{\(rule)}", "DisableRule", "rule/r"),
            ("ListRules", "{}", "ListRules", "*"),
            ("ListRuleNamesByTarget", #"{"TargetArn":"arn:aws:sqs:r:1:q"}"#, "ListRuleNamesByTarget", "*"),
            ("ListTargetsByRule", #"{"Rule":"r"}"#, "ListTargetsByRule", "rule/r"),
            ("RemoveTargets", #"{"Rule":"r","Ids":["i"]}"#, "RemoveTargets", "rule/r"),
            ("PutPermission", #"{"Policy":"{}"}"#, "PutPermission", "*"),
            ("RemovePermission", #"{"StatementId":"s"}"#, "RemovePermission", "*"),
            ("TagResource", #"{"ResourceARN":"\#(bus)","Tags":[]}"#, "TagResource", "event-bus/default"),
            ("UntagResource", #"{"ResourceARN":"\#(bus)","TagKeys":[]}"#, "UntagResource", "event-bus/default"),
            ("ListTagsForResource", #"{"ResourceARN":"\#(bus)"}"#, "ListTagsForResource", "event-bus/default"),
            ("TestEventPattern", #"{"EventPattern":"{}","Event":"{}"}"#, "TestEventPattern", "*"),
            (
                "PutEvents", #"{"Entries":[{"Source":"s","DetailType":"t","Detail":"{}"}]}"#, "PutEvents",
                "event-bus/default"
            ),
        ]
        for call in calls {
            let answer = scene.events(call.operation, call.input, as: "b")
            let resource =
                call.resource == "*" ? "*" : "arn:aws:events:us-east-1:111122223333:\(call.resource)"
            #expect(answer.code == "AccessDeniedException", "\(call.operation)")
            #expect(
                answer.message == "User: \(arn) is not authorized to perform: events:\(call.action) on resource: "
                    + "\(resource) because no identity-based policy allows the events:\(call.action) action"
            )
        }
        #expect(scene.queues("ListQueues", "{}", as: "b").status == 403)
        #expect(scene.queues("CreateQueue", #"{"QueueName":"q"}"#, as: "b").status == 403)
        #expect(scene.events("ListEventBuses", "{}").status == 200, "root needs no policy")
    }

    @Test func aGrantedOperationWorksAndConditionsSpeak() throws {
        let scene = try scene(
            allow("events:Describe*"),
            allow("events:PutRule", "*", #"{"StringEquals":{"events:source":"shop"}}"#),
            allow("sqs:*", "arn:aws:sqs:us-east-1:111122223333:${aws:PrincipalTag/team}-*"),
            allow("events:CreateEventBus", "*", #"{"StringEquals":{"aws:RequestTag/team":"blue"}}"#)
        )
        #expect(scene.events("DescribeEventBus", "{}", as: "b").status == 200)
        let shop = #"{"Name":"r","EventPattern":"{\"source\":[\"shop\"]}"}"#
        #expect(scene.events("PutRule", shop, as: "b").status == 200)
        let web = #"{"Name":"r","EventPattern":"{\"source\":[\"web\"]}"}"#
        #expect(scene.events("PutRule", web, as: "b").code == "AccessDeniedException")
        #expect(scene.queues("CreateQueue", #"{"QueueName":"blue-1"}"#, as: "b").status == 200)
        #expect(scene.queues("CreateQueue", #"{"QueueName":"red-1"}"#, as: "b").status == 403)
        let tagged = #"{"Name":"n","Tags":[{"Key":"team","Value":"blue"}]}"#
        let answer = scene.events("CreateEventBus", tagged, as: "b")
        #expect(answer.message?.contains("events:TagResource") == true, "tags need their own right")
    }

    @Test func aRoleMustBePassableAndAssumable() throws {
        let rule = "arn:aws:events:us-east-1:111122223333:rule/r"
        let trust =
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"#
            + #""Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"\#(rule)"}}}}"#
        let put = #"{"Name":"r","RoleArn":"\#(role)","EventPattern":"{\"source\":[\"s\"]}"}"#
        let plain = try scene(allow("events:*"), trust: trust)
        #expect(
            plain.events("PutRule", put, as: "b").message
                == "User: \(arn) is not authorized to perform: iam:PassRole on resource: \(role) because no "
                + "identity-based policy allows the iam:PassRole action"
        )
        let service = #"{"StringEquals":{"iam:PassedToService":"events.amazonaws.com"}}"#
        let passing = try scene(allow("events:*"), allow("iam:PassRole", role, service), trust: trust)
        #expect(passing.events("PutRule", put, as: "b").status == 200)
        let targets = #"[{"Id":"t","Arn":"arn:aws:sqs:us-east-1:111122223333:q","RoleArn":"\#(role)"}]"#
        #expect(passing.events("PutTargets", #"{"Rule":"r","Targets":\#(targets)}"#, as: "b").status == 200)
        let missing = targets.replacing("role/deliver", with: "role/none")
        let answer = passing.events("PutTargets", #"{"Rule":"r","Targets":\#(missing)}"#)
        #expect(answer.code == "ValidationException")
        #expect(
            answer.message == "Provided role 'arn:aws:iam::111122223333:role/none' cannot be assumed by principal "
                + "'events.amazonaws.com'. There is no such role."
        )
        let other = #"{"Name":"x","RoleArn":"\#(role)","EventPattern":"{\"source\":[\"s\"]}"}"#
        #expect(passing.events("PutRule", other).message?.contains("Its trust policy does not let it") == true)
    }

    @Test func whoAmIKnowsUsers() throws {
        let scene = try scene()
        var request = scene.plain("", "Action=GetCallerIdentity&Version=2011-06-15")
        request.headers = request.headers.filter { $0.name != "x-amz-target" && $0.name != "content-type" }
        request.headers.append(.init("content-type", "application/x-www-form-urlencoded"))
        let answer = scene.call(scene.signed(request, service: "sts", as: "b"))
        #expect(answer.text.contains("<Arn>\(arn)</Arn>"))
        #expect(answer.text.contains("<UserId>alice</UserId>"))
    }
}
