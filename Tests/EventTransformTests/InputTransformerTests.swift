import EventModel
import EventTransform
import SansIO
import Testing

@Suite struct InputTransformerTests {
    static let envelope =
        #"{"version":"0","id":"e-1","detail-type":"T \"q\"","source":"s.x","account":"111122223333","#
        + #""time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":[],"detail":"#
    static let detail = #"{"id":"A1","n":7,"ok":true,"q":"say \"hi\"","o":{"k":"v"},"l":["p","q"],"z":null}"#
    static let event = envelope + detail + "}"
    static let names = ["id", "n", "ok", "q", "o", "l", "z"]
    static let variables =
        names.map { InputVariable(name: $0, path: "$.detail.\($0)") } + [
            InputVariable(name: "m", path: "$.detail.none")
        ]
    static let context = TransformContext(
        ruleARN: "arn:aws:events:us-east-1:111122223333:rule/r\"1",
        ruleName: "r\"1",
        ingestionTime: Timestamp(milliseconds: 1_767_225_600_042)
    )

    static func render(
        _ template: String,
        event: String = event,
        variables: [InputVariable] = variables,
        maximumBytes: Int = 1_048_576
    ) throws -> Outcome {
        let transformer = try InputTransformer(variables: variables, template: template)
        let outcome = TargetInput.transformer(transformer)
            .render(event: Array(event.utf8), context: context, maximumBytes: maximumBytes)
        return Outcome(outcome)
    }

