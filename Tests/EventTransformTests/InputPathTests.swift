import EventModel
import EventTransform
import Testing

@Suite struct InputPathTests {
    private static let event = """
        {"version":"0","detail-type":"t","resources":["r0","r1"],"detail":{"foo":"baz","n":1.50,"t":true,"f":false,\
        "z":null,"o":{"k":"v","/a-b_c":3},"l":[{"x":1},{"x":[2,3]},5,{"y":6}],"e":[],"q":"say \\"hi\\""}}
        """

    private func evaluate(_ path: String, _ event: String = event) throws -> String? {
        try InputPath(path).evaluate(Array(event.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    /// spec: patterns §4.3
    @Test(arguments: [
        ("$.detail.foo", #""baz""#),
        ("$.detail.q", #""say \"hi\"""#),
        ("$.detail.n", "1.50"),
        ("$.detail.t", "true"),
        ("$.detail.f", "false"),
        ("$.detail.o", #"{"k":"v","/a-b_c":3}"#),
        ("$.detail.o./a-b_c", "3"),
        ("$.detail.l", #"[{"x":1},{"x":[2,3]},5,{"y":6}]"#),
        ("$.detail.e", "[]"),
        ("$.detail-type", #""t""#),
        ("$.resources[0]", #""r0""#),
        ("$.resources[1]", #""r1""#),
        ("$.resources[00]", #""r0""#),
        ("$.detail.l[1].x[0]", "2"),
    ])
    func selectsValues(path: String, expected: String) throws {
        #expect(try evaluate(path) == expected)
    }

    /// spec: patterns §4.3 "`null`, nothing found, index out of range, `.name` on a non-object"
    @Test(arguments: [
        "$.detail.z", "$.nothing", "$.resources[2]", "$.resources[99999999999999999999999999]", "$.detail.foo.bar",
        "$.detail.n.x", "$.detail.l.x", "$.detail.o[0]", "$.detail.z.x", "$.DETAIL", "$[0]",
    ])
    func deliversAnEmptyObjectForNothing(path: String) throws {
        #expect(try evaluate(path) == "{}")
    }

    /// spec: patterns §4.3 "path with `[*]`"
    @Test(arguments: [
        ("$.resources[*]", #"["r0","r1"]"#),
        ("$.detail.l[*].x", "[1,[2,3]]"),
        ("$.detail.l[*].x[*]", "[2,3]"),
        ("$.detail.l[*]", #"[{"x":1},{"x":[2,3]},5,{"y":6}]"#),
        ("$.detail.l[*].none", "[]"),
        ("$.detail.e[*]", "[]"),
        ("$.detail.o[*]", "[]"),
        ("$.detail.foo[*]", "[]"),
        ("$.none[*]", "[]"),
        ("$[*]", "[]"),
    ])
    func collectsLists(path: String, expected: String) throws {
        #expect(try evaluate(path) == expected)
        #expect(try InputPath(path).selectsList)
    }

    /// spec: patterns §4.3 "Duplicate object keys: last wins"
    @Test(arguments: [
        ("$.a", #"{"a":1,"a":2}"#, "2"),
        ("$.a.b", #"{"a":{"b":1},"a":{"b":2}}"#, "2"),
        ("$.a.b", #"{"a":{"b":1},"a":{"c":2}}"#, "{}"),
        ("$.a.b", #"{"a":{"b":1},"a":7}"#, "{}"),
        ("$.a[*].b", #"{"a":[{"b":1,"b":2},{"b":3},{"c":0,"b":4,"b":5}]}"#, "[2,3,5]"),
        ("$.a[*]", #"{"a":[1,2],"a":[3]}"#, "[3]"),
        ("$.a[*].b[*]", #"{"a":[{"b":[1,2]},{"b":[3],"b":[4]}]}"#, "[1,2,4]"),
        ("$.a", #"{"a":1,"\u0061":2}"#, "2"),
        ("$.a", #"{"\u0061":"x"}"#, #""x""#),
        ("$[*].a", #"[{"a":null},{"a":1}]"#, "[null,1]"),
    ])
    func takesTheLastOfEqualKeys(path: String, event: String, expected: String) throws {
        #expect(try evaluate(path, event) == expected)
    }

    @Test func compactsTheResult() throws {
        let event = "{ \"detail\" : { \"a b\" : [ 1 , \"x  y\\\" \" ,\n{ } ] } }"
        #expect(try evaluate("$.detail", event) == #"{"a b":[1,"x  y\" ",{}]}"#)
        #expect(try evaluate("$", event) == #"{"detail":{"a b":[1,"x  y\" ",{}]}}"#)
    }

    /// spec: patterns §4.3 "No bracket-quoted names, no filters, slices, `..`, functions"
    @Test(arguments: [
        "", "detail", "$detail", "$.", "$..a", "$.a.", "$['a']", "$[\"a\"]", "$.a[?(@.x)]", "$.a[1:2]", "$.a[-1]",
        "$.a[]", "$.a[*", "$.a[1", "$.a[ 1]", "$.a b", "$.length()", " $.a", "$.a ", "$.*", "$.é", "@.a", "$.a[1,2]",
        "$.a[**]",
        "$.a$", "$$", "$.a:b",
    ])
    func refuses(path: String) {
        #expect(throws: InputPathError.self) { try InputPath(path) }
    }

    @Test func refusesLongPaths() throws {
        let longest = "$." + String(repeating: "a", count: 254)
        #expect(try InputPath(longest).text == longest)
        #expect(throws: InputPathError(offset: 256)) { try InputPath(longest + "a") }
    }

    @Test func tellsWhereThePathBreaks() {
        #expect(throws: InputPathError(offset: 3)) { try InputPath("$.a b") }
        #expect(throws: InputPathError(offset: 2)) { try InputPath("$..a") }
    }

    @Test(arguments: [
        "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\" 1}", "{a:1}", "{\"a\":\"x", "{\"a\":[1",
        "{\"a\":[1,",
        "{\"a\":}", "{\"a\":1}}", "{\"a\":1 \"b\":2}", "{\"a\\", "{\"a\":[1 2]}", "[", "\"", "}", "{\"a\\u00\":1",
    ])
    func reportsTextsThatAreNotJSON(event: String) throws {
        #expect(try InputPath("$.a[0]").evaluate(Array(event.utf8)) == nil)
    }

    @Test func survivesDeepNesting() throws {
        let depth = 200_000
        let event =
            "{\"a\":" + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + ",\"b\":1}"
        #expect(try evaluate("$.b", event) == "1")
        #expect(try evaluate("$.a[0].x", event) == "{}")
    }
}
