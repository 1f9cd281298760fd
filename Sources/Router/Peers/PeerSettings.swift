import Delivery
import PeerProtocol
import SansIO

/// How a router exchanges events with other cells.
public struct PeerSettings: Sendable {
    /// The trust domain, in lower case.
    public var trustDomain: String
    /// The window in which repeats are known.
    public var window = DuplicateWindow.Settings()
    /// What is taken of frames.
    public var limits = FrameLimits()
    /// Bytes of events of one sending cell that may wait for the disk before it is told to wait. Default 16 MB.
    public var appendingBytesPerCell = 16 << 20
    /// What a sender is told to wait when too much waits here. Default 250 ms.
    public var retryAfter = Duration.milliseconds(250)
    /// What a sender is told to wait when the disk is full. Default 5 s.
    public var retryAfterFull = Duration.seconds(5)
    /// For how long an account that came to this cell counts as new. Events wait meanwhile for a bus of it that lacks a policy
    /// or a rule, for the account may have moved here ahead of what it has. Default 10 minutes.
    public var newAccountTime = Duration.seconds(600)
    /// What a sender is told to wait then. Default 5 s.
    public var retryAfterPending = Duration.seconds(5)
    /// Events that other cells may send in a second in the name of one account, from 1, with a second's worth saved up; nil
    /// for as many as there is room for. It counts events that were not here before, whatever rules want them.
    public var accountRate: Double?
    /// How long an event may wait for a bus of another cell before it goes to the dead-letter queue. Default 24 hours,
    /// the service's own limit; a cell that may be offline for longer needs more.
    public var retention = Duration.seconds(86_400)
    /// How queues towards other cells are bounded and worked off. Without a limit, only the disk is one.
    public var queues = BacklogLimits()
    /// How long a caller of PutEvents waits for a bus of another cell. Default 5 s.
    public var putTimeout = Duration.seconds(5)

    /// The defaults for a trust domain.
    public init(trustDomain: String) {
        self.trustDomain = trustDomain
    }
}

/// Figures of what other cells sent, since the process started.
public struct PeerStatistics: Sendable, Equatable {
    /// Frames that came.
    public var frames: UInt64 = 0
    /// Frames of events that were only asked about.
    public var questions: UInt64 = 0
    /// Frames that came compressed, refused ones included.
    public var compressedFrames: UInt64 = 0
    /// Frames refused as a whole.
    public var refusedFrames: UInt64 = 0
    /// Entries of frames, each of which got one verdict.
    public var entries: UInt64 = 0
    /// Entries that were beyond their account's rate.
    public var beyondRate: UInt64 = 0
    /// Verdicts given, by kind.
    public var verdicts: [String: UInt64] = [:]
    /// Ids that were known in the windows of all buses when the last frame was answered.
    public var windowIDs = 0
    /// Bytes of memory that they took then.
    public var windowBytes = 0
    /// How often ids were forgotten before their time because there were too many.
    public var windowShortened: UInt64 = 0
    /// Rows on disk that were removed before their time because there were too many.
    public var windowRowsShortened: UInt64 = 0

    /// Figures that are all zero.
    public init() {}
}
