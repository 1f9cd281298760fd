import EventModel
import SansIO
import Testing

@Suite struct JSONReaderTests {
    private func tokens(_ bytes: [UInt8], maximumDepth: Int = 100) throws(JSONError) -> [JSONToken] {
        var reader = JSONReader(bytes, maximumDepth: maximumDepth)
        var tokens: [JSONToken] = []
        while true {
            let token = try reader.next()
            if token.kind == .end { return tokens }
            tokens.append(token)
        }
    }

    private func error(_ bytes: [UInt8], maximumDepth: Int = 100) -> JSONError? {
        do {
            _ = try tokens(bytes, maximumDepth: maximumDepth)
            return nil
        } catch {
            return error
        }
    }

    @Test func tokensOfEveryKind() throws {
        let text = " { \"a\" : [ 1 , -2.5e+3 , \"x\\n\" , true,false , null , { } , [ ] ] } \r\n\t"
        let bytes = Array(text.utf8)
        let tokens = try tokens(bytes)
        #expect(
            tokens.map(\.kind) == [
                .objectStart, .key, .arrayStart, .number, .number, .string, .true, .false, .null, .objectStart,
                .objectEnd,
                .arrayStart, .arrayEnd, .arrayEnd, .objectEnd,
            ]
        )
        let texts = tokens.map { String(decoding: bytes[$0.range], as: UTF8.self) }
        #expect(
            texts == ["{", "a", "[", "1", "-2.5e+3", "x\\n", "true", "false", "null", "{", "}", "[", "]", "]", "}"]
        )
        #expect(tokens.map(\.hasEscapes) == [5].reduce(into: Array(repeating: false, count: 15)) { $0[$1] = true })
    }

    @Test(arguments: [
        "0", "-0", "10", "0.5", "-0.0e-0", "1E5", "1e+05", "\"\"", "[]", "{}", "[[],{}]", "null", " true ",
        "{\"a\":1,\"a\":2}", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\"", "\"\u{7F}é大🚀\"", "{\"\":{\"\":[]}}",
    ])
    func validTexts(_ text: String) throws {
        _ = try tokens(Array(text.utf8))
    }

    @Test(arguments: [
        ("", JSONError(.unexpectedEnd, at: 0)), (" ", JSONError(.unexpectedEnd, at: 1)),
        ("[", JSONError(.unexpectedEnd, at: 1)), ("[1", JSONError(.unexpectedEnd, at: 2)),
        ("[1,", JSONError(.unexpectedEnd, at: 3)), ("{", JSONError(.unexpectedEnd, at: 1)),
        ("{\"a\"", JSONError(.unexpectedEnd, at: 4)), ("{\"a\":", JSONError(.unexpectedEnd, at: 5)),
        ("{\"a\":1,", JSONError(.unexpectedEnd, at: 7)), ("\"a", JSONError(.unexpectedEnd, at: 2)),
        ("\"\\", JSONError(.unexpectedEnd, at: 2)),
        ("[1,]", JSONError(.unexpectedCharacter, at: 3)), ("[,1]", JSONError(.unexpectedCharacter, at: 1)),
        ("[1 2]", JSONError(.unexpectedCharacter, at: 3)), ("[1}", JSONError(.unexpectedCharacter, at: 2)),
        ("{]", JSONError(.unexpectedCharacter, at: 1)), ("{\"a\":1,}", JSONError(.unexpectedCharacter, at: 7)),
        ("{,}", JSONError(.unexpectedCharacter, at: 1)), ("{1:2}", JSONError(.unexpectedCharacter, at: 1)),
        ("{\"a\" 1}", JSONError(.unexpectedCharacter, at: 5)), ("{\"a\":}", JSONError(.unexpectedCharacter, at: 5)),
        ("]", JSONError(.unexpectedCharacter, at: 0)), ("tru", JSONError(.unexpectedCharacter, at: 0)),
        ("True", JSONError(.unexpectedCharacter, at: 0)), ("NaN", JSONError(.unexpectedCharacter, at: 0)),
        ("[nullx]", JSONError(.unexpectedCharacter, at: 5)), ("'a'", JSONError(.unexpectedCharacter, at: 0)),
        ("// x", JSONError(.unexpectedCharacter, at: 0)), ("\u{FEFF}1", JSONError(.unexpectedCharacter, at: 0)),
        ("\u{B}1", JSONError(.unexpectedCharacter, at: 0)),
        ("1 2", JSONError(.trailingContent, at: 2)), ("{}}", JSONError(.trailingContent, at: 2)),
        ("nullx", JSONError(.trailingContent, at: 4)), ("1,", JSONError(.trailingContent, at: 1)),
        ("01", JSONError(.invalidNumber, at: 0)), ("-", JSONError(.invalidNumber, at: 0)),
        ("-a", JSONError(.invalidNumber, at: 0)), ("1.", JSONError(.invalidNumber, at: 0)),
        ("1.e5", JSONError(.invalidNumber, at: 0)), ("1e", JSONError(.invalidNumber, at: 0)),
        ("1e+", JSONError(.invalidNumber, at: 0)), ("-00", JSONError(.invalidNumber, at: 0)),
        ("+1", JSONError(.unexpectedCharacter, at: 0)), (".5", JSONError(.unexpectedCharacter, at: 0)),
        ("\"\\x\"", JSONError(.invalidEscape, at: 1)), ("\"\\u12g4\"", JSONError(.invalidEscape, at: 1)),
        ("\"\\u12\"", JSONError(.invalidEscape, at: 1)), ("\"\\'\"", JSONError(.invalidEscape, at: 1)),
        ("\"a\u{1F}\"", JSONError(.controlCharacter, at: 2)), ("\"\n\"", JSONError(.controlCharacter, at: 1)),
        ("{\"\t\":1}", JSONError(.controlCharacter, at: 2)),
    ])
    func invalidTexts(_ text: String, _ expected: JSONError) {
        #expect(error(Array(text.utf8)) == expected)
    }

    @Test(arguments: [
        [0x80], [0xC0, 0xAF], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x9F, 0x80], [0xE1, 0x80], [0xE1, 0x80, 0x41],
        [0xED, 0xA0, 0x80], [0xF0, 0x8F, 0x80, 0x80], [0xF1, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80],
        [0xF5, 0x80, 0x80, 0x80],
        [0xFE], [0xFF],
    ])
    func invalidUTF8IsRefused(_ bytes: [UInt8]) {
        let quote = [UInt8(ascii: "\"")]
        #expect(error(quote + bytes + quote) == JSONError(.invalidUTF8, at: 1))
        #expect(error(quote + bytes)?.offset == 1)
    }

    @Test(arguments: [
        [0xC2, 0x80], [0xDF, 0xBF], [0xE0, 0xA0, 0x80], [0xED, 0x9F, 0xBF], [0xEE, 0x80, 0x80], [0xEF, 0xBF, 0xBF],
        [0xF0, 0x90, 0x80, 0x80], [0xF4, 0x8F, 0xBF, 0xBF],
    ])
    func validUTF8IsAccepted(_ bytes: [UInt8]) {
        let quote = [UInt8(ascii: "\"")]
        #expect(error(quote + bytes + quote) == nil)
    }

    @Test func nestingIsBounded() {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(error(nested(100)) == nil)
        #expect(error(nested(101)) == JSONError(.tooDeep, at: 100))
        #expect(error(nested(500_000)) == JSONError(.tooDeep, at: 100))
        #expect(error(Array(String(repeating: "{\"a\":", count: 101).utf8)) == JSONError(.tooDeep, at: 500))
        #expect(error(nested(Quotas.maximumJSONDepth), maximumDepth: Quotas.maximumJSONDepth) == nil)
    }

    /// The outer 64 containers are kept in another place than those within them.
    @Test(arguments: [63, 64, 65, 66, 130]) func arraysAndObjectsMayTakeTurnsAtAnyDepth(_ depth: Int) {
        let opened = (0..<depth).map { $0 % 2 == 0 ? "[" : #"{"k":"# }.joined()
        let closed = (0..<depth).reversed().map { $0 % 2 == 0 ? "]" : "}" }
        let text = Array((opened + "1" + closed.joined()).utf8)
        #expect(error(text, maximumDepth: depth) == nil)
        for place in closed.indices {
            var wrong = closed
            wrong[place] = closed[place] == "]" ? "}" : "]"
            #expect(error(Array((opened + "1" + wrong.joined()).utf8), maximumDepth: depth) != nil)
        }
    }

    @Test func aReaderMayBeginInTheMiddle() throws {
        let bytes = Array(#"head{"a":[1]}"#.utf8)
        var reader = JSONReader(bytes, from: 4)
        let first = try reader.next()
        #expect(first.kind == .objectStart && first.start == 4)
        #expect(try bytes[reader.next().range].elementsEqual("a".utf8))
    }

    @Test func skippingLeavesTheReaderBehindTheValue() throws {
        let bytes = Array("{\"a\":{\"b\":[1,{\"c\":[]}]},\"d\":[[2]],\"e\":3}".utf8)
        var reader = JSONReader(bytes)
        _ = try reader.next()
        var keys: [String] = []
        while true {
            let token = try reader.next()
            guard token.kind == .key else { break }
            keys.append(String(decoding: bytes[token.range], as: UTF8.self))
            try reader.skip(try reader.next())
            #expect(reader.depth == 1)
        }
        #expect(keys == ["a", "d", "e"])
        #expect(try reader.next().kind == .end)
        #expect(try reader.next().kind == .end)
    }

    @Test func skippingReportsFaultsInside() {
        var reader = JSONReader(Array("[[1,]]".utf8))
        #expect(throws: JSONError(.unexpectedCharacter, at: 4)) {
            _ = try reader.next()
            try reader.skip(try reader.next())
        }
    }

    @Test(arguments: [UInt64](1...4)) func garbageNeverTraps(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("{}[]\",:\\u0019.-+eEtrufalsn /\n\u{1}é🚀".utf8) + [0xFF, 0xC0]
        for _ in 0..<20_000 {
            let length = Int.random(in: 0..<24, using: &generator)
            let bytes = (0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] }
            if let fault = error(bytes) {
                #expect(fault.offset <= bytes.count, "seed \(seed): \(bytes)")
            }
        }
    }
}
