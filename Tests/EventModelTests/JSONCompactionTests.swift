import EventModel
import SansIO
import Testing

/// spec: patterns §1.3
@Suite struct JSONCompactionTests {
    private func compact(_ text: String) throws(JSONError) -> String {
        var output: [UInt8] = []
        try JSONCompaction.appendObject(Array(text.utf8), to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test(arguments: [
        ("{}", "{}"), (" { } ", "{}"), ("{ \"a\" : 1 }", "{\"a\":1}"),
        ("{\n\t\"b\" : [ ] , \"a\" : { } , \"b\":[ 1 , 2 ]\r\n}", "{\"b\":[],\"a\":{},\"b\":[1,2]}"),
        ("{\"a\": [ [ ] , [ { } , { \"x\" : null } ] , true , false ] }", "{\"a\":[[],[{},{\"x\":null}],true,false]}"),
        ("{\"n\" : [3.0e2 , 1.10 , -0 , 1E+5] }", "{\"n\":[3.0e2,1.10,-0,1E+5]}"),
        ("{\"s p\" : \" keep  \\n \\u0041 \\/ é 🚀 \" }", "{\"s p\":\" keep  \\n \\u0041 \\/ é 🚀 \"}"),
    ])
    func whiteSpaceBetweenTokensGoes(_ text: String, _ expected: String) throws {
        #expect(try compact(text) == expected)
    }

    @Test(arguments: ["", "[]", "1", "null", "\"{}\"", "{", "{}x", "{\"a\":01}", "{\"a\":1,}"])
    func whatIsNoObjectIsRefused(_ text: String) {
        var output = Array("kept".utf8)
        #expect(throws: JSONError.self) { try JSONCompaction.appendObject(Array(text.utf8), to: &output) }
        #expect(output == Array("kept".utf8))
    }

    @Test(arguments: [UInt64](1...3)) func compactionIsIdempotentAndKeepsTheValue(_ seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        func value(_ depth: Int) -> String {
            let blank = [" ", "", "\n", "\t "][Int.random(in: 0..<4, using: &generator)]
            switch Int.random(in: 0..<(depth > 4 ? 3 : 5), using: &generator) {
            case 0: return "\(blank)1.50e3\(blank)"
            case 1: return "\(blank)\" a \\\" \""
            case 2: return "null\(blank)"
            case 3:
                let members = (0..<Int.random(in: 0..<4, using: &generator)).map {
                    "\(blank)\"k\($0)\"\(blank):\(value(depth + 1))"
                }
                return "{\(blank)\(members.joined(separator: ","))}\(blank)"
            default:
                let elements = (0..<Int.random(in: 0..<4, using: &generator)).map { _ in value(depth + 1) }
                return "[\(blank)\(elements.joined(separator: ","))]"
            }
        }
        for _ in 0..<500 {
            let text = "{\"v\":\(value(0))}"
            let once = try compact(text)
            #expect(try compact(once) == once, "seed \(seed)")
            #expect(try JSONValue(parsing: once) == JSONValue(parsing: text), "seed \(seed)")
            #expect(try JSONValue(parsing: once).text == once, "seed \(seed)")
        }
    }
}
