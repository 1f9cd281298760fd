import EventPattern
import Testing

/// spec: patterns §3.5
@Suite struct EventValidationTests {
    private static let members = [
        "id": "\"1\"", "account": "\"1\"", "source": "\"s\"", "time": "\"2024-02-29T12:00:00Z\"", "region": "\"r\"",
        "detail-type": "\"t\"",
    ]

    private func event(_ changes: [String: String] = [:]) -> [UInt8] {
        let members = Self.members.merging(changes) { _, new in new }
        let kept = members.filter { $0.value != "-" }.sorted { $0.key < $1.key }
        return Array("{\(kept.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ","))}".utf8)
    }

    @Test func mandatoryMembers() {
        #expect(EventValidation.check(event()) == nil)
        for name in Self.members.keys.sorted() {
            #expect(EventValidation.check(event([name: "-"])) == .notAnEvent, "\(name)")
        }
        #expect(EventFault.notAnEvent.message == "Parameter Event is not valid.")
    }

    @Test func typesOfOtherMembersAreNotLookedAt() {
        #expect(
            EventValidation.check(event(["detail-type": "[\"x\"]", "id": "{\"time\":1}", "account": "null"])) == nil
        )
        #expect(EventValidation.check(event(["detail": "7", "extra": "{}"])) == nil)
    }

    @Test func escapedNamesAndNestedOnes() {
        let escaped = String(decoding: event(), as: UTF8.self).replacing("\"region\"", with: "\"r\\u0065gion\"")
        #expect(EventValidation.check(Array(escaped.utf8)) == nil)
        #expect(EventValidation.check(event(["region": "-", "detail": "{\"region\":\"x\"}"])) == .notAnEvent)
    }

    @Test(arguments: ["", "[]", "\"x\"", "{", "null", "{} x"]) func whatIsNoObject(_ text: String) {
        #expect(EventValidation.check(Array(text.utf8)) == .notAnEvent)
    }

    @Test(arguments: [
        ("2024-02-29T12:00:00Z", true), ("2023-02-29T12:00:00Z", false), ("2024-02-29T12:00:00.123Z", true),
        ("2024-02-29T12:00:00.Z", false), ("2024-12-31T23:59:59+05:30", true), ("2024-12-31T23:59:59-0530", true),
        ("2024-12-31T23:59:59", false), ("2024-12-31", false), ("2024-13-01T00:00:00Z", false),
        ("2024-00-01T00:00:00Z", false), ("2024-04-31T00:00:00Z", false), ("2024-04-30T24:00:00Z", false),
        ("2024-04-30T00:60:00Z", false), ("1900-02-29T00:00:00Z", false), ("2000-02-29T00:00:00Z", true),
        ("yesterday", false), ("", false), ("2024-04-30T00:00:00Zx", false), ("2024-04-30 00:00:00Z", false),
        ("2024-04-30T00:00:00+", false), ("2024-04-30T00:00:00+01:", false),
    ])
    func instants(_ time: String, _ isValid: Bool) {
        #expect(EventValidation.check(event(["time": "\"\(time)\""])) == (isValid ? nil : .invalidTime))
    }

    @Test func timeMustBeAString() {
        for value in ["1700000000", "null", "[]"] {
            #expect(EventValidation.check(event(["time": value])) == .invalidTime)
        }
        #expect(EventFault.invalidTime.message == "Parameter Event is not valid. Reason: Invalid time.")
    }
}
