/// RFC 9113 §5.2 and §6.9: flow control.
enum FlowControlCases {
    static let all = [
        ConformanceCase(
            "6.9",
            "refuses an increment of 0 on the connection",
            .connectionError([ErrorCode.protocolError]),
            sending: Make.windowUpdate(0, 0)
        ),
        ConformanceCase(
            "6.9",
            "refuses an increment of 0 on a stream",
            .streamError(1, [ErrorCode.protocolError]),
            sending: Make.headers(1, Make.heldBlock),
            Make.windowUpdate(1, 0)
        ),
        ConformanceCase(
            "6.9",
            "refuses WINDOW_UPDATE of another length than 4",
            .connectionError([ErrorCode.frameSize]),
            sending: TestFrame.make(FrameType.windowUpdate, 0, 0, [0, 0, 1])
        ),
        ConformanceCase(
            "6.9",
            "refuses WINDOW_UPDATE of another length than 4 on a stream",
            .connectionError([ErrorCode.frameSize]),
            sending: Make.headers(1, Make.heldBlock),
            TestFrame.make(FrameType.windowUpdate, 0, 1, [0, 0, 0, 0, 1])
        ),
        ConformanceCase(
            "6.9",
            "ignores the reserved bit of an increment",
            .answered(1),
            sending: Make.windowUpdate(0, 0x8000_0001),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.9.1",
            "refuses to let the connection's window pass 2^31-1",
            .connectionError([ErrorCode.flowControl]),
            sending: Make.windowUpdate(0, 0x7FFF_FFFF),
            Make.windowUpdate(0, 0x7FFF_FFFF)
        ),
        ConformanceCase(
            "6.9.1",
            "refuses to let a stream's window pass 2^31-1",
            .streamError(1, [ErrorCode.flowControl]),
            sending: Make.headers(1, Make.heldBlock),
            Make.windowUpdate(1, 0x7FFF_FFFF),
            Make.windowUpdate(1, 0x7FFF_FFFF)
        ),
        ConformanceCase(
            "6.9.1",
            "takes windows of exactly 2^31-1",
            .answered(1),
            sending: Make.windowUpdate(0, 0x7FFF_FFFF - 65_535),
            Make.headers(1, Make.postBlock, end: false),
            Make.windowUpdate(1, 0x7FFF_FFFF - 65_535),
            Make.data(1, [])
        ),
        ConformanceCase(
            "6.9.2",
            "refuses a setting that lets an open stream's window pass 2^31-1",
            .streamError(1, [ErrorCode.flowControl]),
            sending: Make.headers(1, Make.heldBlock),
            Make.windowUpdate(1, 0x7FFF_FFFF - 65_535),
            Make.settings((4, 65_536))
        ),
    ]
}
