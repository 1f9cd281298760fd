/// RFC 9113 §6.1 to §6.4, §6.6 to §6.8 and §6.10, and the error codes of §7.
enum FrameCases {
    private static let protocolError = ConformanceCase.Outcome.connectionError([ErrorCode.protocolError])
    private static let frameSize = ConformanceCase.Outcome.connectionError([ErrorCode.frameSize])

    static let all = data + headers + priorityAndReset + pingAndGoAway + continuation + codes

    private static let data = [
        ConformanceCase("6.1", "refuses DATA on stream 0", protocolError, sending: Make.data(0, [1])),
        ConformanceCase(
            "6.1",
            "takes padded DATA",
            .answered(1),
            sending: Make.headers(1, Make.post(("content-length", "2")), end: false),
            Make.data(1, [3, 1, 2, 0, 0, 0], flags: FrameFlag.padded)
        ),
        ConformanceCase(
            "6.1",
            "takes DATA that is all padding",
            .answered(1),
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [2, 0, 0], flags: FrameFlag.padded)
        ),
        ConformanceCase(
            "6.1",
            "refuses padding as long as the payload",
            protocolError,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [3, 0, 0], flags: FrameFlag.padded)
        ),
        ConformanceCase(
            "6.1",
            "refuses padded DATA without a pad length",
            .connectionError([ErrorCode.frameSize, ErrorCode.protocolError]),
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [], flags: FrameFlag.padded)
        ),
    ]

    private static let headers = [
        ConformanceCase("6.2", "refuses HEADERS on stream 0", protocolError, sending: Make.headers(0)),
        ConformanceCase(
            "6.2",
            "takes padded HEADERS",
            .answered(1),
            sending: Make.headers(1, [2] + Make.getBlock + [0, 0], flags: FrameFlag.padded)
        ),
        ConformanceCase(
            "6.2",
            "refuses padding longer than the payload",
            protocolError,
            sending: Make.headers(1, [0xFF] + Make.getBlock, flags: FrameFlag.padded)
        ),
        ConformanceCase(
            "6.2",
            "refuses HEADERS too short for its priority information",
            .connectionError([ErrorCode.frameSize, ErrorCode.protocolError]),
            sending: Make.headers(1, [0, 0, 0], flags: FrameFlag.priority)
        ),
        ConformanceCase(
            "6.2",
            "takes padding and priority together",
            .answered(1),
            sending: Make.headers(
                1,
                [1, 0, 0, 0, 0, 9] + Make.getBlock + [0],
                flags: FrameFlag.padded | FrameFlag.priority
            )
        ),
    ]

    private static let priorityAndReset = [
        ConformanceCase("6.3", "refuses PRIORITY on stream 0", protocolError, sending: Make.priority(0, dependsOn: 1)),
        ConformanceCase(
            "6.3",
            "refuses PRIORITY of another length than 5",
            .streamError(1, [ErrorCode.frameSize]),
            sending: Make.headers(1, Make.heldBlock),
            TestFrame.make(FrameType.priority, 0, 1, [0, 0, 0, 0])
        ),
        ConformanceCase(
            "6.3",
            "refuses PRIORITY of another length than 5 on an answered stream",
            .streamError(1, [ErrorCode.frameSize]),
            .send(Make.headers(1)),
            .awaitEnd(1),
            .send(TestFrame.make(FrameType.priority, 0, 1, [0x80, 0, 0, 1]))
        ),
        ConformanceCase(
            "6.3",
            "refuses PRIORITY of another length than 5 on an idle stream",
            .streamError(1, [ErrorCode.frameSize]),
            sending: TestFrame.make(FrameType.priority, 0, 1, [0, 0, 0, 0, 1, 2])
        ),
        ConformanceCase(
            "6.4",
            "refuses RST_STREAM on stream 0",
            protocolError,
            sending: Make.reset(0)
        ),
        ConformanceCase(
            "6.4",
            "refuses RST_STREAM of another length than 4",
            frameSize,
            sending: Make.headers(1, Make.heldBlock),
            TestFrame.make(FrameType.reset, 0, 1, [0, 0, 8])
        ),
        ConformanceCase(
            "6.6",
            "refuses PUSH_PROMISE from a client",
            protocolError,
            sending: Make.headers(1, Make.heldBlock),
            TestFrame.make(FrameType.pushPromise, FrameFlag.endHeaders, 1, TestFrame.number(2) + Make.getBlock)
        ),
    ]

    private static let pingAndGoAway = [
        ConformanceCase("6.7", "answers no PING that is an answer", .tolerated, sending: Make.ping(9, flags: 1)),
        ConformanceCase("6.7", "refuses PING on a stream", protocolError, sending: Make.ping(1, stream: 1)),
        ConformanceCase(
            "6.7",
            "refuses PING shorter than 8",
            frameSize,
            sending: TestFrame.make(FrameType.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7])
        ),
        ConformanceCase(
            "6.7",
            "refuses PING longer than 8",
            frameSize,
            sending: TestFrame.make(FrameType.ping, 0, 0, [UInt8](repeating: 0, count: 9))
        ),
        ConformanceCase("6.8", "refuses GOAWAY on a stream", protocolError, sending: Make.goAway(stream: 1)),
        ConformanceCase(
            "6.8",
            "refuses GOAWAY that is too short",
            frameSize,
            sending: TestFrame.make(FrameType.goAway, 0, 0, [0, 0, 0, 0])
        ),
    ]

    private static let continuation = [
        ConformanceCase(
            "6.10",
            "takes several CONTINUATION frames",
            .answered(1),
            sending: Make.openHeaders(1),
            Make.continuation(1, TestFrame.literal("a", "b"), end: false),
            Make.continuation(1, TestFrame.literal("c", "d"), end: false),
            Make.continuation(1, [])
        ),
        ConformanceCase(
            "6.10",
            "refuses CONTINUATION after END_HEADERS",
            protocolError,
            sending: Make.headers(1, Make.heldBlock),
            Make.continuation(1, [])
        ),
        ConformanceCase(
            "6.10",
            "refuses CONTINUATION after a block's last CONTINUATION",
            protocolError,
            sending: Make.openHeaders(1, Make.heldBlock),
            Make.continuation(1, []),
            Make.continuation(1, [])
        ),
        ConformanceCase(
            "6.10",
            "refuses CONTINUATION after DATA",
            protocolError,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [1], end: false),
            Make.continuation(1, [])
        ),
        ConformanceCase("6.10", "refuses CONTINUATION on stream 0", protocolError, sending: Make.continuation(0, [])),
    ]

    private static let codes = [
        ConformanceCase(
            "7",
            "takes RST_STREAM with an unknown error code",
            .tolerated,
            sending: Make.headers(1, Make.heldBlock),
            Make.reset(1, code: 0xFF)
        ),
        ConformanceCase(
            "7",
            "takes GOAWAY with an unknown error code",
            .answered(3),
            sending: Make.headers(1, Make.heldBlock),
            Make.goAway(code: 0xFF),
            Make.headers(3)
        ),
    ]
}
