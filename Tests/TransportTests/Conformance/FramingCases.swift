/// RFC 9113 §3.4 and §4: the preface, the frame format, frame sizes and header blocks.
enum FramingCases {
    private static let protocolError = ConformanceCase.Outcome.connectionError([ErrorCode.protocolError])
    private static let frameSize = ConformanceCase.Outcome.connectionError([ErrorCode.frameSize])

    static let all = format + sizes + blocks

    private static let format = [
        ConformanceCase(
            "4.1",
            "ignores a frame of an unknown type on the connection",
            .tolerated,
            sending: TestFrame.make(0x16, 0, 0, [1, 2, 3])
        ),
        ConformanceCase(
            "4.1",
            "ignores a frame of an unknown type on an open stream",
            .answered(1),
            sending: Make.headers(1, Make.postBlock, end: false),
            TestFrame.make(0x16, 0xFF, 1, [1, 2, 3]),
            Make.data(1, [1])
        ),
        ConformanceCase(
            "4.1",
            "ignores a frame of an unknown type on an idle stream",
            .tolerated,
            sending: TestFrame.make(0xFE, 0, 99, [])
        ),
        ConformanceCase("4.1", "ignores flags without meaning on PING", .tolerated, sending: Make.ping(7, flags: 0x16)),
        ConformanceCase(
            "4.1",
            "ignores flags without meaning on HEADERS",
            .answered(1),
            sending: Make.headers(1, flags: 0x52)
        ),
        ConformanceCase(
            "4.1",
            "ignores flags without meaning on DATA",
            .answered(1),
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [1], flags: 0xF6)
        ),
        ConformanceCase(
            "4.1",
            "ignores the reserved bit of a stream identifier",
            .answered(1),
            sending: Make.headers(0x8000_0001)
        ),
        ConformanceCase(
            "5.5",
            "ignores an unknown setting",
            .answered(1),
            sending: Make.settings((0xABCD, 7)),
            Make.headers(1)
        ),
    ]

    private static let sizes = [
        ConformanceCase(
            "4.2",
            "takes a DATA frame of 2^14 octets",
            .answered(1),
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [UInt8](repeating: 0, count: 16_384))
        ),
        ConformanceCase(
            "4.2",
            "refuses a DATA frame beyond SETTINGS_MAX_FRAME_SIZE",
            .streamError(1, [ErrorCode.frameSize]),
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [UInt8](repeating: 0, count: 16_385))
        ),
        ConformanceCase(
            "4.2",
            "refuses a HEADERS frame beyond SETTINGS_MAX_FRAME_SIZE",
            frameSize,
            sending: Make.headers(1, [UInt8](repeating: 0x82, count: 16_385))
        ),
        ConformanceCase(
            "4.2",
            "refuses a SETTINGS frame beyond SETTINGS_MAX_FRAME_SIZE",
            frameSize,
            sending: TestFrame.make(FrameType.settings, 0, 0, [UInt8](repeating: 0xFF, count: 16_386))
        ),
        ConformanceCase(
            "4.2",
            "refuses a CONTINUATION frame beyond SETTINGS_MAX_FRAME_SIZE",
            frameSize,
            sending: Make.openHeaders(1),
            Make.continuation(1, [UInt8](repeating: 0x82, count: 16_385))
        ),
    ]

    private static let blocks =
        [
            ConformanceCase(
                "4.3",
                "takes a header block in three frames",
                .answered(1),
                sending: Make.openHeaders(1, Array(Make.getBlock.prefix(2))),
                Make.continuation(1, Array(Make.getBlock.dropFirst(2).prefix(5)), end: false),
                Make.continuation(1, Array(Make.getBlock.dropFirst(7)))
            ),
            ConformanceCase(
                "4.3",
                "refuses a header block that does not decompress",
                .connectionError([ErrorCode.compression]),
                sending: Make.headers(1, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
            ),
            ConformanceCase(
                "4.3",
                "refuses a header block that ends within a field",
                .connectionError([ErrorCode.compression]),
                sending: Make.headers(1, Array(Make.getBlock.dropLast(3)))
            ),
            ConformanceCase(
                "4.3",
                "keeps the compression state of a stream that it refuses",
                .answered(3),
                // The second block uses an entry that the first, malformed, one adds to the table.
                .send(Make.headers(1, [0x82, 0x40, 1, UInt8(ascii: "a"), 1, UInt8(ascii: "b")])),
                .awaitReset(1),
                .send(Make.headers(3, Make.getBlock + [0xBE]))
            ).ignoringResets(),
        ] + interleaved

    private static let interleaved = [
        ("PRIORITY", Make.priority(1)), ("DATA", Make.data(1, [1])), ("PING", Make.ping()),
        ("SETTINGS", Make.settings()), ("RST_STREAM", Make.reset(1)), ("WINDOW_UPDATE", Make.windowUpdate(0, 1)),
        ("HEADERS of another stream", Make.headers(3)), ("HEADERS of the same stream", Make.headers(1)),
        ("an unknown frame", TestFrame.make(0x16, 0, 1, [])), ("GOAWAY", Make.goAway()),
        ("CONTINUATION of another stream", Make.continuation(3, [])),
        ("CONTINUATION of stream 0", Make.continuation(0, [])),
    ].map { name, frame in
        ConformanceCase(
            "4.3",
            "refuses \(name) inside a header block",
            protocolError,
            sending: Make.openHeaders(1, Array(Make.getBlock.prefix(2))),
            frame
        )
    }
}