    /// spec: patterns §4.6, every row that is not refused at PutTargets.
    @Test(arguments: [
        (#"{"x": <id>, "n": <n>}"#, #"{"x": "A1", "n": 7}"#),
        (#"{"x":"<id>-<n>"}"#, #"{"x":"A1-7"}"#),
        (#"{"x":<o>,"y":<l>}"#, #"{"x":{"k":"v"},"y":["p","q"]}"#),
        (#"{"x":<q>}"#, #"{"x":"say \"hi\""}"#),
        (#"{"x":"<q>"}"#, #"{"x":"say \"hi\""}"#),
        (#"{"x":<m>,"y":"<m>"}"#, #"{"x":"","y":""}"#),
        (#"{"x":<z>}"#, #"{"x":null}"#),
        (#"{"x":<ok>}"#, #"{"x":true}"#),
        (#""id <id>, n <n>, ok <ok>""#, #""id A1, n 7, ok true""#),
        (#""got <o> and <l>""#, #""got {k:v} and [p,q]""#),
        (#""none: <m>.""#, #""none: .""#),
        (#"["<id>",<n>]"#, #"["A1",7]"#),
        ("<n>", "7"),
        ("\"a <id>\"\n\"b <n>\"", "\"a A1\"\n\"b 7\""),
        (
            #"{"e":<aws.events.event>}"#,
            #"{"e":{"id":"e-1","account":"111122223333","detailType":"T \"q\"","time":1767225600000,"source":"s.x","#
                + #""region":"us-east-1","resources":[],"version":"0"}}"#
        ),
    ])
    func delivers(template: String, expected: String) throws {
        #expect(try Self.render(template) == .payload(expected))
    }

    /// spec: patterns §4.6, the rows marked X.
    @Test(arguments: [
        (#"{"x":"<o>"}"#, #"{"x":"{"k":"v"}"}"#),
        (#""<q>""#, #""say "hi"""#),
        ("[<n>,<m>,2]", "[7,,2]"),
        ("[<id>]", "[A1]"),
        ("<o>", "{k:v}"),
    ])
    func breaks(template: String, text: String) throws {
        #expect(try Self.render(template) == .invalid(text))
    }

    /// spec: patterns §4.5, cells of the table that §4.6 does not show.
    @Test(arguments: [
        (#"{"x":"<n> <ok> <z>"}"#, Outcome.payload(#"{"x":"7 true null"}"#)),
        (#"{"x":["<id>",<id>,<l>,<m>]}"#, .payload(#"{"x":["A1","A1",["p","q"],""]}"#)),
        (#"{"x":"[<m>]"}"#, .payload(#"{"x":"[]"}"#)),
        (#"{"x":"<l>"}"#, .invalid(#"{"x":"["p","q"]"}"#)),
        (#""<z> <n>""#, .payload(#""null 7""#)),
        ("<ok>", .payload("true")),
        ("<z>", .payload("null")),
        ("<id>", .invalid("A1")),
        ("<l>", .invalid("[p,q]")),
        ("\"<l>\"\n\n\"<o>\"", .payload("\"[p,q]\"\n\n\"{k:v}\"")),
        ("\"<q>\"\n\"b\"", .invalid("\"say \"hi\"\"\n\"b\"")),
        (#"[{"a":<n>},"<l>"]"#, .payload(#"[{"a":7},"[p,q]"]"#)),
        ("42", .payload("42")),
        (" { \"x\" :\t<n> } ", .payload(" { \"x\" :\t7 } ")),
        ("\"a < b > c <>\"", .payload("\"a < b > c <>\"")),
        ("{\"x\":1<n>}", .payload("{\"x\":17}")),
        ("{\"x\":1<id>}", .invalid("{\"x\":1\"A1\"}")),
        (#"{"x":"\"<id>\\<id>"}"#, .payload(#"{"x":"\"A1\\A1"}"#)),
    ])
    func substitutes(template: String, expected: Outcome) throws {
        #expect(try Self.render(template) == expected)
    }

    /// spec: patterns §4.4
    @Test(arguments: [
        (
            #"{"a":<aws.events.rule-arn>,"n":"<aws.events.rule-name>"}"#,
            #"{"a":"arn:aws:events:us-east-1:111122223333:rule/r\"1","n":"r\"1"}"#
        ),
        (#"{"t":<aws.events.event.ingestion-time>}"#, #"{"t":"2026-01-01T00:00:00.042Z"}"#),
        (#""at <aws.events.event.ingestion-time>""#, #""at 2026-01-01T00:00:00.042Z""#),
        (#"{"e":{"f":<aws.events.event.json>}}"#, #"{"e":{"f":"# + event + "}}"),
    ])
    func fillsReservedPlaceholders(template: String, expected: String) throws {
        #expect(try Self.render(template) == .payload(expected))
        #expect(try Self.render(template, variables: []) == .payload(expected))
    }

    @Test func writesReservedStringsRawIntoTextTemplates() throws {
        #expect(try Self.render(#""<aws.events.rule-name>""#) == .invalid(#""r"1""#))
    }

    /// spec: patterns §4.5, last row
    @Test(arguments: [
        (#"{"x":"<foo>"}"#, Outcome.payload(#"{"x":"<foo>"}"#)),
        (#"{"x":<foo>}"#, .invalid(#"{"x":<foo>}"#)),
        (#""<foo> <aws.events.other>""#, .payload(#""<foo> <aws.events.other>""#)),
        ("<foo>", .invalid("<foo>")),
    ])
    func keepsUnknownPlaceholdersWithoutAMap(template: String, expected: Outcome) throws {
        #expect(try Self.render(template, variables: []) == expected)
    }

    /// spec: patterns §4.5 "A template that becomes the empty text"
    @Test func sendsNothingForTheEmptyText() throws {
        #expect(try Self.render("<m>") == .nothing)
        #expect(try Self.render("<m> ") == .invalid(" "))
    }

    @Test func decodesEscapesInTextTemplates() throws {
        let event = #"{"detail":{"a":"\u00e9\ud83d\ude00\/","b":"x\ny","c":["a\"b","c"],"d":"\ud800"}}"#
        let variables = ["a", "b", "c", "d"].map { InputVariable(name: $0, path: "$.detail.\($0)") }
        #expect(try Self.render("\"<a>\"", event: event, variables: variables) == .payload("\"é😀/\""))
        #expect(try Self.render("\"<b>\"", event: event, variables: variables) == .invalid("\"x\ny\""))
        #expect(try Self.render("\"<c>\"", event: event, variables: variables) == .payload(#""[a\b,c]""#))
        #expect(
            try Self.render(#"{"x":"<a><b>"}"#, event: event, variables: variables)
                == .payload(#"{"x":"\u00e9\ud83d\ude00\/x\ny"}"#)
        )
        #expect(try Self.render("\"<d>\"", event: event, variables: variables).isInvalid)
    }

    @Test func dropsEveryQuoteOfContainersInTextTemplates() throws {
        let event = #"{"detail":{"c":["a\"n", "", {"k" : "v w"}]}}"#
        let variables = [
            InputVariable(name: "c", path: "$.detail.c"), InputVariable(name: "w", path: "$.detail.c[*]"),
        ]
        #expect(try Self.render("\"<c>\"", event: event, variables: variables) == .payload(#""[a\n,,{k:v w}]""#))
        #expect(try Self.render("\"<w>\"", event: event, variables: variables) == .payload(#""[a\n,,{k:v w}]""#))
    }

    @Test func collectsSeveralPathsThatOverlap() throws {
        let event = #"{"a":[{"b":1,"c":[1,2]},{"b":2,"c":[3]}],"a2":0}"#
        let paths = [
            "$.a[*].b", "$.a[0].b", "$.a[0]", "$.a[*].c[*]", "$.a[1].c[0]", "$.a[0].b", "$", "$.a2", "$.a[*].c[0]",
        ]
        let variables = paths.enumerated().map { InputVariable(name: "v\($0.offset)", path: $0.element) }
        let template = "{" + paths.indices.map { "\"\($0)\":<v\($0)>" }.joined(separator: ",") + "}"
        let expected =
            #"{"0":[1,2],"1":1,"2":{"b":1,"c":[1,2]},"3":[1,2,3],"4":3,"5":1,"6":"# + event + #","7":0,"8":[1,3]}"#
        #expect(try Self.render(template, event: event, variables: variables) == .payload(expected))
    }

    @Test func boundsTheOutput() throws {
        let event = #"{"detail":{"id":""# + String(repeating: "é", count: 500) + #""}}"#
        let template = "{\"x\":\"" + String(repeating: "<id>", count: 100) + "\"}"
        #expect(try Self.render(template, event: event, maximumBytes: 100_008).isPayload)
        let cut = try Self.render(template, event: event, maximumBytes: 100_007)
        #expect(cut == .invalid("{\"x\":\"" + String(repeating: "é", count: 50_000) + "\""))
        let short = try Self.render(template, event: event, maximumBytes: 9)
        #expect(short == .invalid("{\"x\":\"é"))
        #expect(try Self.render("{\"x\":<id>}", event: event, maximumBytes: 0) == .invalid(""))
    }

    /// Every combination of index and `[*]` selects the same innermost elements; what is remembered stays bounded.
    @Test func boundsTheResultsOfManyLists() throws {
        let inner = Array(repeating: "0", count: 20_000).joined(separator: ",")
        let event = "{\"a\":[[[[[[" + inner + "]]]]]]}"
        let variables = (0..<32).map { mask in
            let steps = (0..<5).map { mask >> $0 & 1 == 0 ? "[*]" : "[0]" }.joined()
            return InputVariable(name: "v\(mask)", path: "$.a\(steps)[*]")
        }
        let template = "[" + variables.map { "<\($0.name)>" }.joined(separator: ",") + "]"
        #expect(try Self.render(template, event: event, variables: variables, maximumBytes: 50_000).isInvalid)
        #expect(try Self.render(template, event: event, variables: variables, maximumBytes: 2_000_000).isPayload)
    }

    @Test func keepsTheTimeWhenItHasAnotherForm() throws {
        let outcome = try Self.render(#"{"e":<aws.events.event>}"#, event: #"{"time":"yesterday","id":"1"}"#)
        #expect(outcome == .payload(#"{"e":{"id":"1","time":"yesterday"}}"#))
    }

    @Test(arguments: ["", "{", "{\"detail\":", "nonsense!", "{\"detail\":{}} x"])
    func takesTextsThatAreNotJSONForInvalid(event: String) throws {
        #expect(try Self.render("{\"x\":<id>}", event: event) == .invalid(event))
    }
}

/// An outcome as text, for readable failures.
enum Outcome: Equatable, Sendable {
    case payload(String)
    case invalid(String)
    case nothing

    init(_ outcome: TransformOutcome) {
        switch outcome {
        case .payload(let bytes): self = .payload(String(decoding: bytes, as: UTF8.self))
        case .invalid(let bytes): self = .invalid(String(decoding: bytes, as: UTF8.self))
        case .nothing: self = .nothing
        }
    }

    var isPayload: Bool {
        if case .payload = self { return true }
        return false
    }

    var isInvalid: Bool {
        if case .invalid = self { return true }
        return false
    }
}
