import EventModel
import EventPattern
import Testing

@Suite struct RuleMatcherTests {
    private func matching(_ matcher: RuleMatcher, _ event: String) -> [UInt32] {
        var scratch = MatchScratch()
        return matcher.matching(Array(event.utf8), scratch: &scratch)
    }

    private func matcher(_ patterns: [String]) throws -> RuleMatcher {
        var matcher = RuleMatcher()
        for (index, text) in patterns.enumerated() { matcher.add(UInt32(index), try Pattern.parse(text)) }
        return matcher
    }

    /// spec: patterns §2.20
    @Test(arguments: MatchRow.all) func matchResult(_ row: MatchRow) throws {
        #expect(matching(try matcher([row.pattern]), row.event) == (row.matches ? [0] : []))
    }

    /// spec: patterns §2.20, all rows in one matcher
    @Test func allRowsTogether() throws {
        let patterns = try MatchRow.all.map { try Pattern.parse($0.pattern) }
        let set = PatternSet(patterns)
        var matcher = RuleMatcher()
        for (index, pattern) in patterns.enumerated() { matcher.add(UInt32(index), pattern) }
        for row in MatchRow.all {
            let expected = try set.matching(Array(row.event.utf8)).map { UInt32($0) }
            #expect(matching(matcher, row.event) == expected, "row \(row.number)")
        }
    }

    @Test func emptyMatcherMatchesNothing() {
        #expect(matching(RuleMatcher(), #"{"a":1}"#).isEmpty)
    }

