import EventPattern
import Testing

@Suite struct PatternErrorTests {
    private func error(_ text: String) throws -> PatternError {
        try #require(throws: PatternError.self) { try Pattern.parse(text) }
    }

    @Test func linesAndColumnsStartAgainBehindEveryKindOfLineEnd() throws {
        #expect(try error("{\n \"a\":\r\n  1}").location == .init(line: 3, column: 4))
        #expect(try error("{\r\"a\":1}").location == .init(line: 2, column: 6))
        #expect(try error("{\"a\":[\n[").location == .init(line: 2, column: 2))
    }

    /// A column counts UTF-16 units: one for é, two for 🚀.
    @Test func columnsCountUTF16Units() throws {
        #expect(try error("{\"é\":1}").location?.column == 7)
        #expect(try error("{\"🚀\":1}").location?.column == 8)
    }

    @Test func theEchoKeepsLineEndsAndEscapesOtherControls() throws {
        let message = try error("{\t\"a\":\n1}").message
        #expect(
            message == "Event pattern is not valid. Reason: \"a\" must be an object or an array\n"
                + " at [Source: (String)\"{\\u0009\"a\":\n1}\"; line: 2, column: 2]"
        )
    }

    @Test func theEchoIsCutAt500Units() throws {
        let long = "{\"a\":\"" + String(repeating: "x", count: 600) + "\"}"
        let message = try error(long).message
        let shown = "{\"a\":\"" + String(repeating: "x", count: 494)
        #expect(message.hasSuffix("\n at [Source: (String)\"\(shown)\"[truncated 108 chars]; line: 1, column: 7]"))
        let exact = "{\"a\":\"" + String(repeating: "x", count: 492) + "\"}"
        #expect(try error(exact).message.hasSuffix("x\"}\"; line: 1, column: 7]"))
        // The cut counts UTF-16 units and may split a pair.
        let pairs = "{\"a\":1" + String(repeating: "🚀", count: 300)
        let expected = "{\"a\":1" + String(repeating: "🚀", count: 247) + "\"[truncated 106 chars]; line: 1, column: 7]"
        #expect(try error(pairs).message.hasSuffix(expected))
        let odd = "{\"ab\":1" + String(repeating: "🚀", count: 300)
        let cut = "{\"ab\":1" + String(repeating: "🚀", count: 246) + "?\"[truncated 107 chars]; line: 1, column: 8]"
        #expect(try error(odd).message.hasSuffix(cut))
    }

    @Test func errorsInsideAnAnythingButListRepeatTheirLocation() throws {
        for text in [
            #"{"a":[{"anything-but":{"prefix":["x",""]}}]}"#, #"{"a":[{"anything-but":{"wildcard":["a**"]}}]}"#,
            #"{"a":[{"anything-but":{"equals-ignore-case":[1]}}]}"#, #"{"a":[{"anything-but":["x",}]}"#,
        ] {
            let message = try error(text).message
            #expect(message.split(separator: "\n at [").count == 3, "\(message)")
        }
    }

    @Test func unknownWordsAreNamed() throws {
        let message = try error("this is not JSON").message
        #expect(
            message == "Event pattern is not valid. Reason: Unrecognized token 'this': was expecting (JSON String, "
                + "Number, Array, Object or token 'null', 'true' or 'false')\n"
                + " at [Source: (String)\"this is not JSON\"; line: 1, column: 5]"
        )
    }

    @Test(arguments: [
        "", " ", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":[\"", "{\"a\":[\"\\", "{\"a\":[\"\\u12",
        "{\"a\":[1", "{\"a\":[1]", "{\"a\":[1],", "{\"a\":[tru]}", "{\"a\":[truex]}", "{\"a\":[-]}", "{\"a\":[1.]}",
        "{\"a\":[1e]}", "{\"a\":[.5]}", "{\"a\":[+5]}", "{\"a\":[1,]}", "{\"a\":[1 2]}", "{\"a\":[1}]}", "{\"a\" [1]}",
        "{\"a\":[\"\u{1}\"]}", "{\"a\":[\"\\x\"]}", "{,}", "{\"a\":[1]]", "{\"a\":[1]\u{1}}", "{\"a\":[🚀]}",
        "{\"a\":[{\"numeric\":[", "{\"a\":[{\"anything-but\":[\"x\"", "{\"$or\":[{\"a\":[1]}", "{\"a\":[NaN]}",
    ])
    func brokenJSONIsRefusedWithALocation(_ text: String) throws {
        let error = try error(text)
        #expect(error.location != nil)
        #expect(error.message.hasPrefix("Event pattern is not valid. Reason: "))
    }

    @Test func endOfInputNamesTheInnermostContainer() throws {
        let text = "{\n \"a\":[1"
        let expected =
            "Unexpected end-of-input: expected close marker for Array (start marker at "
            + "[Source: (String)\"\(text)\"; line: 2, column: 6])"
        #expect(try error(text).reason == expected)
    }

    @Test func everythingBehindTheRootIsIgnored() throws {
        let pattern = try Pattern.parse("{\"a\":[1]} ]]] garbage \u{1}")
        #expect(try pattern.matches(Array("{\"a\":1}".utf8)))
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        let text = Array("{\"a\":[\"".utf8) + [0xFF] + Array("\"]}".utf8)
        #expect(throws: PatternError.self) { try Pattern.parse(text) }
    }

    @Test func aLexemeThatCannotBeComparedIsNamed() throws {
        #expect(try error(#"{"a":[{"numeric":[">",1e400,"<",1]}]}"#).reason == "Cannot compare number : 1e400")
        #expect(try error(#"{"a":[{"anything-but":1e400}]}"#).reason == "Cannot compare number : 1e400")
    }

    /// The service fails on it; it is refused here (spec: patterns §2.10).
    @Test func emptyListUnderAnythingButIsRefused() throws {
        for name in ["prefix", "suffix", "equals-ignore-case", "wildcard"] {
            let reason = try error("{\"a\":[{\"anything-but\":{\"\(name)\":[]}}]}").reason
            #expect(reason == "Empty arrays are not allowed")
        }
    }

    @Test func addressBlocksAreReadLeniently() throws {
        for operand in ["10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/8/", "10.0.0.0/8//", "010.0.0.0/8"] {
            let pattern = try Pattern.parse("{\"a\":[{\"cidr\":\"\(operand)\"}]}")
            #expect(try pattern.matches(Array("{\"a\":\"10.200.0.1\"}".utf8)))
        }
        for operand in [
            "10.0.0.0/", "/8", "10.0.0.0/8/9", "10.0.0.0", "10.0.0.0/ 8", "::1/129", "10.0.0.0/99999999999",
        ] {
            #expect(try error("{\"a\":[{\"cidr\":\"\(operand)\"}]}").location == nil)
        }
    }

    @Test(arguments: [
        "exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
        "=",
        "<", "<=", ">", ">=", "regex", "not-wildcard", "not-equals-ignore-case", "date-after", "date-on-or-after",
        "date-before", "date-on-or-before", "in-date-range", "ip-address-in-range", "ip-address-not-in-range",
    ])
    func reservedNamesAreRefusedOnlyInsideOr(_ name: String) throws {
        let expected = "\(name) is Ruler reserved fieldName which cannot be used inside $or."
        #expect(try error("{\"$or\":[{\"a\":[1]},{\"\(name)\":[1]}]}").reason == expected)
        #expect(try error("{\"$or\":[{\"a\":[1]},{\"b\":{\"\(name)\":[1]}}]}").reason == expected)
        _ = try Pattern.parse("{\"\(name)\":[1],\"$or\":[{\"a\":[1]},{\"b\":[1]}]}")
    }
}
