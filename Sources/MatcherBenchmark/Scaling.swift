import EventPattern
import Foundation

/// Matching by the number of rules.
enum Scaling {
    /// Events of 365 bytes, every other of which matches one of `rules` rules.
    static func corpus(rules: Int, count: Int, value: (Int) -> String) -> Corpus {
        var corpus = Corpus(text: [], records: [])
        var random = MersenneTwister(seed: 11)
        for number in 0..<count {
            let rule = Int(random.unit() * Double(rules))
            let text = number % 2 == 0 ? value(rule) : value(rule + 1_000_000)
            let head = """
                {"version":"0","id":"\(String(format: "%08x", number))-0000-4000-8000-000000000000","detail-type":"Order",\
                "source":"shop.orders","account":"123456789012","time":"2024-06-01T00:00:00Z","region":"us-east-1",\
                "resources":[],"detail":{"state":"placed","amount":\(number % 1_000),"key":"\(text)","note":"
                """
            let tail = "\"}}"
            let start = corpus.text.count
            corpus.text.append(contentsOf: head.utf8)
            let room = 365 - head.utf8.count - tail.utf8.count
            corpus.text.append(contentsOf: String(repeating: "n", count: max(0, room)).utf8)
            corpus.text.append(contentsOf: tail.utf8)
            corpus.text.append(0x0A)
            corpus.records.append(start..<(corpus.text.count - 1))
        }
        return corpus
    }

    /// Text that occurs for one rule only.
    private static func word(_ rule: Int) -> String {
        var number = UInt64(rule) &* 0x9E37_79B9_7F4A_7C15 >> 24
        var text = ""
        for _ in 0..<8 {
            text.append(Character(Unicode.Scalar(UInt8(ascii: "a") + UInt8(number % 26))))
            number /= 26
        }
        return text
    }

    static func value(_ kind: String, _ rule: Int) -> String {
        kind == "id" ? "order-\(word(rule))" : "some/\(word(rule))/text"
    }

    private static func pattern(_ kind: String, _ rule: Int) throws -> Pattern {
        let operand = kind == "id" ? "\"\(value(kind, rule))\"" : "{\"wildcard\":\"*/\(word(rule))*\"}"
        return try Pattern.parse("{\"detail\":{\"key\":[\(operand)]}}")
    }

    /// One kind at one number of rules.
    static func measure(_ kind: String, rules: Int, events: Int, runs: Int) throws -> Measurement {
        let before = Memory.used()
        var matcher = RuleMatcher()
        for rule in 0..<rules { matcher.add(UInt32(rule), try pattern(kind, rule)) }
        let memory = Double(Memory.used() - before) / Double(rules)
        let corpus = corpus(rules: rules, count: events) { value(kind, $0) }
        var random = MersenneTwister(seed: 11)
        var expected = [Int](repeating: 0, count: rules)
        for number in 0..<events {
            let rule = Int(random.unit() * Double(rules))
            if number % 2 == 0 { expected[rule] += 1 }
        }
        var result = Timing.measure("\(kind) \(rules)", matcher, corpus, expected: expected, runs: runs)
        // The memory of a few rules is not to be told from that of pages and caches.
        if rules >= 10_000 { result.bytesPerRule = memory }
        let patterns = try (0..<1_000).map { try pattern(kind, rules + $0) }
        var times: [Double] = []
        for (index, pattern) in patterns.enumerated() {
            let published = matcher
            times.append(Timing.seconds { matcher.add(UInt32(rules + index), pattern) } * 1e6)
            withExtendedLifetime(published) {}
        }
        result.addMicroseconds = Timing.median(times)
        result.longestAddMicroseconds = times.max()
        return result
    }
}

/// The memory that the process has in use.
enum Memory {
    static func used() -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return 0 }
        let fields = text.split(separator: " ")
        return fields.count > 1 ? (Int(fields[1]) ?? 0) * 4_096 : 0
    }
}
