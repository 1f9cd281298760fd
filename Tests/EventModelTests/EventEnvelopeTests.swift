import EventModel
import SansIO
import Testing

@Suite struct EventEnvelopeTests {
    private func envelope() throws -> EventEnvelope {
        EventEnvelope(
            id: "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
            detailType: "Type \"quoted\"",
            source: "com.acme/é",
            account: try #require(AccountID("000123456789")),
            time: Timestamp(milliseconds: 1_700_000_000_999),
            region: "eu-west-1",
            resources: ["arn:a", "b\nc"]
        )
    }

    /// spec: patterns §1.1 and §1.3: key order, whole seconds, compact, `/` unescaped.
    @Test func bytes() throws {
        let bytes = try envelope().bytes(detail: Array("{ \"x\" : 1.0 , \"u\":\"a/b\" }".utf8))
        let expected =
            #"{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"Type \"quoted\"","#
            + #""source":"com.acme/é","account":"000123456789","time":"2023-11-14T22:13:20Z","region":"eu-west-1","#
            + #""resources":["arn:a","b\nc"],"detail":{"x":1.0,"u":"a/b"}}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        _ = try JSONValue(parsing: bytes)
    }

    @Test func noResourcesAreAnEmptyList() throws {
        var envelope = try envelope()
        envelope.resources = []
        let text = String(decoding: try envelope.bytes(detail: Array("{}".utf8)), as: UTF8.self)
        #expect(text.hasSuffix(#""resources":[],"detail":{}}"#))
    }

    @Test func detailMustBeAnObject() throws {
        let envelope = try envelope()
        for detail in ["[]", "\"x\"", "", "{\"a\":}"] {
            #expect(throws: JSONError.self) { try envelope.bytes(detail: Array(detail.utf8)) }
        }
    }
}
