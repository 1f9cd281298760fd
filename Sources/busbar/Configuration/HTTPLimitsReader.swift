import SansIO
import Transport

/// Reads the limits of a listener: `limits.http` for the API and the admin address, `peers.limits` for other nodes. The keys
/// are the names of the settings, with the unit of times behind them.
enum HTTPLimitsReader {
    private typealias Limits = HTTPServerConfiguration

    static func read(_ reader: ConfigurationReader, into limits: inout HTTPServerConfiguration) {
        for (key, range, place) in counts {
            if let value = reader.integer(key, in: range) { limits[keyPath: place] = value }
        }
        for (key, range, place) in budgets {
            if let value = reader.integer(key, in: range) { limits[keyPath: place] = UInt32(value) }
        }
        for (key, place) in times {
            if let seconds = reader.integer(key, in: 1...86_400) { limits[keyPath: place] = .seconds(seconds) }
        }
        reader.finish()
    }

    private static var counts: [(String, ClosedRange<Int>, WritableKeyPath<Limits, Int>)] {
        [
            ("maximumConnections", 1...1_000_000, \.maximumConnections),
            ("maximumHeaderBytes", 1_024...(1 << 20), \.maximumHeaderBytes),
            ("maximumHeaderCount", 8...10_000, \.maximumHeaderCount),
            ("maximumBodyBytes", 1_024...(64 << 20), \.maximumBodyBytes),
            ("maximumChunkOverheadBytes", 1_024...(16 << 20), \.maximumChunkOverheadBytes),
            ("maximumRequestsInFlight", 1...100_000, \.maximumRequestsInFlight),
            ("maximumPipelinedRequests", 1...10_000, \.maximumPipelinedRequests),
            ("maximumBufferedBytes", 1_024...(1 << 30), \.http2.maximumBufferedBytes),
            ("maximumClientBufferedBytes", 1_024...(1 << 40), \.maximumClientBufferedBytes),
            ("maximumLoopBufferedBytes", 1_024...(1 << 40), \.maximumLoopBufferedBytes),
            ("maximumUnsentBytes", 1_024...(1 << 30), \.http2.maximumUnsentBytes),
            ("minimumWriteBytes", 1...(1 << 20), \.minimumWriteBytes),
        ]
    }

    private static var budgets: [(String, ClosedRange<Int>, WritableKeyPath<Limits, UInt32>)] {
        let range = 1...1_000_000
        return [
            ("maximumConcurrentStreams", 1...100_000, \.http2.maximumConcurrentStreams),
            ("resetsReceived", range, \.http2.resetsReceived), ("resetsSent", range, \.http2.resetsSent),
            ("pings", range, \.http2.pings), ("settingsFrames", range, \.http2.settingsFrames),
            ("emptyFrames", range, \.http2.emptyFrames), ("continuationFrames", range, \.http2.continuationFrames),
            ("windowUpdates", range, \.http2.windowUpdates), ("otherFrames", range, \.http2.otherFrames),
            ("lateDataFrames", range, \.http2.lateDataFrames),
            ("handshakeMessages", range, \.handshakeMessages),
        ]
    }

    private static var times: [(String, WritableKeyPath<Limits, Duration>)] {
        [
            ("handshakeTimeoutSeconds", \.handshakeTimeout), ("headerTimeoutSeconds", \.headerTimeout),
            ("bodyTimeoutSeconds", \.bodyTimeout), ("idleTimeoutSeconds", \.idleTimeout),
            ("writeTimeoutSeconds", \.writeTimeout),
        ]
    }
}

extension HTTPServerConfiguration {
    /// Between nodes: connections live long, carry much, and are opened by few.
    static var peers: HTTPServerConfiguration {
        var configuration = HTTPServerConfiguration()
        configuration.maximumConnections = 4_096
        configuration.maximumBodyBytes = 8 << 20
        configuration.http2.maximumBufferedBytes = 32 << 20
        // Longer than the idle timeout of the links, so that no request meets a closing connection.
        configuration.idleTimeout = .seconds(180)
        return configuration
    }
}
