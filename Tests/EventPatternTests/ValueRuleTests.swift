import EventPattern
import Testing

@Suite struct ValueRuleTests {
    private func matches(_ alternative: String, _ value: String) throws -> Bool {
        try Pattern.parse("{\"a\":[\(alternative)]}").matches(Array("{\"a\":\(value)}".utf8))
    }

    /// spec: patterns §2.6, the table of comparable tokens.
    @Test(arguments: [
        ("9007199254740992", true), ("9007199254740993", false), ("123456789012345678901", false), ("0.1", true),
        ("0.10", true), ("0.10000000000000001", false), ("1e308", true), ("-1e-300", true), ("1e400", false),
        ("1e-400", false), ("-0", true), ("0.00e99999999999999999999", true), ("5e-324", true), ("4.9e-324", false),
        ("123456789012345680000", true), ("1.7976931348623157e308", true), ("1.7976931348623159e308", false),
        ("999999999999999", true), ("1000000000000000", true), ("1E+2", true), ("12.50e-1", true), ("0e400", true),
        ("1e-99999999999999999999999", false), ("1e99999999999999999999999", false),
    ])
    func comparableNumbers(_ lexeme: String, _ isComparable: Bool) {
        if case .comparable = NumberValue(lexeme: Array(lexeme.utf8)) {
            #expect(isComparable)
        } else {
            #expect(!isComparable)
        }
    }

    @Test func numbersCompareByValueOrBySpelling() throws {
        #expect(try matches("100", "1e2"))
        #expect(try matches("100", "1000e-1"))
        #expect(try matches("-5", "-5.0"))
        #expect(try !matches("5", "-5"))
        #expect(try matches("1e400", "1e400"))
        #expect(try !matches("1e400", "1E400"))
        #expect(try !matches("0", "1e-400"))
    }

    /// spec: patterns §2.9
    @Test(arguments: [
        ("ß", "ß", true), ("ß", "SS", true), ("ß", "ss", false), ("ß", "Ss", false), ("SS", "ß", false),
        ("ﬀ", "FF", true), ("ﬀ", "ff", false), ("İ", "İ", true), ("İ", "i\u{307}", true), ("İ", "i", false),
        ("Σ", "ς", false), ("σ", "Σ", true), ("Привет", "пРИВЕТ", true), ("é", "e\u{301}", false), ("aß", "ASS", true),
        ("ßa", "SSA", true), ("a", "", false), ("", "a", false),
    ])
    func foldingIsByUnit(_ operand: String, _ value: String, _ expected: Bool) throws {
        #expect(try matches("{\"equals-ignore-case\":\"\(operand)\"}", "\"\(value)\"") == expected)
        #expect(try matches("{\"anything-but\":{\"equals-ignore-case\":\"\(operand)\"}}", "\"\(value)\"") != expected)
        if !operand.isEmpty, expected {
            #expect(try matches("{\"prefix\":{\"equals-ignore-case\":\"\(operand)\"}}", "\"\(value)tail\""))
            #expect(try matches("{\"suffix\":{\"equals-ignore-case\":\"\(operand)\"}}", "\"head\(value)\""))
        }
    }

    @Test func emojiFoldToQuestionMarks() throws {
        #expect(try matches("{\"equals-ignore-case\":\"a🚀b\"}", "\"A??B\""))
        #expect(try matches("{\"suffix\":{\"equals-ignore-case\":\"🚀\"}}", "\"x??\""))
        #expect(try !matches("{\"prefix\":{\"equals-ignore-case\":\"🚀\"}}", "\"🚀\""))
    }

    /// What makes matching without backtracking exact: no form of a unit begins or ends with its other form.
    @Test func formsOfAUnitNeverOverlap() {
        for unit in UInt16.min...UInt16.max {
            let (lower, upper) = CaseInsensitiveText.mappings(of: unit)
            guard lower != upper else { continue }
            #expect(!lower.starts(with: upper) && !upper.starts(with: lower), "unit \(unit)")
            #expect(!lower.reversed().starts(with: upper.reversed()), "unit \(unit)")
            #expect(!upper.reversed().starts(with: lower.reversed()), "unit \(unit)")
        }
    }

