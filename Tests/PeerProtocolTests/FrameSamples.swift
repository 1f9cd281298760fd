import EventModel
import PeerProtocol
import SansIO
import Testing

/// Frames for tests.
enum FrameSamples {
    static func account(_ text: String = "111122223333") throws -> AccountID {
        try #require(AccountID(text))
    }

    static func entry(_ number: UInt64 = 1, envelope: String = #"{"detail":{}}"#) throws -> ForwardEntry {
        ForwardEntry(
            id: DeliveryID(event: number, target: 9),
            sourceAccount: try account(),
            principal: "arn:aws:iam::111122223333:role/out",
            session: "rule",
            rule: "arn:aws:events:us-east-1:111122223333:rule/rule",
            bus: "arn:aws:events:us-east-1:444455556666:event-bus/orders",
            hops: ["arn:aws:events:us-east-1:111122223333:event-bus/default"],
            traceHeader: "Root=1-5759e988-bd862e3fe1be46a994272793",
            envelope: Array(envelope.utf8)
        )
    }

    static func answer() -> VerdictFrame {
        VerdictFrame(
            pressure: 17,
            verdicts: [
                .accepted, .duplicate, .denied("no statement"), .unknownBus, .notHosted, .notCovered("scope"),
                .throttled(retryAfter: .milliseconds(250)), .busPending(retryAfter: .seconds(5)), .loop("been there"),
                .malformed("no id"), .tooLarge("2 MB"), .failed("disk"),
            ],
            message: "whole"
        )
    }
}
