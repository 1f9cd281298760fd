import EventModel
import Testing

@Suite struct JSONValueTests {
    @Test func roundTripKeepsLexemesOrderAndRepeats() throws {
        let text = #"{"b":1.10,"a":[3.0e2,-0,null,true,false,{}],"b":"é\n","":[[]]}"#
        #expect(try JSONValue(parsing: text).text == text)
    }

    @Test func accessors() throws {
        let value = try JSONValue(parsing: #"{"n":1,"n":2,"s":"x","t":true,"z":null,"l":[1],"d":2.5,"e":3e2}"#)
        let object = try #require(value.object)
        #expect(object["n"]?.integer == 2)
        #expect(object["s"]?.string == "x")
        #expect(object["t"]?.bool == true)
        #expect(object["z"]?.isNull == true)
        #expect(object["l"]?.array == [1])
        #expect(object["d"]?.integer == nil)
        #expect(object["d"]?.double == 2.5)
        #expect(object["e"]?.integer == 300)
        #expect(object["x"] == nil)
    }

    @Test func integersOutOfRangeAreNone() throws {
        for text in ["1e400", "9e15", "99999999999999999999", "-1e300", "0.5"] {
            #expect(try JSONValue(parsing: text).integer == nil, "\(text)")
        }
        #expect(try JSONValue(parsing: "9223372036854775807").integer == .max)
        #expect(try JSONValue(parsing: "-4e2").integer == -400)
    }

    /// Names compare by bytes, not by canonical equivalence.
    @Test func namesCompareExactly() throws {
        let object = try #require(try JSONValue(parsing: "{\"e\u{301}\":1}").object)
        #expect(object["é"] == nil)
        #expect(object["e\u{301}"] == 1)
    }

    @Test func settingReplacesEveryMemberOfTheName() throws {
        var object = try #require(try JSONValue(parsing: #"{"a":1,"b":2,"a":3}"#).object)
        object["a"] = "x"
        #expect(JSONValue.object(object).text == #"{"b":2,"a":"x"}"#)
        object["b"] = nil
        #expect(JSONValue.object(object).text == #"{"a":"x"}"#)
    }

    @Test func nestingIsBoundedAndDeepValuesPrint() throws {
        let depth = Quotas.maximumJSONDepth
        let text = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        #expect(try JSONValue(parsing: text).text == text)
        #expect(throws: JSONError.self) { try JSONValue(parsing: "[" + text + "]") }
    }

    /// Building a long array or object is linear.
    @Test(.timeLimit(.minutes(1))) func longContainers() throws {
        let array = "[" + Array(repeating: "1", count: 50_000).joined(separator: ",") + "]"
        #expect(try JSONValue(parsing: array).array?.count == 50_000)
        let object = "{" + Array(repeating: "\"a\":1", count: 50_000).joined(separator: ",") + "}"
        #expect(try JSONValue(parsing: object).object?.members.count == 50_000)
    }
}
