/// RFC 9113 §6.5: SETTINGS.
enum SettingsCases {
    private static let protocolError = ConformanceCase.Outcome.connectionError([ErrorCode.protocolError])
    private static let frameSize = ConformanceCase.Outcome.connectionError([ErrorCode.frameSize])

    static let all = frame + values

    private static let frame = [
        ConformanceCase(
            "6.5",
            "refuses an acknowledgement with a payload",
            frameSize,
            sending: TestFrame.make(FrameType.settings, 1, 0, [0, 1, 0, 0, 0, 0])
        ),
        ConformanceCase(
            "6.5",
            "refuses SETTINGS on a stream",
            protocolError,
            sending: TestFrame.make(FrameType.settings, 0, 1, [])
        ),
        ConformanceCase(
            "6.5",
            "refuses a length that is no multiple of 6",
            frameSize,
            sending: TestFrame.make(FrameType.settings, 0, 0, [0, 3, 0])
        ),
        ConformanceCase(
            "6.5.3",
            "takes an acknowledgement of its SETTINGS",
            .answered(1),
            sending: TestFrame.make(FrameType.settings, 1, 0, []),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.3",
            "takes the last of several values for one setting",
            .answered(1),
            sending: Make.settings((4, 0), (4, 100)),
            Make.headers(1)
        ),
    ]

    private static let values = [
        ConformanceCase("6.5.2", "refuses ENABLE_PUSH of 2", protocolError, sending: Make.settings((2, 2))),
        ConformanceCase("6.5.2", "takes ENABLE_PUSH of 0", .tolerated, sending: Make.settings((2, 0))),
        ConformanceCase("6.5.2", "takes ENABLE_PUSH of 1", .tolerated, sending: Make.settings((2, 1))),
        ConformanceCase(
            "6.5.2",
            "refuses INITIAL_WINDOW_SIZE of 2^31",
            .connectionError([ErrorCode.flowControl]),
            sending: Make.settings((4, 0x8000_0000))
        ),
        ConformanceCase(
            "6.5.2",
            "takes INITIAL_WINDOW_SIZE of 2^31-1",
            .answered(1),
            sending: Make.settings((4, 0x7FFF_FFFF)),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.2",
            "refuses MAX_FRAME_SIZE below 2^14",
            protocolError,
            sending: Make.settings((5, 16_383))
        ),
        ConformanceCase(
            "6.5.2",
            "refuses MAX_FRAME_SIZE above 2^24-1",
            protocolError,
            sending: Make.settings((5, 0x100_0000))
        ),
        ConformanceCase(
            "6.5.2",
            "takes MAX_FRAME_SIZE of 2^24-1",
            .answered(1),
            sending: Make.settings((5, 0xFF_FFFF)),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.2",
            "takes a HEADER_TABLE_SIZE of 0",
            .answered(1),
            sending: Make.settings((1, 0)),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.2",
            "takes a HEADER_TABLE_SIZE of 2^32-1",
            .answered(1),
            sending: Make.settings((1, 0xFFFF_FFFF)),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.2",
            "takes MAX_CONCURRENT_STREAMS of 0",
            .answered(1),
            sending: Make.settings((3, 0)),
            Make.headers(1)
        ),
        ConformanceCase(
            "6.5.2",
            "takes a MAX_HEADER_LIST_SIZE of 0",
            .answered(1),
            sending: Make.settings((6, 0)),
            Make.headers(1)
        ),
    ]
}
