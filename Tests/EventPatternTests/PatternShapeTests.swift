import EventModel
import EventPattern
import Testing

@Suite struct PatternShapeTests {
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// spec: patterns §2.2, the example.
    @Test func flatteningExample() throws {
        let event = Array(#"{"e":[{"t":["w","x"],"k":"v"},5,[{"k":"z"}]]}"#.utf8)
        let filter = PathFilter(paths: ["e.t", "e.k", "e"].map { Array($0.utf8) })
        let flat = try FlatEvent(event, filter: filter)
        #expect(flat.tokens(at: "e.t").map { text($0.text) } == ["w", "x"])
        #expect(flat.tokens(at: "e.t").map(\.memberships) == [[0: 0], [0: 0]])
        #expect(flat.tokens(at: "e.k").map { text($0.text) } == ["v", "z"])
        #expect(flat.tokens(at: "e.k").map(\.memberships) == [[0: 0], [0: 2, 1: 0]])
        #expect(flat.tokens(at: "e").map { text($0.text) } == ["5"])
        #expect(flat.tokens(at: "e").map(\.memberships) == [[:]])
        #expect(flat.tokens(at: "e").map(\.kind) == [.number])
        #expect(flat.tokens(at: "x").isEmpty)
    }

    @Test func repeatedAndEscapedKeysContribute() throws {
        let event = Array(#"{"a":1,"\u0061":"\u0042\n","a":{"b":null},"a.b":[true,false]}"#.utf8)
        let flat = try FlatEvent(event, filter: PathFilter(paths: ["a", "a.b"].map { Array($0.utf8) }))
        #expect(flat.tokens(at: "a").map { text($0.text) } == ["1", "B\n"])
        #expect(flat.tokens(at: "a.b").map(\.kind) == [.null, .true, .false])
    }

    @Test func emptyKeysAndDots() throws {
        let flat = try FlatEvent(
            Array(#"{"":{"":1},".":2,"a":{"":3},"a.":4}"#.utf8),
            filter: PathFilter(paths: [".", "a."].map { Array($0.utf8) })
        )
        #expect(flat.tokens(at: ".").map { text($0.text) } == ["1", "2"])
        #expect(flat.tokens(at: "a.").map { text($0.text) } == ["3", "4"])
    }

    @Test(arguments: ["", "[]", "1", "{\"a\":1", "{\"a\":1}x", "{\"a\":01}", "{\"z\":\"\\x\"}"])
    func whatIsNoObjectIsNoEvent(_ event: String) throws {
        let pattern = try Pattern.parse("{\"a\":[1]}")
        #expect(throws: JSONError.self) { try pattern.matches(Array(event.utf8)) }
    }

    /// spec: patterns §2.16, overlapping alternatives keep all of their values.
    @Test func overlappingBranchesLoseNothing() throws {
        let pattern = try Pattern.parse(#"{"$or":[{"a":["y"]},{"a":["y","z"]}]}"#)
        #expect(try pattern.matches(Array(#"{"a":"z"}"#.utf8)))
        #expect(try pattern.matches(Array(#"{"a":"y"}"#.utf8)))
    }

    @Test func twoOrsInOneObjectMultiply() throws {
        let pattern = try Pattern.parse(#"{"$or":[{"a":[1]},{"b":[1]}],"x":{"$or":[{"c":[1]},{"d":[1]}]}}"#)
        #expect(pattern.branches.count == 4)
        #expect(pattern.paths.map(text) == ["a", "b", "x.c", "x.d"])
        #expect(try pattern.matches(Array(#"{"b":1,"x":{"d":1}}"#.utf8)))
        #expect(try !pattern.matches(Array(#"{"x":{"c":1,"d":1}}"#.utf8)))
    }

    /// UTF-16 order puts U+10000 (a surrogate pair) before U+E000, and absence looks only at earlier fields.
    @Test func fieldsAreOrderedByUTF16Units() throws {
        let pattern = try Pattern.parse(
            "{\"\u{E000}\":[1],\"\u{10000}\":[1],\"b\":[1],\"a.b\":[1],\"a-b\":[1],\"a\":[1]}"
        )
        #expect(pattern.paths.map(text) == ["a", "a-b", "a.b", "b", "\u{10000}", "\u{E000}"])
        #expect(pattern.branches[0].conditions.map { pattern.conditions[Int($0)].path } == [0, 1, 2, 3, 4, 5])
        let absenceLater = try Pattern.parse("{\"e\":{\"\u{10000}\":[2],\"\u{E000}\":[{\"exists\":false}]}}")
        #expect(try absenceLater.matches(Array("{\"e\":[{\"\u{E000}\":1},{\"\u{10000}\":2}]}".utf8)))
        let absenceFirst = try Pattern.parse("{\"e\":{\"\u{10000}\":[{\"exists\":false}],\"\u{E000}\":[2]}}")
        #expect(try !absenceFirst.matches(Array("{\"e\":[{\"\u{10000}\":1},{\"\u{E000}\":2}]}".utf8)))
    }

    /// spec: control §8.7
    @Test func literalStringsForPolicies() throws {
        func values(_ pattern: String) throws -> [String] { try Pattern.parse(pattern).literalStrings(at: "source") }
        #expect(try values(#"{"source":["b","a","b"]}"#) == ["b", "a"])
        #expect(try values(#"{"source":["10.0.0.1"]}"#) == ["10.0.0.1"])
        #expect(try values(#"{"detail":{"source":["a"]}}"#).isEmpty)
        #expect(try values(#"{"source":["a",{"prefix":"b"}]}"#).isEmpty)
        #expect(try values(#"{"source":["a",1]}"#).isEmpty)
        #expect(try values(#"{"$or":[{"source":["a"]},{"source":["c","a"]}]}"#) == ["a", "c"])
        #expect(try values(#"{"$or":[{"source":["a"]},{"account":["1"]}]}"#).isEmpty)
        let nested = try Pattern.parse(#"{"detail":{"userIdentity":{"principalId":["x"]}}}"#)
        #expect(nested.literalStrings(at: "detail.userIdentity.principalId") == ["x"])
    }

    @Test func aSetMatchesInOrder() throws {
        let texts = [#"{"a":[1]}"#, #"{"b":[{"exists":false}]}"#, #"{"a":[2]}"#, #"{"a":[{"numeric":[">",0]}]}"#]
        let set = PatternSet(try texts.map { try Pattern.parse($0) })
        #expect(try set.matching(Array(#"{"a":1}"#.utf8)) == [0, 1, 3])
        #expect(try set.matching(Array(#"{"a":2,"b":0}"#.utf8)) == [2, 3])
        #expect(try PatternSet([]).matching(Array("{}".utf8)).isEmpty)
        #expect(throws: JSONError.self) { try set.matching(Array("[]".utf8)) }
    }
}
