import Testing

@testable import AccessPolicy

@Suite struct ConditionValueTests {
    private func decimal(_ text: String) -> Int128? { FixedDecimal.parse(text.utf8.span) }
    private func date(_ text: String) -> Int128? { PolicyDate.parse(text.utf8.span) }
    private func address(_ text: String) -> AddressRange? { AddressRange(text.utf8.span) }
    private func bytes(_ text: String) -> [UInt8]? { Base64.decode(text.utf8.span) }

    @Test(arguments: [
        ("1", "1.0", true), ("1e3", "1000", true), ("-0", "0", true), ("0.1", "0.10000", true), ("+5", "5", true),
        ("9007199254740993", "9007199254740992", false), ("0.1", "0.100000000000000001", false), (".5", "0.5", true),
        ("12e-1", "1.2", true),
    ])
    func decimalsAreExact(_ left: String, _ right: String, _ equal: Bool) throws {
        let one = try #require(decimal(left))
        let other = try #require(decimal(right))
        #expect((one == other) == equal)
    }

    @Test(arguments: [
        "", "-", ".", "1.2.3", "1e", "1e+", "0x10", "1 ", "NaN", "1e99", "123456789012345678901234567890123456789",
        "1e-19", "1e99999999999999999999",
    ])
    func notDecimals(_ text: String) {
        #expect(decimal(text) == nil)
    }

    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-15T12:00:00Z", 1_768_478_400), ("1768478400", 1_768_478_400),
        ("2026-01-15T13:00:00+01:00", 1_768_478_400), ("2026-01-15T07:30:00-0430", 1_768_478_400),
        ("2026-01-15T12:00Z", 1_768_478_400), ("2026-01-15T12:00:00", 1_768_478_400), ("2026-01-15", 1_768_435_200),
        ("2026-01", 1_767_225_600), ("2000-02-29", 951_782_400), ("1969-12-31T23:59:59Z", -1),
    ])
    func dates(_ text: String, _ seconds: Int) {
        #expect(date(text) == Int128(seconds) * FixedDecimal.one)
    }

    @Test func fractionsOfSecondsCount() throws {
        let half = try #require(date("1970-01-01T00:00:00.5Z"))
        #expect(half == FixedDecimal.one / 2)
        #expect(date("0.5") == half)
    }

    @Test(arguments: [
        "", "2026-13", "2026-00-01", "2026-02-29", "2026-01-15T", "2026-01-15T24:00:00Z", "2026-01-15T12:60Z",
        "2026-01-15 12:00:00Z", "2026-01-15T12:00:00.Z", "2026-01-15T12:00:00X", "2026-01-15T12:00:00+1", "20260115T",
        "2026-1-1", "2026-01-15T12:00:00Zz",
    ])
    func notDates(_ text: String) {
        #expect(date(text) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.1", false), ("10.9.9.9/8", "10.1.1.1", true),
        ("0.0.0.0/0", "255.255.255.255", true), ("203.0.113.7", "203.0.113.7", true),
        ("203.0.113.7", "203.0.113.8", false), ("2001:db8::/32", "2001:db8:1::5", true),
        ("2001:db8::/32", "2001:db9::", false), ("::1", "0:0:0:0:0:0:0:1", true), ("::/0", "10.0.0.1", false),
        ("0.0.0.0/0", "::1", false), ("10.0.0.0/8", "::ffff:10.1.2.3", true), ("::ffff:10.0.0.0/104", "10.9.9.9", true),
        ("fe80::1:2", "fe80:0:0:0:0:0:1:2", true), ("1::", "1:0:0:0:0:0:0:0", true), ("::ABCD", "::abcd", true),
        ("10.0.0.0/8", "10.0.0.0/16", true), ("10.0.0.0/16", "10.0.0.0/8", false),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0", true), ("64:ff9b::1.2.3.4", "64:ff9b::102:304", true),
    ])
    func addresses(_ block: String, _ address: String, _ expected: Bool) throws {
        let range = try #require(self.address(block))
        let other = try #require(self.address(address))
        #expect(range.contains(other) == expected)
    }

    @Test(arguments: [
        "", "10.0.0", "10.0.0.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "1:2:3",
        "1:2:3:4:5:6:7:8:9", "::1::2", "12345::", "g::", ":", ":::", "1:2:3:4:5:6:7:8::", "::/129", "1:", ":1",
        "1.2.3.4:80", "::1.2.3", "1:2:3:4:5:6:7:1.2.3.4",
    ])
    func notAddresses(_ text: String) {
        #expect(address(text) == nil)
    }

    @Test(arguments: [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")])
    func base64(_ text: String, _ bytes: String) {
        #expect(self.bytes(text) == Array(bytes.utf8))
    }

    @Test(arguments: ["Z", "Zg=", "Zg=a", "=Zg=", "Zm9v=", "Z===", "Zm-_"])
    func notBase64(_ text: String) {
        #expect(bytes(text) == nil)
    }
}
