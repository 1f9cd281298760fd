import SansIO

/// Random rules with every operator, and events that often match them.
struct RuleSource {
    var generator: SeededGenerator

    init(seed: UInt64) {
        generator = SeededGenerator(seed: seed)
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

    mutating func pick(_ choices: [String]) -> String { choices[below(choices.count)] }

    mutating func key() -> String {
        pick(["a", "b", "c", "a.b", "b.c", "c.a.b", "k\u{E9}y", "long-member-name-0", ""])
    }

    static let texts = [
        "", "a", "x", "xy", "xyz", "abc", "ABC", "aBcD", "abcabc", "x.png", "X.PNG", "/usr/lib/x", "/usr/bin/lib",
        "10.0.0.1", "010.0.0.1", "10.0.0.200", "2001:db8::1", "2001:DB8:0:0::1", "::1", "999.1.1.1", "stra\u{DF}e",
        "STRASSE", "\u{E9}t\u{E9}", "\u{C9}T\u{C9}", "??", "\u{1F680}",
        "a long text that needs more than sixteen bytes",
        "a long text that needs more than sixteen byteS", "aaaaaaaaaa", "aaaaaaab", "\\\\", "a\\\"b", "line\\nbreak",
        "\\u0061bc", "\\ud83d", "a*b", "42", "true", "null",
    ]

    static let numbers = [
        "0", "-0", "0.0", "1", "1.0", "10e-1", "2", "-1", "5", "300", "3e2", "3.0e2", "0.1", "0.10", "0.3",
        "0.30000000000000004", "9007199254740992", "9007199254740993", "123456789012345678901", "1e400", "1e308",
        "-122.48729817075876", "-122.51208927347945", "37.71282999167287", "0.10000000000000001", "1e-300", "1.5E+3",
    ]

    mutating func text() -> String { "\"\(pick(Self.texts))\"" }

    mutating func scalar() -> String {
        switch below(8) {
        case 0...3: text()
        case 4...6: pick(Self.numbers)
        default: pick(["null", "true", "false"])
        }
    }

    mutating func space() -> String { below(12) == 0 ? pick([" ", "\n", " \t\r\n  "]) : "" }

    mutating func value(_ depth: Int) -> String {
        switch below(depth > 4 ? 4 : 9) {
        case 0...3: return scalar()
        case 4...6: return object(depth + 1)
        default:
            let elements = (0..<below(4)).map { _ in value(depth + 1) }
            return "[\(space())\(elements.joined(separator: ",\(space())"))\(space())]"
        }
    }

    mutating func object(_ depth: Int) -> String {
        let members = (0..<below(6)).map { _ in "\"\(key())\"\(space()):\(space())\(value(depth))" }
        return "{\(space())\(members.joined(separator: "\(space()),"))\(space())}"
    }

    private mutating func list(_ element: (inout RuleSource) -> String) -> String {
        "[\((0...below(3)).map { _ in element(&self) }.joined(separator: ","))]"
    }

    private mutating func wildcard() -> String {
        pick([
            "*", "a*", "*c", "a*c", "*b*", "*xy*", "/usr/*/x", "*lib*", "*/lib/*", "a*b*c", "x.*", "*.png", "abc", "",
            "*sixteen*byte*", "a\\\\*b", "*aaab", "*\u{E9}*", "a*a*a", "*bcab*",
        ])
    }

    private mutating func nonEmpty() -> String {
        let text = pick(Self.texts.filter { !$0.isEmpty })
        return "\"\(text)\""
    }

    private mutating func exclusion() -> String {
        switch below(7) {
        case 0: text()
        case 1: list { $0.text() }
        case 2: list { $0.pick(["0", "1", "5", "300", "0.1", "0.30000000000000004"]) }
        case 3: "{\"prefix\":\(list { $0.nonEmpty() })}"
        case 4: "{\"suffix\":\(list { $0.nonEmpty() })}"
        case 5: "{\"equals-ignore-case\":\(list { $0.text() })}"
        default: "{\"wildcard\":\(list { "\"\($0.wildcard())\"" })}"
        }
    }

    mutating func alternative() -> String {
        switch below(16) {
        case 0: "{\"exists\":true}"
        case 1: "{\"exists\":false}"
        case 2, 3: "{\"anything-but\":\(exclusion())}"
        case 4: "{\"prefix\":\(text())}"
        case 5: "{\"suffix\":\(text())}"
        case 6: "{\"equals-ignore-case\":\(text())}"
        case 7: "{\"prefix\":{\"equals-ignore-case\":\(text())}}"
        case 8: "{\"suffix\":{\"equals-ignore-case\":\(text())}}"
        case 9: "{\"wildcard\":\"\(wildcard())\"}"
        case 10:
            "{\"cidr\":\"\(pick(["10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::/32", "32.1.0.0/16", "::/3"]))\"}"
        case 11:
            "{\"numeric\":[\(pick(["\"<\",5", "\">=\",0", "\"=\",300", "\">\",-123,\"<=\",0.1", "\"<=\",-122.48729817075876"]))]}"
        case 12: "{\"exactly\":\(text())}"
        default: scalar()
        }
    }

    mutating func pattern(_ depth: Int = 0) -> String {
        var members: [String] = []
        for _ in 0...below(3) {
            switch below(depth > 2 ? 3 : 7) {
            case 0...2:
                members.append("\"\(key())\":\(list { $0.alternative() })")
            case 3...5:
                members.append("\"\(key())\":\(pattern(depth + 1))")
            default:
                let alternatives = (0..<(2 + below(2))).map { _ in pattern(depth + 1) }
                members.append("\"$or\":[\(alternatives.joined(separator: ","))]")
            }
        }
        return "{\(members.joined(separator: ","))}"
    }
}
