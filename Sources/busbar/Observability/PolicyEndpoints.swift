import EventModel
import Router
import SansIO

/// `POST /policy/explain` and `POST /policy/simulate`: questions about the policies, rules and targets in force.
///
/// Both take and give JSON, change nothing and deliver nothing. About buses of other cells both ask
/// those cells whether they would let an event in.
final class PolicyEndpoints {
    /// Why a request cannot be answered; the text goes to the client with status 400.
    struct Refusal: Error {
        let text: String
    }

    private let router: EventRouter

    init(router: EventRouter) {
        self.router = router
    }

    /// Answers a POST for one of the two; false for any other request.
    func answer(_ request: HTTPRequest, _ reply: any HTTPReply) -> Bool {
        guard request.method == "POST" else { return false }
        do throws(Refusal) {
            switch request.target.prefix(while: { $0 != "?" }) {
            case "/policy/explain":
                try explain(try Self.body(request)) { reply.send(AdminEndpoints.json(Self.json($0))) }
            case "/policy/simulate":
                try simulate(try Self.body(request)) { step in
                    let output: JSONObject = ["walk": step.json, "lines": .array(step.lines.map(JSONValue.string))]
                    reply.send(AdminEndpoints.json(output))
                }
            default: return false
            }
        } catch {
            reply.send(AdminEndpoints.json(["error": .string(error.text)], status: 400))
        }
        return true
    }

    private static func body(_ request: HTTPRequest) throws(Refusal) -> JSONObject {
        guard let object = (try? JSONValue(parsing: request.body))?.object else {
            throw Refusal(text: "the body must be a JSON object")
        }
        return object
    }

    private static func text(_ key: String, _ object: JSONObject) throws(Refusal) -> String {
        guard let text = object[key]?.string, !text.isEmpty else { throw Refusal(text: "\(key) must be a text") }
        return text
    }

    private func explain(
        _ input: JSONObject,
        completion: @escaping (AccessExplanation) -> Void
    ) throws(Refusal) {
        var question = AccessQuestion(
            principal: try Self.text("principal", input),
            action: try Self.text("action", input),
            resource: try Self.text("resource", input)
        )
        let members = input["context"]?.object?.members ?? []
        guard members.count <= 100 else { throw Refusal(text: "context has more than 100 keys") }
        for member in members {
            let values = member.value.array?.compactMap(\.string) ?? member.value.string.map { [$0] } ?? []
            guard !values.isEmpty, values.count <= 100 else {
                throw Refusal(text: "context must map keys to texts or to lists of 1 to 100 texts")
            }
            question.context.append((member.key, values))
        }
        do throws(AccessQuestion.Fault) {
            try router.explain(question, completion: completion)
        } catch {
            throw Refusal(text: error.description)
        }
    }

    /// An explanation as the API gives it.
    static func json(_ explanation: AccessExplanation) -> JSONObject {
        let isAllowed = explanation.verdict.isAllowed && !explanation.isOpen
        var output: JSONObject = ["allowed": .bool(isAllowed), "open": .bool(explanation.isOpen)]
        if case .denied(let text) = explanation.verdict { output["message"] = .string(text) }
        if let statement = explanation.statement {
            var place: JSONObject = [
                "policy": .string(statement.policy), "policyIndex": .integer(statement.policyIndex),
                "statementIndex": .integer(statement.index),
            ]
            if let sid = statement.sid { place["sid"] = .string(sid) }
            output["statement"] = .object(place)
        }
        output["lines"] = .array(explanation.lines.map(JSONValue.string))
        return output
    }

    private func simulate(
        _ input: JSONObject,
        completion: @escaping (WalkStep) -> Void
    ) throws(Refusal) {
        let from = try Self.text("from", input)
        guard let account = AccountID(from) ?? AccountID(ARN(from)?.account ?? "") else {
            throw Refusal(text: "from must be an account's twelve digits or a principal's ARN")
        }
        guard let bus = BusAddress(arn: try Self.text("bus", input)) else {
            throw Refusal(text: "bus must be the ARN of an event bus")
        }
        guard let object = input["event"] else { throw Refusal(text: "event is missing") }
        let event: HypotheticalEvent
        do throws(HypotheticalEvent.Fault) {
            event = try HypotheticalEvent(object.bytes, from: account, region: bus.region, now: router.now)
        } catch {
            throw Refusal(text: error.description)
        }
        let caller = AccountID(from) == nil ? from : "arn:aws:iam::\(account):root"
        router.simulate(event, by: caller, of: account, to: bus, completion: completion)
    }
}
