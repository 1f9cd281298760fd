import EventModel
import EventTransform
import SansIO
import Testing

/// Random events, paths and templates against a slow second implementation over the tree, and against damage.
@Suite struct RandomTransformTests {
    private static let keys = ["a", "b", "c", "a-b"]

    private func value(_ depth: Int, _ random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth > 0 ? 9 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(["0", "-1.50", "3e2"].randomElement(using: &random) ?? "0")
        case 3: return .string("")
        case 4: return .string("x\"y\\\n")
        case 5: return .string("é 😀")
        case 6:
            return .array((0..<Int.random(in: 0..<4, using: &random)).map { _ in value(depth - 1, &random) })
        default:
            return .object(
                JSONObject(
                    (0..<Int.random(in: 0..<5, using: &random)).map { _ in
                        let key = Self.keys.randomElement(using: &random) ?? "a"
                        return JSONObject.Member(key: key, value: value(depth - 1, &random))
                    }
                )
            )
        }
    }

    private func path(_ random: inout SeededGenerator) -> String {
        var text = "$"
        for _ in 0..<Int.random(in: 0..<4, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: text += "[*]"
            case 1: text += "[\(Int.random(in: 0..<3, using: &random))]"
            default: text += "." + (Self.keys.randomElement(using: &random) ?? "a")
            }
        }
        return text
    }

    private func select(_ steps: some Collection<InputPath.Step>, from value: JSONValue) -> [JSONValue] {
        guard let step = steps.first else { return [value] }
        let next: [JSONValue]
        switch step {
        case .name(let name): next = value.object?[String(decoding: name, as: UTF8.self)].map { [$0] } ?? []
        case .index(let index):
            next = value.array.flatMap { $0.indices.contains(index) ? [$0[index]] : nil } ?? []
        case .all: next = value.array ?? []
        }
        return next.flatMap { select(steps.dropFirst(), from: $0) }
    }

    private func spaced(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var output: [UInt8] = []
        var inString = false
        var escaped = false
        for byte in bytes {
            if !inString, Int.random(in: 0..<4, using: &random) == 0, !(byte &- 0x30 < 10),
                !".eE+-alsrun".utf8.contains(byte)
            {
                output.append([0x20, 0x0A, 0x09, 0x0D].randomElement(using: &random) ?? 0x20)
            }
            output.append(byte)
            if byte == UInt8(ascii: "\""), !escaped { inString.toggle() }
            escaped = byte == UInt8(ascii: "\\") && !escaped
        }
        return output
    }

    @Test func agreesWithSelectionFromTheTree() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("RandomTransformTests.agreesWithSelectionFromTheTree seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<10_000 {
            let event = value(4, &random)
            let path = try InputPath(path(&random))
            let found = select(path.steps, from: event)
            let expected: [UInt8]
            if path.selectsList {
                expected = JSONValue.array(found).bytes
            } else {
                let first = found.first ?? .null
                expected = first.isNull ? Array("{}".utf8) : first.bytes
            }
            #expect(path.evaluate(event.bytes) == expected, "\(path) of \(event.text), seed \(seed)")
            #expect(path.evaluate(spaced(event.bytes, &random)) == expected, "\(path) of \(event.text), seed \(seed)")
        }
    }

    @Test func collectsManyPathsAsIfEachWereAlone() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("RandomTransformTests.collectsManyPathsAsIfEachWereAlone seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for _ in 0..<3_000 {
            let event = value(4, &random)
            let variables = (0..<8).map { InputVariable(name: "v\($0)", path: path(&random)) }
            let template = "{\"x\":[" + variables.map { "<\($0.name)>" }.joined(separator: ",") + "]}"
            let transformer = try InputTransformer(variables: variables, template: template)
            let expected = try variables.map { variable in
                let path = try InputPath(variable.path)
                let found = select(path.steps, from: event)
                return path.selectsList ? JSONValue.array(found) : found.first ?? .string("")
            }
            let outcome = TargetInput.transformer(transformer).render(
                event: event.bytes,
                context: InputTransformerTests.context
            )
            #expect(
                Outcome(outcome) == .payload("{\"x\":\(JSONValue.array(expected).text)}"),
                "\(variables) of \(event.text), seed \(seed)"
            )
        }
    }

    /// A payload is always valid JSON, whatever the template, for events that are JSON; damaged events never trap.
    @Test func neverTrapsAndNeverSendsBrokenJSON() throws {
        let seed = UInt64.random(in: 0 ... .max)
        print("RandomTransformTests.neverTrapsAndNeverSendsBrokenJSON seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let pieces = [
            "{", "}", "[", "]", "\"", ",", ":", "<a>", "<b>", "<w>", "<aws.events.event>", "<aws.events.event.json>",
            "1", "\\",
            "\n", " ", "{\"x\":", "\"k\":", "<aws.events.rule-name>", "é",
        ]
        let variables = [
            InputVariable(name: "a", path: "$.a"), InputVariable(name: "b", path: "$.b.a"),
            InputVariable(name: "w", path: "$.c[*].a"),
        ]
        var accepted = 0
        for round in 0..<20_000 {
            var template = ["{\"x\":", "\"", "[", "{\"x\":\"", ""].randomElement(using: &random) ?? ""
            let open = template
            for _ in 0..<Int.random(in: 1..<5, using: &random) {
                template += pieces.randomElement(using: &random) ?? ""
            }
            template += open == "{\"x\":" ? "}" : open == "{\"x\":\"" ? "\"}" : open == "[" ? "]" : open
            guard let transformer = try? InputTransformer(variables: variables, template: template) else { continue }
            accepted += 1
            var event = value(3, &random).bytes
            let target = TargetInput.transformer(transformer)
            if case .payload(let text) = target.render(event: event, context: InputTransformerTests.context),
                transformer.template.utf8.first != UInt8(ascii: "\"")
            {
                #expect(
                    isJSON(text),
                    "\(template) of \(String(decoding: event, as: UTF8.self)), seed \(seed) round \(round)"
                )
            }
            for _ in 0..<3 where !event.isEmpty {
                event[Int.random(in: 0..<event.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                _ = target.render(event: event, context: InputTransformerTests.context, maximumBytes: 40)
                _ = target.render(event: Array(event.dropLast(2)), context: InputTransformerTests.context)
            }
        }
        #expect(accepted > 1_000)
    }

    private func isJSON(_ bytes: [UInt8]) -> Bool {
        (try? JSONValue(parsing: bytes)) != nil
    }
}
