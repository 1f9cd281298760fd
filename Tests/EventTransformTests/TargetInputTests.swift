import EventModel
import EventTransform
import SansIO
import Testing

@Suite struct TargetInputTests {
    private let event = Array(InputTransformerTests.event.utf8)

    private func message(
        input: String? = nil,
        path: String? = nil,
        variables: [InputVariable] = [],
        template: String? = nil,
        onlyTransformer: Bool = false
    ) -> String? {
        do throws(TargetInputError) {
            _ = try TargetInput(
                input: input,
                inputPath: path,
                transformer: template.map { (variables: variables, template: $0) },
                onlyTransformer: onlyTransformer
            )
            return nil
        } catch {
            return error.message(targetID: "t1")
        }
    }

    private func render(input: String? = nil, path: String? = nil) throws -> Outcome {
        let target = try TargetInput(input: input, inputPath: path, transformer: nil)
        return Outcome(target.render(event: event, context: InputTransformerTests.context))
    }

    /// spec: patterns §4.1
    @Test func deliversTheEnvelopeWithoutAForm() throws {
        #expect(try TargetInput(input: nil, inputPath: nil, transformer: nil) == .event)
        #expect(try render() == .payload(InputTransformerTests.event))
    }

    /// spec: patterns §4.1, control §4.3
    @Test func refusesSeveralForms() {
        let expected = "Only one of Input, InputPath, or InputTransformer must be provided for target t1."
        #expect(message(input: "{}", path: "$") == expected)
        #expect(message(input: "{}", template: "{}") == expected)
        #expect(message(path: "$", template: "{}") == expected)
        #expect(message(input: "{}", path: "$", template: "{}") == expected)
    }

    /// spec: patterns §4.2
    @Test(arguments: ["{ \"a\" : 1 }\n", "\"x\"", "[1,\t2]", "null", " 7 ", "\"\""])
    func deliversInputByteForByte(input: String) throws {
        #expect(try render(input: input) == .payload(input))
    }

    /// spec: patterns §4.2
    @Test func admitsTheEmptyInput() throws {
        #expect(message(input: "") == nil)
        #expect(try render(input: "") == .nothing)
    }

