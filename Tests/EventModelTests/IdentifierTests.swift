import EventModel
import SansIO
import Testing

@Suite struct ARNTests {
    @Test func partsAndText() throws {
        let text = "arn:aws:events:us-east-1:123456789012:rule/bus/name:with:colons"
        let arn = try #require(ARN(text))
        #expect(arn.partition == "aws")
        #expect(arn.service == "events")
        #expect(arn.region == "us-east-1")
        #expect(arn.account == "123456789012")
        #expect(arn.resource == "rule/bus/name:with:colons")
        #expect(arn.description == text)
        #expect(ARN("arn:aws:iam:::root")?.account.isEmpty == true)
    }

    @Test(arguments: [
        "", "arn", "arn:aws:events:us-east-1:123456789012", "arn:aws:events:us-east-1:123456789012:", "arn::events:::x",
        "arn:aws::::x", "ARN:aws:events:::x", " arn:aws:events:::x", "urn:aws:events:::x",
    ])
    func malformed(_ text: String) {
        #expect(ARN(text) == nil)
    }
}

@Suite struct AccountIDTests {
    @Test func twelveDigits() throws {
        #expect(try #require(AccountID("000000000001")).description == "000000000001")
        #expect(try #require(AccountID("999999999999")).number == 999_999_999_999)
        let first = try #require(AccountID("000000000009"))
        let second = try #require(AccountID("000000000010"))
        #expect(first < second)
    }

    @Test(arguments: ["", "1", "12345678901", "1234567890123", "12345678901x", " 123456789012", "１23456789012"])
    func malformed(_ text: String) {
        #expect(AccountID(text) == nil)
    }
}

@Suite struct EventIDTests {
    /// Gives numbers that are known before.
    private struct Numbers: RandomNumberGenerator {
        var rest: [UInt64]

        mutating func next() -> UInt64 { rest.removeFirst() }
    }

    @Test func eachDigitStandsInItsPlace() {
        var numbers = Numbers(rest: [0x0123_4567_89AB_CDEF, 0xBEDC_BA98_7654_3210])
        #expect(EventID.make(using: &numbers) == "01234567-89ab-4def-bedc-ba9876543210")
    }

    /// 8-4-4-4-12 lower-case hexadecimal digits, version 4, variant 10 (spec: patterns §1.1).
    @Test func form() {
        var generator = SeededGenerator(seed: 7)
        var seen: Set<String> = []
        for _ in 0..<2_000 {
            let id = EventID.make(using: &generator)
            let bytes = Array(id.utf8)
            #expect(bytes.count == 36)
            #expect(id.split(separator: "-").map(\.utf8.count) == [8, 4, 4, 4, 12])
            #expect(bytes[14] == UInt8(ascii: "4"))
            #expect("89ab".utf8.contains(bytes[19]))
            #expect(bytes.allSatisfy { "0123456789abcdef-".utf8.contains($0) })
            #expect(seen.insert(id).inserted)
        }
    }
}
