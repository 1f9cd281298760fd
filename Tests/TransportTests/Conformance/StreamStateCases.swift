/// RFC 9113 §5: stream states, identifiers, concurrency, dependencies and errors.
enum StreamStateCases {
    private static let protocolError = ConformanceCase.Outcome.connectionError([ErrorCode.protocolError])
    private static func closedStream(_ stream: UInt32) -> ConformanceCase.Outcome {
        .streamError(stream, [ErrorCode.streamClosed])
    }

    static let all = idle + halfClosed + closedByReset + closedByEnd + identifiers + dependencies

    private static let idle =
        [
            ("DATA", Make.data(1, [1])), ("RST_STREAM", Make.reset(1)), ("WINDOW_UPDATE", Make.windowUpdate(1, 100)),
            ("CONTINUATION", Make.continuation(1, Make.getBlock)),
        ].map { name, frame in ConformanceCase("5.1", "idle: refuses \(name)", protocolError, sending: frame) } + [
            ConformanceCase("5.1", "idle: takes PRIORITY", .answered(1), sending: Make.priority(1), Make.headers(1))
        ]

    private static let halfClosed = [
        ("DATA", Make.data(1, [1]), closedStream(1)), ("HEADERS", Make.headers(1), closedStream(1)),
        (
            "CONTINUATION", Make.continuation(1, []),
            .connectionError([ErrorCode.streamClosed, ErrorCode.protocolError])
        ),
        ("WINDOW_UPDATE", Make.windowUpdate(1, 10), .tolerated), ("PRIORITY", Make.priority(1), .tolerated),
        ("RST_STREAM", Make.reset(1), .tolerated),
    ].map { name, frame, outcome in
        ConformanceCase(
            "5.1",
            "half-closed (remote): \(name)",
            outcome,
            sending: Make.headers(1, Make.heldBlock),
            frame
        )
    }

    private static let closedByReset = [
        ("DATA", Make.data(1, [1]), closedStream(1)),
        ("HEADERS", Make.headers(1, Make.block([], [("x", "y")])), closedStream(1)),
        (
            "CONTINUATION", Make.continuation(1, []),
            .connectionError([ErrorCode.streamClosed, ErrorCode.protocolError])
        ),
        ("PRIORITY", Make.priority(1), .tolerated),
    ].map { name, frame, outcome in
        ConformanceCase(
            "5.1",
            "closed by the client's RST_STREAM: \(name)",
            outcome,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.reset(1),
            frame
        )
    }

    private static let closedByEnd =
        [
            ("DATA", Make.data(1, [1]), closedStream(1)), ("HEADERS", Make.headers(1), closedStream(1)),
            (
                "CONTINUATION", Make.continuation(1, []),
                .connectionError([ErrorCode.streamClosed, ErrorCode.protocolError])
            ),
            ("WINDOW_UPDATE", Make.windowUpdate(1, 10), .tolerated), ("PRIORITY", Make.priority(1), .tolerated),
            ("RST_STREAM", Make.reset(1), .tolerated),
        ].map { name, frame, outcome in
            ConformanceCase(
                "5.1",
                "closed by END_STREAM on both sides: \(name)",
                outcome,
                .send(Make.headers(1)),
                .awaitEnd(1),
                .send(frame)
            )
        } + [
            ConformanceCase(
                "5.1",
                "closed by the server's RST_STREAM: tolerates frames that were on their way",
                .tolerated,
                .send(Make.headers(1, Make.post(("te", "gzip")), end: false)),
                .awaitReset(1),
                .send(Make.data(1, [1], end: false) + Make.windowUpdate(1, 5) + Make.data(1, [2]) + Make.reset(1))
            ).ignoringResets(),
            ConformanceCase(
                "5.1",
                "closed by the server's RST_STREAM: tolerates trailers that were on their way",
                .answered(3),
                .send(Make.headers(1, Make.post(("te", "gzip")), end: false)),
                .awaitReset(1),
                .send(Make.headers(1, Make.block([], [("x", "y")])) + Make.headers(3))
            ).ignoringResets(),
        ]