    /// spec: patterns §4.2
    @Test func refusesInputThatIsNotJSON() {
        #expect(
            message(input: "hello")
                == "JSON syntax error in input for target t1: [Source: (String)\"hello\"; line: 1, column: 1]"
        )
        #expect(
            message(input: "{\n \"a\": x}")
                == "JSON syntax error in input for target t1: [Source: (String)\"{\n \"a\": x}\"; line: 2, column: 7]"
        )
        #expect(message(input: "{} {}") != nil)
    }

    @Test func selectsWithInputPath() throws {
        #expect(try render(path: "$.detail.o") == .payload(#"{"k":"v"}"#))
        #expect(try render(path: "$.detail.z") == .payload("{}"))
        #expect(try render(path: "$") == .payload(InputTransformerTests.event))
    }

    /// spec: patterns §4.3 "Refused syntax"
    @Test func refusesInvalidPaths() {
        #expect(message(path: "detail") == "InputPath for target t1 is not valid: detail")
        #expect(
            message(variables: [InputVariable(name: "a", path: "$.x[?(@.y)]")], template: "{\"a\":<a>}")
                == "InputPathsMap for target t1 contains invalid path for a: $.x[?(@.y)]"
        )
    }

    /// spec: patterns §4.7
    @Test(arguments: [
        (#"{"x":<b>}"#, "b"), (#"{"x":"<b>"}"#, "b"), ("\"<a> <B>\"", "B"), ("<aws.events.foo>", "aws.events.foo"),
        (#"{"<b>":1}"#, "b"), ("\"<a>\"", nil), ("\"<a b>\"", nil),
    ])
    func refusesUnknownPlaceholders(template: String, name: String?) {
        let variables = [InputVariable(name: "a", path: "$.a")]
        let expected = name.map { "InputTemplate for target t1 contains invalid placeholder \($0)." }
        #expect(message(variables: variables, template: template) == expected)
    }

    /// spec: patterns §4.6, §4.7
    @Test(arguments: [
        #"{"<id>":1}"#, #"{"a <id> b":1}"#, #"{"x":{"<id>":1}}"#, #"{<id>:1}"#, #"{"a":1,<id> : 2}"#, #"[{"<id>":1}]"#,
        #"{"<aws.events.rule-name>":1}"#, #"{"<aws.events.event>":1}"#,
    ])
    func refusesPlaceholdersInKeys(template: String) {
        #expect(
            message(variables: InputTransformerTests.variables, template: template)
                == "InputTemplate placeholder present as a JSON object key for target t1."
        )
    }

    /// spec: patterns §4.6, §4.7
    @Test(
        arguments: ["aws.events.event", "aws.events.event.json"],
        ["[\"<N>\"]", "\"<N>\"", "<N>", "[<N>]", "{\"a\":[<N>]}", "{\"a\":\"<N>\"}", "{\"a\":-<N>}", "\"a\"\n\"<N>\""]
    )
    func refusesTheEventOutsideFieldValues(name: String, shape: String) {
        let template = replaceName(shape, with: name)
        #expect(
            message(variables: InputTransformerTests.variables, template: template)
                == "InputTemplate for target t1 contains placeholder \(name) valid only for JSON template."
        )
    }

    private func replaceName(_ shape: String, with name: String) -> String {
        shape.split(separator: "N", omittingEmptySubsequences: false).joined(separator: name)
    }

    /// spec: patterns §4.7 "template not JSON after replacing placeholders by a scalar"
    @Test(arguments: [
        "{", "<id", "{\"a\":<id><n>}", "{\"a\" <id>}", "hello <id>", "<id> is <n>", "\"a\" \"b\"", "\"a\"\n<id>",
        "\"a\"\n{}",
        "{} x",
        " ", "\"a", "\"\\<id>\"", "{\"a\":<id>,}", "\"a\nb\"", "{\"a\":<id>1}",
    ])
    func refusesTemplatesThatAreNotJSON(template: String) {
        let text = message(variables: InputTransformerTests.variables, template: template)
        #expect(text?.contains("InputTemplate for target t1 is not valid JSON: ") == true)
    }

    /// spec: patterns §4.7
    @Test func refusesOtherFormsWhereOnlyATransformerGoes() {
        let expected =
            "Input and InputPath are not valid forms of input for target t1. "
            + "The only valid form of input is InputTransformer."
        #expect(message(input: "{}", onlyTransformer: true) == expected)
        #expect(message(path: "$", onlyTransformer: true) == expected)
        #expect(message(template: "{}", onlyTransformer: true) == nil)
        #expect(message(onlyTransformer: true) == nil)
    }

    /// spec: patterns §4.1
    @Test func boundsEveryMember() {
        let path = "$." + String(repeating: "a", count: 254)
        #expect(message(path: path) == nil)
        #expect(message(path: path + "a") != nil)
        #expect(message(input: "\"" + String(repeating: "é", count: 8_190) + "\"") == nil)
        #expect(message(input: "\"" + String(repeating: "é", count: 8_191) + "\"") != nil)
        #expect(message(template: "\"" + String(repeating: "é", count: 8_190) + "\"") == nil)
        #expect(message(template: "\"" + String(repeating: "é", count: 8_191) + "\"") != nil)
        #expect(message(template: "") != nil)
        let variables = (0..<101).map { InputVariable(name: "v\($0)", path: "$.a") }
        #expect(message(variables: Array(variables.dropLast()), template: "{}") == nil)
        #expect(message(variables: variables, template: "{}") != nil)
        for name in ["", "a b", "AWS.x", "é", "a.b", String(repeating: "a", count: 257)] {
            #expect(
                message(variables: [InputVariable(name: name, path: "$")], template: "{}")
                    == "InputPathsMap for target t1 contains invalid key \(name)."
            )
        }
        let longest = String(repeating: "a", count: 256)
        #expect(message(variables: [InputVariable(name: longest, path: "$")], template: "{\"x\":<\(longest)>}") == nil)
    }

    @Test func comparesTransformersByTheirText() throws {
        let one = try InputTransformer(variables: [], template: "\"é\"")
        #expect(try one == InputTransformer(variables: [], template: "\"é\""))
        #expect(try one != InputTransformer(variables: [], template: "\"e\u{301}\""))
    }
}
