import EventModel
import Membership
import PeerProtocol
import SansIO

/// How events are sent to other cells.
public struct ForwarderSettings: Sendable {
    /// The trust domain; a node whose certificate does not cover an account of it is not believed.
    public var trustDomain: String
    /// The batches of a request to one cell, and what may wait for it; beyond that events are refused, of the account first
    /// that has most there, and their deliveries try again later. Default: a request for about 10 events or 16 KB, of 64
    /// events or 64 KB where more wait, 64 requests at a time, 16,384 events or 32 MB that wait.
    public var batches: BatchLimits
    /// How long events wait for a batch to fill while an answer is due. Default 2 ms.
    public var gatherTime = Duration.milliseconds(2)
    /// How long a request may take, connecting included. Default 10 s.
    public var timeout = Duration.seconds(10)
    /// How long a node that failed is passed over while another one is there. Default 1 s, doubled with each failure up
    /// to 32 times.
    public var coolDown = Duration.seconds(1)
    /// A cell that nothing was sent to for this long, or twice as long at most, is forgotten with all that was known of its
    /// nodes. Default 5 minutes.
    public var idleTime = Duration.seconds(300)
    /// How long a reported pressure counts. Default 5 s.
    public var pressureLife = Duration.seconds(5)
    /// When requests are compressed, if the other side takes that. Default `auto`.
    public var compression = Compression.auto
    /// A link that takes fewer bytes than this in a second, while more wait, is slow. Default 2 MB, or 16 Mbit/s.
    public var slowBytesPerSecond = 2 << 20
    /// What is taken of answers.
    public var limits = FrameLimits()
    /// The versions of the protocol that are spoken.
    public var versions = PeerProtocolVersions.spoken

    /// When requests are compressed.
    public enum Compression: String, Sendable, CaseIterable {
        /// While the link to the cell is slow.
        case auto
        /// Whenever it makes them smaller.
        case always
        /// Not at all.
        case never
    }

    /// The defaults for a trust domain.
    public init(trustDomain: String) {
        self.trustDomain = trustDomain
        batches = BatchLimits()
        batches.maximumItems = 64
        batches.maximumBytes = 64 << 10
        batches.maximumInFlight = 64
        batches.maximumWaitingItems = 16_384
        batches.maximumWaitingBytes = 32 << 20
    }
}

/// Why an event got no verdict. Another attempt may help.
public struct ForwardFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: String, Sendable {
        /// No cell is known to host the account now.
        case noRoute
        /// The cell only dials out, and has no channel open.
        case offline
        /// No connection, or a broken one.
        case unreachable
        /// The answer did not come in time.
        case timedOut
        /// Too much waits on this side for the cell already; that says nothing of the cell.
        case overloaded
        /// The node has no version of the protocol in common with this one, or its answer cannot be read.
        case misunderstood
        /// The node's certificate does not cover the account that it is to host.
        case untrusted
        /// The node is stopping, or does not take this node for a peer.
        case refused
    }

    /// The kind of failure.
    public var code: Code
    /// What happened, for a person.
    public var message: String
    /// True when the event may have been taken in all the same.
    public var mayHaveArrived: Bool

    /// Creates a failure.
    public init(_ code: Code, _ message: String, mayHaveArrived: Bool = false) {
        self.code = code
        self.message = message
        self.mayHaveArrived = mayHaveArrived
    }

    init(_ error: PeerLinkError) {
        let code: Code =
            switch error.code {
            case .unreachable, .broken, .closed, .handshake: .unreachable
            case .wrongIdentity: .untrusted
            case .timedOut: .timedOut
            case .overloaded: .overloaded
            case .refused: .refused
            }
        self.init(code, error.message, mayHaveArrived: error.mayHaveArrived)
    }

    /// Whether it was this side that had no room: the cell was not asked.
    public var isOwn: Bool { code == .overloaded }

    /// Code and message.
    public var description: String { "\(code.rawValue): \(message)" }
}

/// Figures of a forwarder since the process started.
public struct ForwarderStatistics: Sendable, Equatable {
    /// Events handed over for other cells.
    public var events: UInt64 = 0
    /// Requests made, repeats included.
    public var requests: UInt64 = 0
    /// Bytes of requests.
    public var bytes: UInt64 = 0
    /// Requests that were compressed.
    public var compressedRequests: UInt64 = 0
    /// Their bytes before.
    public var bytesBeforeCompression: UInt64 = 0
    /// Their bytes after.
    public var bytesAfterCompression: UInt64 = 0
    /// Events with a verdict, by the verdict's kind.
    public var verdicts: [String: UInt64] = [:]
    /// Events without a verdict, by the failure's code.
    public var failures: [String: UInt64] = [:]
    /// Requests made again at once at another node of the cell, or over another of its uplinks.
    public var resent: UInt64 = 0
    /// Requests that were taken apart because the receiver could not take them whole.
    public var split: UInt64 = 0

    /// Figures that are all zero.
    public init() {}
}

/// What is under way to one cell.
public struct CellStatus: Sendable, Equatable {
    /// The cell.
    public var cell: CellIdentity
    /// Events that wait for a request.
    public var waiting: Int
    /// Requests under way.
    public var requests: Int
    /// Requests that may be under way; fewer while the cell does not answer in time.
    public var allowedRequests: Int
    /// Whether an uplink of the cell is open.
    public var hasUplink: Bool
    /// The latest failure, until a request succeeds.
    public var trouble: String?
    /// Whether requests to it are compressed now, where its nodes take that.
    public var isCompressing: Bool

    /// Creates a status.
    public init(
        cell: CellIdentity,
        waiting: Int,
        requests: Int,
        allowedRequests: Int,
        hasUplink: Bool,
        trouble: String?,
        isCompressing: Bool = false
    ) {
        self.cell = cell
        self.waiting = waiting
        self.requests = requests
        self.allowedRequests = allowedRequests
        self.hasUplink = hasUplink
        self.trouble = trouble
        self.isCompressing = isCompressing
    }
}
