/// Follows the frames of received bytes, since nghttp2 tells nothing of those that it ignores (RFC 9113 §4.1), and puts frame
/// headers together that come in pieces, since it takes each piece of a CONTINUATION frame's for another such frame.
struct FrameScanner {
    /// What makes the scanner stop.
    enum Stop {
        /// All bytes are scanned. The last ones may be of an incomplete frame header; see ``headerBytes``.
        case end
        /// A frame header is complete of which a part had come before; all but its last byte, the first in the highest
        /// place, and its last.
        case header(UInt64, UInt8)
        /// The header of a HEADERS frame ends here whose stream leaves others out. What follows is to be judged when it has
        /// been seen.
        case gap
        /// A RST_STREAM frame ends here. What follows is to be judged when it has been seen.
        case afterReset
        /// The header of a DATA frame ends here.
        case data(stream: Int32)
        /// The header of a frame of a type that RFC 9113 does not know ends here.
        case unknown
    }

    /// Bytes that are no frame header: of the connection preface, then of payloads.
    private var toSkip: Int
    /// The bytes of an incomplete frame header, the first in the highest place, and their number.
    private var header: (high: UInt64, count: Int) = (0, 0)
    private var isInReset = false
    /// The highest stream of a HEADERS frame.
    private var lastStream: Int32 = 0
    /// What the header that was just completed is to stop for.
    private var nextStop: Stop?

    /// How many bytes of an incomplete frame header have come.
    var headerBytes: Int { header.count }

    /// Creates a scanner for a stream that starts with so many bytes before its first frame.
    init(prefaceBytes: Int) {
        toSkip = prefaceBytes
    }

    /// Goes through bytes from an offset.
    ///
    /// - Parameters:
    ///   - bytes: what came.
    ///   - offset: where to begin; afterwards where the scanner stopped.
    /// - Returns: what it stopped for.
    mutating func scan(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> Stop {
        if let stop = nextStop {
            nextStop = nil
            return stop
        }
        while offset < bytes.count {
            if toSkip > 0 {
                let skipped = min(toSkip, bytes.count - offset)
                toSkip -= skipped
                offset += skipped
                if toSkip == 0, isInReset {
                    isInReset = false
                    return .afterReset
                }
                continue
            }
            if header.count == 0, bytes.count - offset >= 9 {
                let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                let last = bytes[offset + 8]
                offset += 9
                if let stop = take(high, last) { return stop }
                continue
            }
            let byte = bytes[offset]
            offset += 1
            guard header.count == 8 else {
                header = (header.high << 8 | UInt64(byte), header.count + 1)
                continue
            }
            let high = header.high
            header = (0, 0)
            nextStop = take(high, byte)
            return .header(high, byte)
        }
        return .end
    }

    /// Takes a whole frame header, but for its last byte in one number.
    private mutating func take(_ high: UInt64, _ last: UInt8) -> Stop? {
        toSkip = Int(high >> 40)
        let stream = Int32(truncatingIfNeeded: (high & 0x7F_FFFF) << 8) | Int32(last)
        switch UInt8(truncatingIfNeeded: high >> 32) {
        case 0:
            return .data(stream: stream)
        case 1:
            guard stream > lastStream else { return nil }
            let isNext = stream - lastStream <= 2
            lastStream = stream
            return isNext ? nil : .gap
        case 3:
            isInReset = toSkip > 0
            return nil
        case let type where type > 9:
            return .unknown
        default:
            return nil
        }
    }
}
