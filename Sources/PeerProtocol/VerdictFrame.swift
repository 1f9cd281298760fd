import SansIO

/// The answer to a ``ForwardFrame``: one verdict an entry, and how busy the node is.
///
/// Layout, big-endian: `V` `D`, version, status; the oldest and the newest version that the node speaks; its pressure; 1 if it takes compressed
/// frames, else 0; the number of verdicts (2 bytes); each as code (1 byte), milliseconds (4 bytes), length (2 bytes) and text; then a length
/// (2 bytes) and text about the whole. Fields may follow, which a reader of this version skips.
public struct VerdictFrame: Sendable, Equatable {
    /// What became of the frame as a whole.
    public enum Status: UInt8, Sendable {
        /// There is a verdict for each entry.
        case answered = 0
        /// The receiver does not speak the frame's version; see ``VerdictFrame/versions``.
        case unsupportedVersion = 1
        /// The frame cannot be read.
        case malformed = 2
        /// The frame or its number of entries is beyond the receiver's limits.
        case tooLarge = 3
        /// The sender's certificate names no node of the trust domain.
        case notANode = 4
        /// The receiver is stopping or not ready yet.
        case notServing = 5
    }

    /// What became of the frame.
    public var status: Status
    /// The versions that the node speaks.
    public var versions: PeerProtocolVersions
    /// How much of its intake the node has in use: 0 idle, 255 full.
    public var pressure: UInt8
    /// Whether the node takes compressed frames.
    public var takesCompressed = false
    /// The verdicts, in the order of the entries; none unless answered.
    public var verdicts: [PeerVerdict]
    /// What is wrong with the frame as a whole, for a person.
    public var message: String

    private static let mark: (UInt8, UInt8) = (UInt8(ascii: "V"), UInt8(ascii: "D"))

    /// Creates an answer.
    public init(
        status: Status = .answered,
        versions: PeerProtocolVersions = .spoken,
        pressure: UInt8 = 0,
        verdicts: [PeerVerdict] = [],
        message: String = ""
    ) {
        self.status = status
        self.versions = versions
        self.pressure = pressure
        self.verdicts = verdicts
        self.message = message
    }

    /// The answer to a frame that cannot be taken as a whole.
    public init(refusing error: FrameError, pressure: UInt8 = 0) {
        let status: Status =
            switch error.code {
            case .unsupportedVersion: .unsupportedVersion
            case .tooLarge: .tooLarge
            case .truncated, .notAFrame, .malformed: .malformed
            }
        self.init(status: status, pressure: pressure, message: error.message)
    }

    /// The frame's bytes.
    public func encoded(limits: FrameLimits = FrameLimits()) -> [UInt8] {
        precondition(verdicts.count <= 0xFFFF, "a frame counts its verdicts in 16 bits")
        var bytes: [UInt8] = []
        bytes.reserveCapacity(12 + 7 * verdicts.count + message.utf8.count)
        bytes.append(contentsOf: [Self.mark.0, Self.mark.1, 1, status.rawValue])
        bytes.append(contentsOf: [versions.oldest, versions.newest, pressure, takesCompressed ? 1 : 0])
        bytes.appendInteger(UInt16(verdicts.count))
        for verdict in verdicts {
            bytes.append(verdict.code)
            bytes.appendInteger(UInt32(clamping: verdict.retryAfter.milliseconds))
            Self.append(verdict.reason, to: &bytes, limits)
        }
        Self.append(message, to: &bytes, limits)
        return bytes
    }

    /// Appends text, cut to the limit at the end of a character.
    private static func append(_ text: String, to bytes: inout [UInt8], _ limits: FrameLimits) {
        guard !text.isEmpty else { return bytes.appendInteger(UInt16(0)) }
        let limit = min(limits.reasonBytes, 0xFFFF)
        var cut = Substring(text)
        if cut.utf8.count > limit {
            cut = cut.prefix(limit)
            while cut.utf8.count > limit { cut.removeLast() }
        }
        bytes.appendInteger(UInt16(cut.utf8.count))
        bytes.append(contentsOf: cut.utf8)
    }

    /// Decodes an answer.
    ///
    /// - Parameters:
    ///   - bytes: the whole frame.
    ///   - limits: what is taken at most.
    /// - Throws: ``FrameError`` when the bytes are not an answer.
    public init(decoding bytes: [UInt8], limits: FrameLimits = FrameLimits()) throws(FrameError) {
        guard bytes.count <= limits.frameBytes else {
            throw FrameError(.tooLarge, "an answer of \(bytes.count) bytes")
        }
        var reader = FrameReader(bytes)
        guard try reader.byte() == Self.mark.0, try reader.byte() == Self.mark.1 else {
            throw FrameError(.notAFrame, "the bytes do not begin like an answer")
        }
        _ = try reader.byte()
        let code = try reader.byte()
        guard let status = Status(rawValue: code) else {
            throw FrameError(.malformed, "status \(code) is not known here")
        }
        let oldest = try reader.byte()
        let newest = try reader.byte()
        guard oldest >= 1, newest >= oldest else {
            throw FrameError(.malformed, "versions \(oldest) to \(newest) are not a range")
        }
        let pressure = try reader.byte()
        let abilities = try reader.byte()
        let count = Int(try reader.integer(UInt16.self))
        guard count <= limits.entries else { throw FrameError(.tooLarge, "\(count) verdicts") }
        var verdicts: [PeerVerdict] = []
        verdicts.reserveCapacity(count)
        for _ in 0..<count {
            let code = try reader.byte()
            let milliseconds = try reader.integer(UInt32.self)
            let range = try reader.skip(Int(reader.integer(UInt16.self)))
            let reason = try reader.text(range, limit: 0xFFFF, "a reason")
            verdicts.append(PeerVerdict(code: code, milliseconds: milliseconds, reason: reason))
        }
        let range = try reader.skip(Int(reader.integer(UInt16.self)))
        self.init(
            status: status,
            versions: PeerProtocolVersions(oldest: oldest, newest: newest),
            pressure: pressure,
            verdicts: verdicts,
            message: try reader.text(range, limit: 0xFFFF, "the message")
        )
        takesCompressed = abilities & 1 != 0
    }
}