    /// spec: patterns §2.7
    @Test(arguments: [
        ("1.2.3.4", true), ("001.2.3.4", true), ("0000000001.2.3.4", true), ("1.2.3", false), ("1.2.3.4.5", false),
        ("1.2.3.256", false), ("1..3.4", false), (".1.2.3", false), ("1.2.3.", false), ("::", true), ("::1", true),
        ("1::", true), ("1:2:3:4:5:6:7:8", true), ("1:2:3:4:5:6:7", false), ("1:2:3:4:5:6:7:8:9", false),
        ("1:2:3:4:5:6:7::", true), ("::2:3:4:5:6:7:8", true), ("1:2:3:4:5:6:7:8::", false), ("1::2::3", false),
        (":1:2:3:4:5:6:7", false), ("1:2:3:4:5:6:7:", false), (":::", false), (":", false), ("12345::", false),
        ("::ffff:10.1.2.3", false), ("abcd", false), ("g::", false), ("", false), ("FFFF::ffff", true), (" ::1", false),
    ])
    func addressSyntax(_ text: String, _ isAddress: Bool) {
        #expect((IPAddress(Array(text.utf8)) != nil) == isAddress)
    }

    @Test func addressValues() {
        #expect(IPAddress(Array("1.2.3.4".utf8)) == .v4(0x0102_0304))
        #expect(IPAddress(Array("1::8".utf8)) == .v6(1 << 112 | 8))
        #expect(IPAddress(Array("1:2::".utf8)) == .v6(1 << 112 | 2 << 96))
        #expect(IPAddress(Array("::7:8".utf8)) == .v6(7 << 16 | 8))
        #expect(IPAddress(Array("1:2:3:4:5:6:7::".utf8)) == IPAddress(Array("1:2:3:4:5:6:7:0".utf8)))
    }

    @Test func blocksAndAddressesOfDifferentFamilies() throws {
        // A v6 block takes a v4 address strictly between the leading digits of its ends (spec: patterns §2.12).
        #expect(try matches("{\"cidr\":\"2000::/8\"}", "\"32.1.2.3\""))
        #expect(try !matches("{\"cidr\":\"2000::/8\"}", "\"32.0.0.0\""))
        #expect(try !matches("{\"cidr\":\"2000::/8\"}", "\"32.255.255.255\""))
        #expect(try !matches("{\"cidr\":\"2001:db8::/32\"}", "\"32.1.13.184\""))
        #expect(try matches("\"32.1.13.184\"", "\"2001:db8::\""))
        #expect(try !matches("\"2001:db8::\"", "\"32.1.13.184\""))
        #expect(try matches("{\"exactly\":\"10.0.0.1\"}", "\"10.0.0.1\""))
        #expect(try !matches("{\"exactly\":\"10.0.0.1\"}", "\"010.0.0.1\""))
        #expect(try matches("{\"anything-but\":[\"10.0.0.1\"]}", "\"010.0.0.1\""))
    }

    /// spec: patterns §2.14
    @Test func wildcardEscapesAndAffixes() throws {
        #expect(try matches(#"{"wildcard":"*\\*"}"#, #""ab*""#))
        #expect(try !matches(#"{"wildcard":"*\\*"}"#, #""ab""#))
        #expect(try matches(#"{"wildcard":"ab*ba"}"#, #""abba""#))
        #expect(try !matches(#"{"wildcard":"ab*ba"}"#, #""aba""#))
        #expect(try matches(#"{"wildcard":"a*é*z"}"#, #""aéz""#))
        #expect(try matches(#"{"wildcard":"*aab*"}"#, #""aaaab""#))
        #expect(try matches(#"{"wildcard":"?"}"#, #""?""#))
    }

    /// Unpaired surrogates are legal and equal only themselves (spec: patterns §2.19).
    @Test func unpairedSurrogates() throws {
        #expect(try matches(#""\ud83d""#, #""\ud83d""#))
        #expect(try !matches(#""\ud83d""#, #""\ud83e""#))
        #expect(try !matches(#""\ud83d""#, "\"\u{FFFD}\""))
        #expect(try matches(#"{"prefix":"\ude00"}"#, #""\ude00x""#))
        let pattern = try Pattern.parse(#"{"\ud83d":[1]}"#)
        #expect(try pattern.matches(Array(#"{"\ud83d":1}"#.utf8)))
        #expect(try !pattern.matches(Array(#"{"\ud83e":1}"#.utf8)))
    }
}
