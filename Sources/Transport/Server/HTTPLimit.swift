/// Every limit of an ``HTTPServer`` that a client can run into; ``HTTPServerCounters`` count each by itself. The raw value is
/// a label of bounded choice for metrics.
public enum HTTPLimit: String, Hashable, Sendable, CaseIterable {
    /// ``HTTP2Settings/resetsReceived``
    case resetsReceived = "resets_received"
    /// ``HTTP2Settings/resetsSent``
    case resetsSent = "resets_sent"
    /// ``HTTP2Settings/pings``
    case pings
    /// ``HTTP2Settings/settingsFrames``
    case settingsFrames = "settings_frames"
    /// ``HTTP2Settings/emptyFrames``
    case emptyFrames = "empty_frames"
    /// ``HTTP2Settings/continuationFrames``
    case continuationFrames = "continuation_frames"
    /// ``HTTP2Settings/windowUpdates``
    case windowUpdates = "window_updates"
    /// ``HTTP2Settings/otherFrames``
    case otherFrames = "other_frames"
    /// ``HTTP2Settings/lateDataFrames``
    case lateDataFrames = "late_data_frames"
    /// ``HTTPServerConfiguration/maximumHeaderBytes`` or ``HTTPServerConfiguration/maximumHeaderCount``
    case header
    /// ``HTTPServerConfiguration/maximumBodyBytes``
    case body
    /// ``HTTP2Settings/maximumBufferedBytes``
    case bufferedBytes = "buffered_bytes"
    /// ``HTTPServerConfiguration/maximumClientBufferedBytes`` or
    /// ``HTTPServerConfiguration/maximumLoopBufferedBytes``
    case sharedBufferedBytes = "shared_buffered_bytes"
    /// ``HTTP2Settings/maximumUnsentBytes``
    case unsentBytes = "unsent_bytes"
    /// ``HTTPServerConfiguration/maximumPipelinedRequests``
    case pipelinedRequests = "pipelined_requests"
    /// ``HTTPServerConfiguration/maximumChunkOverheadBytes``
    case chunkOverhead = "chunk_overhead"
    /// ``HTTPServerConfiguration/maximumConnections``
    case connections
    /// ``HTTPServerConfiguration/maximumRequestsInFlight``: reading stopped
    case requestsInFlight = "requests_in_flight"
    /// ``HTTPServerConfiguration/idleTimeout``
    case idleTime = "idle_time"
    /// ``HTTPServerConfiguration/handshakeTimeout``
    case handshakeTime = "handshake_time"
    /// ``HTTPServerConfiguration/handshakeMessages``
    case handshakeMessages = "handshake_messages"
    /// ``HTTPServerConfiguration/headerTimeout``
    case headerTime = "header_time"
    /// ``HTTPServerConfiguration/bodyTimeout``
    case bodyTime = "body_time"
    /// ``HTTPServerConfiguration/writeTimeout``
    case writeTime = "write_time"

    /// The case's place among all.
    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// The same limit as an HTTP/2 session names it.
    init(_ limit: HTTP2Limit) {
        switch limit {
        case .resetsReceived: self = .resetsReceived
        case .resetsSent: self = .resetsSent
        case .pings: self = .pings
        case .settingsFrames: self = .settingsFrames
        case .emptyFrames: self = .emptyFrames
        case .continuationFrames: self = .continuationFrames
        case .windowUpdates: self = .windowUpdates
        case .otherFrames: self = .otherFrames
        case .lateDataFrames: self = .lateDataFrames
        case .headers: self = .header
        case .body: self = .body
        case .bufferedBytes: self = .bufferedBytes
        case .sharedBytes: self = .sharedBufferedBytes
        case .unsentBytes: self = .unsentBytes
        }
    }
}
