/// RFC 9113 §8: how messages are made of fields.
enum MessageCases {
    /// What a malformed request is answered with (RFC 9113 §8.1.1).
    private static let malformed = ConformanceCase.Outcome.streamError(1, [ErrorCode.protocolError])

    static let all = shapes + names + connectionFields + pseudoHeaders + lengths + connect

    private static func request(_ section: String, _ rule: String, _ block: [UInt8]) -> ConformanceCase {
        ConformanceCase(section, rule, malformed, sending: Make.headers(1, block))
    }

    private static func taken(_ section: String, _ rule: String, _ block: [UInt8]) -> ConformanceCase {
        ConformanceCase(section, rule, .answered(1), sending: Make.headers(1, block))
    }

    private static let shapes = [
        taken("8.1", "takes a HEAD request", Make.block([0x86, 0x84], [(":method", "HEAD"), (":authority", "a")])),
        taken(
            "8.1",
            "takes an OPTIONS request for *",
            Make.block(
                [0x86],
                [
                    (":method", "OPTIONS"), (":path", "*"), (":authority", "a"),
                ]
            )
        ),
        ConformanceCase(
            "8.1",
            "takes a POST request with trailers",
            .answered(1),
            sending: Make.headers(1, Make.post(("trailer", "x-t")), end: false),
            Make.data(1, [1], end: false),
            Make.headers(1, Make.block([], [("x-t", "1")]))
        ),
        ConformanceCase(
            "8.1",
            "refuses a second HEADERS frame that ends nothing",
            malformed,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [1], end: false),
            Make.headers(1, Make.block([], [("x-t", "1")]), end: false)
        ),
        ConformanceCase(
            "8.1",
            "refuses pseudo-header fields in trailers",
            malformed,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.data(1, [1], end: false),
            Make.headers(1, Make.block([], [(":method", "GET")]))
        ),
        ConformanceCase(
            "8.1",
            "refuses connection-specific fields in trailers",
            malformed,
            sending: Make.headers(1, Make.postBlock, end: false),
            Make.headers(1, Make.block([], [("connection", "close")]))
        ),
    ]

    private static let names = [
        request("8.2.1", "refuses a capital letter in a name", Make.get(("X-Test", "1"))),
        request("8.2.1", "refuses an empty name", Make.get(("", "1"))),
        request("8.2.1", "refuses a space in a name", Make.get(("x test", "1"))),
        request("8.2.1", "refuses a control character in a name", Make.get(("x\u{1}", "1"))),
        request("8.2.1", "refuses DEL in a name", Make.get(("x\u{7F}", "1"))),
        request("8.2.1", "refuses a character beyond ASCII in a name", Make.get(("x\u{E9}", "1"))),
        request("8.2.1", "refuses a colon inside a name", Make.get(("x:y", "1"))),
        request("8.2.1", "refuses NUL in a value", Make.get(("x", "a\0b"))),
        request("8.2.1", "refuses CR in a value", Make.get(("x", "a\rb"))),
        request("8.2.1", "refuses LF in a value", Make.get(("x", "a\nb"))),
        request("8.2.1", "refuses a value that starts with a space", Make.get(("x", " a"))),
        request("8.2.1", "refuses a value that ends with a tab", Make.get(("x", "a\t"))),
        taken("8.2.1", "takes spaces inside a value", Make.get(("x", "a b\tc"))),
        taken("8.2.1", "takes an empty value", Make.get(("x", ""))),
        taken("8.2.1", "takes characters beyond ASCII in a value", Make.get(("x", "\u{E9}"))),
        taken("8.2.3", "takes a cookie in several fields", Make.get(("cookie", "a=1"), ("cookie", "b=2"))),
    ]

    private static let connectionFields =
        [
            ("connection", "close"), ("connection", "keep-alive"), ("keep-alive", "1"), ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"), ("upgrade", "h2c"), ("te", "gzip"), ("te", "trailers, deflate"),
        ].map { name, value in request("8.2.2", "refuses \(name): \(value)", Make.get((name, value))) } + [
            taken("8.2.2", "takes te: trailers", Make.get(("te", "trailers")))
        ]

    private static let pseudoHeaders = [
        request("8.3", "refuses an unknown pseudo-header field", Make.get((":test", "1"))),
        request("8.3", "refuses a pseudo-header field of responses", Make.get((":status", "200"))),
        request(
            "8.3",
            "refuses a pseudo-header field after a regular one",
            Make.block([0x82, 0x86], [("x", "1"), (":path", "/"), (":authority", "a")])
        ),
        request("8.3.1", "refuses a request without :method", Make.block([0x86, 0x84], [(":authority", "a")])),
        request("8.3.1", "refuses a request without :scheme", Make.block([0x82, 0x84], [(":authority", "a")])),
        request("8.3.1", "refuses a request without :path", Make.block([0x82, 0x86], [(":authority", "a")])),
        request("8.3.1", "refuses an empty :path", Make.block([0x82, 0x86], [(":path", ""), (":authority", "a")])),
        request(
            "8.3.1",
            "refuses a :path that starts with no slash",
            Make.block([0x82, 0x86], [(":path", "a"), (":authority", "a")])
        ),
        request(
            "8.3.1",
            "refuses :path * of a method other than OPTIONS",
            Make.block([0x82, 0x86], [(":path", "*"), (":authority", "a")])
        ),
        request("8.3.1", "refuses :method twice", [0x82] + Make.getBlock),
        request("8.3.1", "refuses :scheme twice", [0x86] + Make.getBlock),
        request("8.3.1", "refuses :path twice", [0x84] + Make.getBlock),
        request("8.3.1", "refuses :authority twice", Make.get((":authority", "a"))),
        request(
            "8.3.1",
            "refuses a space in :path",
            Make.block([0x82, 0x86], [(":path", "/a b"), (":authority", "a")])
        ),
        request(
            "8.3.1",
            "refuses a control character in :authority",
            Make.block([0x82, 0x86, 0x84], [(":authority", "a\u{1}b")])
        ),
        request(
            "8.3.1",
            "refuses a space in :method",
            Make.block([0x86, 0x84], [(":method", "GE T"), (":authority", "a")])
        ),
        request(
            "8.3.1",
            "refuses an empty :method",
            Make.block([0x86, 0x84], [(":method", ""), (":authority", "a")])
        ),
        request("8.3.1", "refuses a host that differs from :authority", Make.get(("host", "example.com"))),
        request(
            "8.3.1",
            "refuses an :authority with user information",
            Make.block([0x82, 0x86, 0x84], [(":authority", "u@localhost")])
        ),
        request(
            "8.3.1",
            "refuses an :authority with a port that is none",
            Make.block([0x82, 0x86, 0x84], [(":authority", "localhost:99999")])
        ),
        request(
            "8.3.1",
            "refuses a host that is none",
            Make.block([0x82, 0x86, 0x84], [("host", "a/b")])
        ),
        taken("8.3.1", "takes a host that equals :authority", Make.get(("host", "LOCALHOST"))),
        taken("8.3.1", "takes host instead of :authority", Make.block([0x82, 0x86, 0x84], [("host", "localhost")])),
        request("8.3.1", "refuses a request without :authority and host", [0x82, 0x86, 0x84]),
        request("8.3.1", "refuses host twice", Make.block([0x82, 0x86, 0x84], [("host", "a"), ("host", "b")])),
    ]

    private static let lengths = [
        ConformanceCase(
            "8.1.1",
            "refuses a body longer than content-length",
            malformed,
            sending: Make.headers(1, Make.post(("content-length", "1")), end: false),
            Make.data(1, [1, 2])
        ),
        ConformanceCase(
            "8.1.1",
            "refuses a body shorter than content-length",
            malformed,
            sending: Make.headers(1, Make.post(("content-length", "3")), end: false),
            Make.data(1, [1], end: false),
            Make.data(1, [2])
        ),
        ConformanceCase(
            "8.1.1",
            "refuses a content-length without a body",
            malformed,
            sending: Make.headers(1, Make.post(("content-length", "1")))
        ),
        ConformanceCase(
            "8.1.1",
            "refuses a body shorter than content-length before trailers",
            malformed,
            sending: Make.headers(1, Make.post(("content-length", "3")), end: false),
            Make.data(1, [1], end: false),
            Make.headers(1, Make.block([], [("x-t", "1")]))
        ),
        request("8.1.1", "refuses content-length twice", Make.get(("content-length", "0"), ("content-length", "0"))),
        request("8.1.1", "refuses a content-length that is no number", Make.get(("content-length", "0x0"))),
        request("8.1.1", "refuses a negative content-length", Make.get(("content-length", "-1"))),
        request(
            "8.1.1",
            "refuses a content-length that no number holds",
            Make.get(("content-length", "99999999999999999999"))
        ),
        ConformanceCase(
            "8.1.1",
            "takes a body of several frames that add up to content-length",
            .answered(1),
            sending: Make.headers(1, Make.post(("content-length", "3")), end: false),
            Make.data(1, [1], end: false),
            Make.data(1, [], end: false),
            Make.data(1, [2, 3], end: false),
            Make.data(1, [])
        ),
    ]

    private static let connect = [
        taken(
            "8.5",
            "takes CONNECT with :authority alone",
            Make.block([], [(":method", "CONNECT"), (":authority", "a:443")])
        ),
        request(
            "8.5",
            "refuses CONNECT with :scheme and :path",
            Make.block(
                [0x86, 0x84],
                [
                    (":method", "CONNECT"), (":authority", "a:443"),
                ]
            )
        ),
        request("8.5", "refuses CONNECT without :authority", Make.block([], [(":method", "CONNECT")])),
    ]
}