    @Test func replacingARule() throws {
        var matcher = try matcher([#"{"a":[1]}"#])
        let before = matcher
        matcher.add(0, try Pattern.parse(#"{"a":[2]}"#))
        #expect(matcher.count == 1)
        #expect(matching(matcher, #"{"a":1}"#).isEmpty)
        #expect(matching(matcher, #"{"a":2}"#) == [0])
        #expect(matching(before, #"{"a":1}"#) == [0])
        let removed = matcher.remove(7)
        #expect(!removed)
    }

    @Test func manyRulesOnOneValue() throws {
        var matcher = RuleMatcher()
        let pattern = try Pattern.parse(#"{"a":["x"]}"#)
        for rule in 0..<1_000 as Range<UInt32> { matcher.add(rule, pattern) }
        let half = matcher
        for rule in 0..<1_000 as Range<UInt32> where rule % 2 == 0 { matcher.remove(rule) }
        #expect(matching(matcher, #"{"a":"x"}"#) == (0..<1_000).filter { $0 % 2 == 1 })
        #expect(matching(half, #"{"a":"x"}"#) == Array(0..<1_000))
    }

    @Test func manyValues() throws {
        var matcher = RuleMatcher()
        for rule in 0..<5_000 as Range<UInt32> {
            matcher.add(rule, try Pattern.parse("{\"d\":{\"id\":[\"r-\(rule)\"]}}"))
        }
        for rule in stride(from: 0, to: 5_000, by: 37) {
            #expect(matching(matcher, "{\"d\":{\"id\":\"r-\(rule)\"}}") == [UInt32(rule)])
        }
        for rule in 0..<5_000 as Range<UInt32> where rule % 3 != 0 { matcher.remove(rule) }
        #expect(matching(matcher, #"{"d":{"id":["r-3","r-4","r-6"]}}"#) == [3, 6])
    }

    /// Sizes around the widths of the kernels and of the hash, in names and values.
    @Test(arguments: 0...70) func sizesAtTheBoundaries(_ size: Int) throws {
        let name = String(repeating: "n", count: size)
        let value = String(repeating: "v", count: size)
        let matcher = try matcher([
            "{\"\(name)\":[\"\(value)\"]}", "{\"\(name)\":[{\"prefix\":\"\(value)\"}]}",
            "{\"\(name)\":[{\"suffix\":\"\(value)\"}]}", "{\"\(name)\":[{\"wildcard\":\"\(value)*w\"}]}",
        ])
        #expect(matching(matcher, "{\"\(name)\":\"\(value)\"}") == [0, 1, 2])
        let longer = matching(matcher, "{\"skip\":{\"\(name)\":\"\(value)}]\"},\"\(name)\":\"\(value)w\"}")
        #expect(longer == (size == 0 ? [1, 2, 3] : [1, 3]))
        #expect(matching(matcher, "{\"\(name)m\":\"\(value)\"}").isEmpty)
    }

    @Test func escapesInNamesAndValues() throws {
        let matcher = try matcher([#"{"a\"b":["\n\u00e9"]}"#, #"{"a":{"b":["x"]}}"#])
        #expect(matching(matcher, #"{"a\u0022b":"\u000a\u00E9"}"#) == [0])
        #expect(matching(matcher, #"{"\u0061.b":"\u0078"}"#) == [1])
        #expect(matching(matcher, #"{"skip":"\\\"}","more":["\\"],"a":{"b":"x"}}"#) == [1])
    }

    /// Texts that are cut off or otherwise not JSON are safe to match, whatever the result.
    @Test func cutOffEvents() throws {
        let matcher = try matcher(MatchRow.all.map(\.pattern))
        var scratch = MatchScratch()
        for row in MatchRow.all {
            let bytes = Array(row.event.utf8)
            for count in bytes.indices {
                let found = matcher.matching(Array(bytes[..<count]), scratch: &scratch)
                #expect(found.isEmpty, "row \(row.number)")
            }
        }
    }

    /// Mutated events are safe to match, and those that are still JSON match as the evaluator says.
    @Test(arguments: [UInt64](1...4)) func mutatedEvents(_ seed: UInt64) throws {
        var source = RuleSource(seed: seed)
        let patterns = try MatchRow.all.map { try Pattern.parse($0.pattern) }
        let set = PatternSet(patterns)
        var matcher = RuleMatcher()
        for (index, pattern) in patterns.enumerated() { matcher.add(UInt32(index), pattern) }
        let alphabet = Array("{}[]\",:\\u.0e-1an /\n\u{1}\u{E9}".utf8) + [0xFF, 0xED, 0xA0]
        var scratch = MatchScratch()
        var accepted = 0
        for _ in 0..<5_000 {
            var event = Array(source.object(0).utf8)
            for _ in 0...source.below(3) where !event.isEmpty {
                let place = source.below(event.count)
                switch source.below(3) {
                case 0: event.remove(at: place)
                case 1: event.insert(alphabet[source.below(alphabet.count)], at: place)
                default: event[place] = alphabet[source.below(alphabet.count)]
                }
            }
            let found = matcher.matching(event, scratch: &scratch)
            guard let expected = try? set.matching(event) else { continue }
            accepted += 1
            #expect(found == expected.map { UInt32($0) }, "seed \(seed): \(String(decoding: event, as: UTF8.self))")
        }
        #expect(accepted > 100, "seed \(seed)")
    }

    @Test func deepEvents() throws {
        let matcher = try matcher([#"{"a":[1]}"#, #"{"b":["x"]}"#])
        let depth = Quotas.maximumJSONDepth - 2
        let arrays = String(repeating: "[", count: depth) + "1" + String(repeating: "]", count: depth)
        #expect(matching(matcher, "{\"a\":\(arrays),\"b\":\"x\"}") == [0, 1])
        let endless = "{\"a\":" + String(repeating: "[", count: 100_000)
        #expect(matching(matcher, endless).isEmpty)
        let objects = String(repeating: "{\"c\":", count: depth) + "1" + String(repeating: "}", count: depth)
        #expect(matching(matcher, "{\"z\":\(objects),\"b\":\"x\"}") == [1])
    }

    /// Work grows with the size of hostile events, not faster: ten times the bytes take less than sixty times as long.
    @Test(arguments: [
        "\"\\\\\\\\\",", "{\"a\":1},", "[[[]]],", "1234567890123456789012345e5,", "\"aaaaaaaaaaaaaaaaaaa\",",
    ])
    func hostileEventsTakeLinearTime(_ element: String) throws {
        let matcher = try matcher([
            #"{"e":{"a":[2]},"f":[1]}"#, #"{"e":[{"wildcard":"*aaab*aaab"}]}"#,
            #"{"e":[{"anything-but":{"suffix":"x"}}]}"#,
            #"{"e":[{"numeric":[">",7]}]}"#,
        ])
        func time(_ count: Int) -> Duration {
            let event = Array("{\"e\":[\(String(repeating: element, count: count))0]}".utf8)
            var scratch = MatchScratch()
            return (0..<3).map { _ in
                ContinuousClock().measure { _ = matcher.matching(event, scratch: &scratch) }
            }.min() ?? .zero
        }
        let small = time(3_000)
        #expect(time(30_000) < small * 60 + .milliseconds(20))
    }

    @Test func manyMembersAndDuplicates() throws {
        let matcher = try matcher([#"{"a":["9999"]}"#, #"{"m77777":[1]}"#, #"{"a":[{"anything-but":"9999"}]}"#])
        var text = "{"
        for index in 0..<100_000 { text += "\"m\(index)\":1,\"a\":\"\(index % 10_000)\"," }
        text += "\"z\":0}"
        #expect(matching(matcher, text) == [0, 1, 2])
    }

    @Test func readersShareScratch() async throws {
        let matcher = try matcher((0..<50).map { "{\"a\":[\"v\($0)\"]}" })
        let shared = SharedMatchScratch()
        let wrong = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (0..<500 as Range<UInt32>).count { number in
                        let rule = number % 50
                        return shared.matching(Array("{\"a\":[0,\"v\(rule)\"]}".utf8), matcher) != [rule]
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(shared.matching(Array("{\"a\":0}}".utf8), matcher) == nil)
        #expect(shared.matching([], matcher) == nil)
    }

    @Test func readersShareAMatcher() async throws {
        let matcher = try matcher((0..<200).map { "{\"a\":[\"v\($0)\"],\"b\":[{\"prefix\":\"p\"}]}" })
        let sums = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    var scratch = MatchScratch()
                    var changing = matcher
                    var sum = 0
                    for index in 0..<200 as Range<UInt32> {
                        let event = Array("{\"b\":\"px\",\"a\":\"v\(index)\"}".utf8)
                        sum += matcher.matching(event, scratch: &scratch) == [index] ? 1 : 0
                        changing.remove(index)
                        sum += changing.matching(event, scratch: &scratch).isEmpty ? 1 : 0
                    }
                    return sum
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(sums == [400, 400, 400, 400])
    }
}
