import SansIO

/// Frames made smaller for slow links.
///
/// Layout: as a frame, but with the highest bit of the version set; behind the first four bytes stand the number of bytes that
/// follow those in the plain frame (4 bytes, big-endian), and these, compressed. It is sent to those only whose answers say
/// that they take it: to an earlier release it is of a version that it does not speak, and says so.
extension ForwardFrame {
    /// Frames below this size stay as they are.
    public static let leastCompressed = 1_024
    /// A frame that would become smaller than this share of itself is not compressed, and not taken: it may be a trap.
    public static let maximumRatio = 64
    private static let compressedBit: UInt8 = 0x80
    private static let headBytes = 4

    /// Whether bytes are marked as a compressed frame.
    public static func isCompressed(_ bytes: [UInt8]) -> Bool {
        bytes.count > headBytes && bytes[0] == mark.0 && bytes[1] == mark.1 && bytes[2] & compressedBit != 0
    }

    /// A frame made smaller; nil when that saves less than a tenth.
    public static func compressed(_ frame: [UInt8], by compressor: some CompressionPort) -> [UInt8]? {
        guard frame.count >= leastCompressed, let small = compressor.compress(frame[headBytes...]),
            (small.count + headBytes) * 10 < frame.count * 9,
            frame.count - headBytes <= small.count * maximumRatio
        else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(small.count + 2 * headBytes)
        bytes.append(contentsOf: [mark.0, mark.1, frame[2] | compressedBit, frame[3]])
        bytes.appendInteger(UInt32(frame.count - headBytes))
        bytes.append(contentsOf: small)
        return bytes
    }

    /// The frame as it was before it was made smaller; one that was not is given back as it is.
    ///
    /// - Throws: ``FrameError`` when it would be larger than is taken, or than its size makes likely, or is not what it says.
    public static func expanded(
        _ bytes: [UInt8],
        by compressor: some CompressionPort,
        limits: FrameLimits = FrameLimits()
    ) throws(FrameError) -> [UInt8] {
        guard isCompressed(bytes) else { return bytes }
        var reader = FrameReader(bytes)
        _ = try reader.skip(headBytes)
        let count = Int(try reader.integer(UInt32.self))
        guard count <= limits.frameBytes - headBytes, count <= reader.remaining * maximumRatio else {
            throw FrameError(.tooLarge, "\(reader.remaining) compressed bytes that say they are \(count)")
        }
        guard let plain = compressor.expand(bytes[reader.position...], count: count) else {
            throw FrameError(.malformed, "the compressed bytes are not the \(count) that they say they are")
        }
        var frame: [UInt8] = []
        frame.reserveCapacity(count + headBytes)
        frame.append(contentsOf: [bytes[0], bytes[1], bytes[2] & ~compressedBit, bytes[3]])
        frame.append(contentsOf: plain)
        return frame
    }
}
