import EventModel
import EventPattern
import SansIO
import Testing

@Suite struct PatternLimitTests {
    private static func or(_ alternatives: Int, prefix: String) -> String {
        let parts = (0..<alternatives).map { "{\"\(prefix)\($0)\":[1]}" }
        return "\"$or\":[\(parts.joined(separator: ","))]"
    }

    @Test func aThousandBranchesAreTheLast() throws {
        let thousand = "{\(Self.or(10, prefix: "a")),\(Self.or(10, prefix: "b")),\(Self.or(10, prefix: "c"))}"
        let pattern = try Pattern.parse(thousand)
        #expect(pattern.branches.count == 1_000)
        #expect(try pattern.matches(Array("{\"a9\":1,\"b9\":1,\"c9\":1}".utf8)))
        #expect(try !pattern.matches(Array("{\"a9\":1,\"b9\":1,\"c8\":2}".utf8)))
        let more = "{\(Self.or(1_001, prefix: "a"))}"
        let error = try #require(throws: PatternError.self) { try Pattern.parse(more) }
        #expect(error.message == "Event pattern is not valid. Reason: The pattern expands to more than 1000 branches")
    }

    @Test(.timeLimit(.minutes(1))) func exponentialExpansionIsRefusedEarly() {
        let parts = (0..<64).map { Self.or(2, prefix: "p\($0)_") }
        #expect(throws: PatternError.self) { try Pattern.parse("{\(parts.joined(separator: ","))}") }
        let nested =
            String(repeating: "{\"$or\":[{\"a\":[1]},", count: 300) + "{\"b\":[1]}"
            + String(repeating: "]}", count: 300)
        #expect(throws: Never.self) { try Pattern.parse(nested) }
    }

    @Test func fieldsOfABranchAreBounded() throws {
        func fields(_ count: Int) -> String {
            "{" + (0..<count).map { "\"f\($0)\":[1]" }.joined(separator: ",") + "}"
        }
        #expect(try Pattern.parse(fields(256)).branches[0].conditions.count == 256)
        let error = try #require(throws: PatternError.self) { try Pattern.parse(fields(257)) }
        #expect(error.message.hasSuffix("A branch of the pattern has more than 256 fields"))
    }

    @Test func deepPatternsAreRefusedWithoutRecursion() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth) + "[1]" + String(repeating: "}", count: depth)
        }
        #expect(try Pattern.parse(nested(1_000)).paths[0].count == 1_999)
        for depth in [1_001, 200_000] {
            let error = try #require(throws: PatternError.self) { try Pattern.parse(nested(depth)) }
            #expect(error.reason == "Event pattern is nested too deeply")
        }
        #expect(throws: PatternError.self) { try Pattern.parse(String(repeating: "[", count: 500_000)) }
        #expect(throws: PatternError.self) { try Pattern.parse(String(repeating: "{\"$or\":[", count: 100_000)) }
    }

    @Test func deepEventsAreReadToTheirLimit() throws {
        let pattern = try Pattern.parse("{\"a\":[1]}")
        func nested(_ depth: Int) -> [UInt8] {
            Array(
                ("{\"a\":" + String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth) + "}")
                    .utf8
            )
        }
        #expect(try pattern.matches(nested(1_000)))
        #expect(throws: JSONError.self) { try pattern.matches(nested(100_000)) }
    }

    @Test(.timeLimit(.minutes(1))) func hugeInputs() throws {
        let text = String(repeating: "x", count: 200_000)
        let pattern = try Pattern.parse("{\"a\":[\"\(text)\"],\"b\":[{\"prefix\":\"\(text)\"}]}")
        #expect(try pattern.matches(Array("{\"a\":\"\(text)\",\"b\":\"\(text)y\"}".utf8)))
        let digits = String(repeating: "7", count: 50_000)
        #expect(try Pattern.parse("{\"a\":[\(digits)]}").matches(Array("{\"a\":\(digits)}".utf8)))
        #expect(try !Pattern.parse("{\"a\":[\(digits)]}").matches(Array("{\"a\":\(digits).0}".utf8)))
        let zeros = "1e" + String(repeating: "0", count: 50_000) + "2"
        #expect(try Pattern.parse("{\"a\":[100]}").matches(Array("{\"a\":\(zeros)}".utf8)))
        let list = (0..<5_000).map { "\($0)" }.joined(separator: ",")
        #expect(try Pattern.parse("{\"a\":[\(list)]}").matches(Array("{\"a\":4999}".utf8)))
    }

    /// An array of objects in which no element satisfies both fields: linear work, not quadratic.
    @Test(.timeLimit(.minutes(1))) func longArraysOfObjects() throws {
        let elements = (0..<10_000).map { $0 % 2 == 0 ? "{\"f\":1,\"g\":2}" : "{\"f\":2,\"g\":1}" }
        let event = Array("{\"e\":[\(elements.joined(separator: ","))]}".utf8)
        #expect(try !Pattern.parse("{\"e\":{\"f\":[1],\"g\":[1]}}").matches(event))
        #expect(try Pattern.parse("{\"e\":{\"f\":[2],\"g\":[1]}}").matches(event))
    }

    /// Independent arrays multiply the combinations; the search must not.
    @Test(.timeLimit(.minutes(1))) func independentArraysDoNotMultiply() throws {
        let array = "[" + (0..<100).map { "{\"x\":1,\"y\":\($0)}" }.joined(separator: ",") + "]"
        let members = "abcdefgh".map { "\"\($0)\":\(array)" }.joined(separator: ",")
        let fields = "abcdefgh".map { "\"\($0)\":{\"x\":[1]}" }.joined(separator: ",")
        let event = Array("{\(members),\"z\":[{\"x\":1,\"y\":2},{\"x\":2,\"y\":1}]}".utf8)
        #expect(try !Pattern.parse("{\(fields),\"z\":{\"x\":[1],\"y\":[1]}}").matches(event))
        #expect(try Pattern.parse("{\(fields),\"z\":{\"x\":[2],\"y\":[1]}}").matches(event))
    }

    /// Repeated keys let an event encode any search problem; the answer comes in bounded time.
    @Test(.timeLimit(.minutes(1))) func repeatedArraysEndInTime() throws {
        let clauses = (0..<40).map { "\"c\($0)\":[1]" }.joined(separator: ",")
        let pattern = try Pattern.parse("{\"e\":{\(clauses)}}")
        var members: [String] = []
        var generator = SeededGenerator(seed: 20)
        for _ in 0..<60 {
            let pair = (0..<2).map { _ in
                let some = (0..<3).map { _ in "\"c\(Int.random(in: 0..<40, using: &generator))\":1" }
                return "{\(some.joined(separator: ","))}"
            }
            members.append("\"e\":[\(pair.joined(separator: ","))]")
        }
        _ = try pattern.matches(Array("{\(members.joined(separator: ","))}".utf8))
    }
}