    private static let identifiers = [
        ConformanceCase("5.1.1", "refuses a request on an even stream", protocolError, sending: Make.headers(2)),
        ConformanceCase(
            "5.1.1",
            "refuses a request on a stream below the last one",
            protocolError,
            sending: Make.headers(5, Make.heldBlock),
            Make.headers(3)
        ),
        ConformanceCase(
            "5.1.1",
            "refuses a request below the last one after that was answered",
            protocolError,
            .send(Make.headers(7)),
            .awaitEnd(7),
            .send(Make.headers(5))
        ),
        ConformanceCase("5.1.1", "takes streams that skip identifiers", .answered(101), sending: Make.headers(101)),
        ConformanceCase(
            "5.1.1",
            "takes the last possible stream",
            .answered(0x7FFF_FFFF),
            sending: Make.headers(0x7FFF_FFFF)
        ),
        ConformanceCase(
            "5.1.2",
            "refuses whole requests beyond SETTINGS_MAX_CONCURRENT_STREAMS while no answer leaves",
            .streamError(513, [ErrorCode.protocolError, ErrorCode.refusedStream]),
            sending: Make.settings((4, 0)) + (0...256).flatMap { Make.headers(UInt32(1 + 2 * $0)) }
        ),
        ConformanceCase(
            "5.1.2",
            "takes a stream in the place of one that was reset",
            .answered(515),
            sending: (0...255).flatMap { Make.headers(UInt32(1 + 2 * $0), Make.postBlock, end: false) }
                + Make.reset(1) + Make.headers(515)
        ),
        ConformanceCase(
            "5.1.2",
            "refuses streams beyond SETTINGS_MAX_CONCURRENT_STREAMS",
            .streamError(513, [ErrorCode.protocolError, ErrorCode.refusedStream]),
            sending: (0...256).flatMap { Make.headers(UInt32(1 + 2 * $0), Make.postBlock, end: false) }
        ),
    ]

    private static let dependencies = [
        ConformanceCase(
            "5.3.2",
            "takes a request below a stream that PRIORITY has named",
            .answered(1),
            sending: Make.priority(5),
            Make.headers(1)
        ),
        ConformanceCase(
            "5.3.2",
            "takes PRIORITY with an exclusive dependency",
            .answered(1),
            sending: Make.priority(1, dependsOn: 0x8000_0000),
            Make.headers(1)
        ),
        // RFC 9113 §5.3.2 leaves this to RFC 7540.
        ConformanceCase(
            "RFC 7540 5.3.1",
            "refuses a request that depends on itself",
            .streamError(1, [ErrorCode.protocolError]),
            sending: Make.headers(1, TestFrame.number(1) + [15] + Make.heldBlock, flags: FrameFlag.priority)
        ),
        ConformanceCase(
            "RFC 7540 5.3.1",
            "refuses PRIORITY that makes a stream depend on itself",
            .streamError(1, [ErrorCode.protocolError]),
            sending: Make.headers(1, Make.heldBlock),
            Make.priority(1, dependsOn: 1)
        ),
        ConformanceCase(
            "RFC 7540 5.3.1",
            "refuses PRIORITY that makes an idle stream depend on itself",
            .streamError(1, [ErrorCode.protocolError]),
            sending: Make.priority(1, dependsOn: 1)
        ),
        ConformanceCase(
            "RFC 7540 5.3.1",
            "refuses PRIORITY that makes an answered stream depend on itself",
            .streamError(1, [ErrorCode.protocolError]),
            .send(Make.headers(1)),
            .awaitEnd(1),
            .send(Make.priority(1, dependsOn: 1))
        ),
        ConformanceCase(
            "5.3.2",
            "takes a request with priority information",
            .answered(1),
            sending: Make.headers(1, TestFrame.number(0) + [15] + Make.getBlock, flags: FrameFlag.priority)
        ),
        ConformanceCase(
            "5.4.1",
            "closes after a connection error",
            protocolError,
            sending: Make.headers(1),
            Make.ping(1, stream: 1)
        ),
        ConformanceCase(
            "5.4.2",
            "sends no RST_STREAM in answer to one",
            .tolerated,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.reset(1)
        ),
    ]
}
