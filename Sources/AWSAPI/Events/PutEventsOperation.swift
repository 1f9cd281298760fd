import EventModel
import EventPattern
import Router
import SansIO

/// PutEvents and TestEventPattern (spec: patterns §1.4-§1.9, §3.5).
extension EventService {
    func putEvents(_ call: APICall, _ answer: @escaping (APIResult) -> Void) {
        let entries: [PutEventsEntry]
        do throws(AWSError) {
            entries = try readEntries(call)
        } catch {
            answer(.failure(error))
            return
        }
        router.putEvents(entries, by: call.putter) { result in
            switch result {
            case .success(let results): answer(.success(Self.output(results)))
            case .failure(.denied(let text)): answer(.failure(AWSError(.accessDenied, text)))
            case .failure(.throttled): answer(.failure(AWSError(.throttling, "Rate exceeded")))
            case .failure(.store(let error)):
                answer(.failure(AWSError(.internalFailure, "The events could not be stored: \(error.message)")))
            }
        }
    }

    private static func output(_ results: [PutEventsResult]) -> JSONObject {
        var failed = 0
        let list = results.map { result -> JSONValue in
            switch result {
            case .accepted(let id):
                return .object(["EventId": .string(id)])
            case .refused(let code, let message):
                failed += 1
                return .object(["ErrorCode": .string(code), "ErrorMessage": .string(message)])
            }
        }
        return ["FailedEntryCount": .integer(failed), "Entries": .array(list)]
    }

    private func readEntries(_ call: APICall) throws(AWSError) -> [PutEventsEntry] {
        let quotas = catalog.state.quotas
        var checker = ConstraintChecker(call.input)
        let endpoint = checker.string("EndpointId", length: 1...50, pattern: .endpointID)
        let elements =
            checker.list(
                "Entries",
                required: true,
                length: 1...quotas.entriesPerPutEvents,
                print: PutEventsEntry.print
            ) ?? []
        var entries: [PutEventsEntry] = []
        for (index, element) in elements.prefix(quotas.entriesPerPutEvents).enumerated() {
            guard let object = element.object else {
                checker.mistyped("Entries", "a list of objects")
                break
            }
            var nested = ConstraintChecker(object, path: "entries.\(index + 1).member")
            entries.append(PutEventsEntry(&nested))
            checker.absorb(nested)
        }
        try checker.finish()
        if endpoint != nil {
            throw AWSError(.unsupported, "Busbar has no global endpoints: leave EndpointId out.")
        }
        guard entries.reduce(0, { $0 + $1.size }) <= quotas.putEventsBytes else {
            throw .validation("Total size of the entries in the request is over the limit.")
        }
        return entries
    }

    func testEventPattern(_ call: APICall, _ answer: @escaping (APIResult) -> Void) {
        do throws(AWSError) {
            var checker = ConstraintChecker(call.input)
            let limit = catalog.state.quotas.eventPatternCharacters
            let text = checker.string("EventPattern", required: true, length: 0...limit) ?? ""
            let event = checker.string("Event", required: true) ?? ""
            try checker.finish()
            try authorizeWithoutResource(call, "events:TestEventPattern")
            try checkPattern(text)
            answer(.success(["Result": .bool(try Self.test(text, event))]))
        } catch {
            answer(.failure(error))
        }
    }

    private static func test(_ text: String, _ event: String) throws(AWSError) -> Bool {
        let bytes = Array(event.utf8)
        switch EventValidation.check(bytes) {
        case nil: break
        case .invalidTime?: throw .validation("Parameter Event is not valid. Reason: Invalid time.")
        default: throw .validation("Parameter Event is not valid.")
        }
        guard let pattern = try? Pattern.parse(text), let matches = try? pattern.matches(bytes) else {
            throw .validation("Parameter Event is not valid.")
        }
        return matches
    }
}

extension PutEventsEntry {
    /// Seconds since the epoch that ISO 8601 can write with four digits of the year.
    private static let timeRange = -62_167_219_200.0...253_402_300_799.0

    /// Reads one entry.
    fileprivate init(_ checker: inout ConstraintChecker) {
        let time = checker.number("Time")
        if let time, !(Self.timeRange ~= time) { checker.mistyped("Time", "a time within the years 0 to 9999") }
        self.init(
            source: checker.string("Source") ?? "",
            detailType: checker.string("DetailType") ?? "",
            detail: checker.string("Detail").map { Array($0.utf8) } ?? [],
            resources: checker.strings("Resources", element: 0...2_048) ?? [],
            time: time.flatMap { Self.timeRange ~= $0 ? Timestamp(milliseconds: Int64($0 * 1000)) : nil },
            bus: checker.string("EventBusName", length: 1...1_600, pattern: .ownBusNameOrARN),
            traceHeader: checker.string("TraceHeader", length: 1...500)
        )
    }

    /// The entry as the service prints it in a violated constraint (spec: patterns §1.8).
    static func print(_ value: JSONValue) -> String {
        let object = value.object ?? JSONObject()
        func text(_ key: String) -> String {
            guard let member = object[key], !member.isNull else { return "null" }
            if let list = member.array {
                return "[" + list.map { $0.string ?? $0.text }.joined(separator: ", ") + "]"
            }
            return member.string ?? member.text
        }
        return "PutEventsRequestEntry(time=\(text("Time")), source=\(text("Source")), "
            + "resources=\(text("Resources")), detailType=\(text("DetailType")), detail=\(text("Detail")), "
            + "eventBusName=\(text("EventBusName")), traceHeader=\(text("TraceHeader")), "
            + "kmsKeyIdentifier=null, internalMetadata=null)"
    }
}

extension APICall {
    /// Who puts events, for the router.
    fileprivate var putter: EventPutter {
        EventPutter(account: caller.account, arn: caller.arn, region: region, now: now, context: conditionContext)
    }
}
