import NIOCore

/// What the connections of an ``HTTPServer`` hold at a moment.
public struct HTTPServerLoad: Sendable, Hashable {
    /// Open connections.
    public var connections = 0
    /// Open HTTP/2 streams.
    public var streams = 0
    /// Bytes of request bodies that are not answered yet, those whose client is gone but whose handler is not included.
    public var bufferedBytes = 0
    /// Bytes of HTTP/2 answers that are not in frames yet.
    public var unsentBytes = 0
    /// Bytes that wait for the sockets.
    public var outputBytes = 0

    /// Holding nothing.
    public init() {}

    /// Adds what one connection holds.
    mutating func add(_ connection: ServerConnection) {
        connections += 1
        if let session = connection.session {
            streams += session.openStreams
            unsentBytes += session.unsentBodyBytes
        }
        outputBytes += connection.plainOutput.readableBytes + (connection.tls?.outputBytes ?? 0)
        outputBytes += (try? connection.context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    static func += (left: inout HTTPServerLoad, right: HTTPServerLoad) {
        left.connections += right.connections
        left.streams += right.streams
        left.bufferedBytes += right.bufferedBytes
        left.unsentBytes += right.unsentBytes
        left.outputBytes += right.outputBytes
    }
}
