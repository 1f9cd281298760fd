import SansIO

/// An HTTP/2 frame as it came (RFC 9113 §4.1).
struct ReceivedFrame: Equatable {
    var type: UInt8
    var flags: UInt8
    var stream: UInt32
    var payload: [UInt8]

    /// The 32-bit number at an offset of the payload, or nil when it is too short.
    func number(at offset: Int) -> UInt32? {
        guard payload.count >= offset + 4 else { return nil }
        return payload[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
    }

    /// Parses one frame from the front.
    ///
    /// - Returns: nil when it is not all there yet.
    static func parse(_ bytes: ArraySlice<UInt8>) -> (ReceivedFrame, Int)? {
        let head = Array(bytes.prefix(9))
        guard head.count == 9 else { return nil }
        let length = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
        guard bytes.count >= 9 + length else { return nil }
        let stream = head[5...].reduce(0) { $0 << 8 | UInt32($1) } & 0x7FFF_FFFF
        let payload = Array(bytes.dropFirst(9).prefix(length))
        return (ReceivedFrame(type: head[3], flags: head[4], stream: stream, payload: payload), 9 + length)
    }
}

/// Frame types (RFC 9113 §6).
enum FrameType {
    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let reset: UInt8 = 3
    static let settings: UInt8 = 4
    static let pushPromise: UInt8 = 5
    static let ping: UInt8 = 6
    static let goAway: UInt8 = 7
    static let windowUpdate: UInt8 = 8
    static let continuation: UInt8 = 9
}

/// Frame flags (RFC 9113 §6).
enum FrameFlag {
    static let acknowledgement: UInt8 = 0x1
    static let endStream: UInt8 = 0x1
    static let endHeaders: UInt8 = 0x4
    static let padded: UInt8 = 0x8
    static let priority: UInt8 = 0x20
}

/// Error codes (RFC 9113 §7).
enum ErrorCode {
    static let none: UInt32 = 0
    static let protocolError: UInt32 = 1
    static let internalError: UInt32 = 2
    static let flowControl: UInt32 = 3
    static let streamClosed: UInt32 = 5
    static let frameSize: UInt32 = 6
    static let refusedStream: UInt32 = 7
    static let cancel: UInt32 = 8
    static let compression: UInt32 = 9
    static let enhanceYourCalm: UInt32 = 11
}

/// Frames and header blocks that the conformance cases are made of.
enum Make {
    /// The client's connection preface without its SETTINGS frame (RFC 9113 §3.4).
    static let magic = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// `:method: GET`, `:scheme: http` and `:path: /` by index, and an authority.
    static let getBlock = block([0x82, 0x86, 0x84], [(":authority", "localhost")])
    /// The same for a path that the server does not answer: `/index.html`.
    static let heldBlock = block([0x82, 0x86, 0x85], [(":authority", "localhost")])
    static let postBlock = block([0x83, 0x86, 0x84], [(":authority", "localhost")])

    /// Representations by index (RFC 7541 §6.1), then fields without indexing (§6.2.2).
    static func block(_ indexed: [UInt8] = [], _ fields: [(String, String)]) -> [UInt8] {
        indexed + fields.flatMap { TestFrame.literal($0.0, $0.1) }
    }

    /// A header block of a GET with further fields.
    static func get(_ fields: (String, String)...) -> [UInt8] { getBlock + block([], fields) }

    /// A header block of a POST with further fields.
    static func post(_ fields: (String, String)...) -> [UInt8] { postBlock + block([], fields) }

    static func headers(_ stream: UInt32, _ block: [UInt8] = getBlock, end: Bool = true, flags: UInt8 = 0) -> [UInt8] {
        let ending = end ? FrameFlag.endStream : 0
        return TestFrame.make(FrameType.headers, FrameFlag.endHeaders | ending | flags, stream, block)
    }

    /// A HEADERS frame without END_HEADERS.
    static func openHeaders(_ stream: UInt32, _ block: [UInt8] = getBlock, end: Bool = true) -> [UInt8] {
        TestFrame.make(FrameType.headers, end ? FrameFlag.endStream : 0, stream, block)
    }

    static func continuation(_ stream: UInt32, _ block: [UInt8], end: Bool = true) -> [UInt8] {
        TestFrame.make(FrameType.continuation, end ? FrameFlag.endHeaders : 0, stream, block)
    }

    static func data(_ stream: UInt32, _ payload: [UInt8], end: Bool = true, flags: UInt8 = 0) -> [UInt8] {
        TestFrame.make(FrameType.data, (end ? FrameFlag.endStream : 0) | flags, stream, payload)
    }

    static func priority(_ stream: UInt32, dependsOn parent: UInt32 = 0) -> [UInt8] {
        TestFrame.make(FrameType.priority, 0, stream, TestFrame.number(parent) + [15])
    }

    static func reset(_ stream: UInt32, code: UInt32 = ErrorCode.cancel) -> [UInt8] {
        TestFrame.make(FrameType.reset, 0, stream, TestFrame.number(code))
    }

    static func settings(_ entries: (id: UInt16, value: UInt32)...) -> [UInt8] {
        let payload = entries.flatMap { [UInt8($0.id >> 8), UInt8($0.id & 255)] + TestFrame.number($0.value) }
        return TestFrame.make(FrameType.settings, 0, 0, payload)
    }

    static func ping(_ number: UInt8 = 1, flags: UInt8 = 0, stream: UInt32 = 0) -> [UInt8] {
        TestFrame.make(FrameType.ping, flags, stream, [UInt8](repeating: number, count: 8))
    }

    static func goAway(stream: UInt32 = 0, code: UInt32 = 0) -> [UInt8] {
        TestFrame.make(FrameType.goAway, 0, stream, TestFrame.number(0) + TestFrame.number(code))
    }

    static func windowUpdate(_ stream: UInt32, _ increment: UInt32) -> [UInt8] {
        TestFrame.make(FrameType.windowUpdate, 0, stream, TestFrame.number(increment))
    }
}
