import NIOCore
import NIOEmbedded
import SansIO

@testable import Transport

/// Gives any bytes to a server's connection without TLS. Nothing may trap, and however the bytes are cut, the answers must be
/// the same.
public enum HTTP1FuzzCheck {
    private final class Handler: HTTPRequestHandler {
        func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
            let fields = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: ";")
            let fault = request.fault == nil ? "" : "!"
            let text = "\(request.method) \(request.target) \(fields) \(fault)"
            reply.send(HTTPResponse(status: 200, body: Array(text.utf8) + request.body))
        }
    }

    /// Checks the bytes of a client.
    public static func check(_ input: [UInt8]) throws {
        let input = FuzzInput(input)
        let whole = answers([input.bytes[...]])
        let cut = answers(input.pieces(of: input.bytes))
        try require(whole == cut, "cut, the bytes are answered otherwise: \(whole) and \(cut)")
    }

    private static func answers(_ pieces: [ArraySlice<UInt8>]) -> String {
        let channel = EmbeddedChannel()
        var configuration = HTTPServerConfiguration()
        configuration.acceptsPlainTextHTTP2 = false
        configuration.maximumHeaderBytes = 1024
        configuration.maximumHeaderCount = 16
        configuration.maximumBodyBytes = 2000
        let shard = ServerShard(
            eventLoop: channel.embeddedEventLoop,
            configuration: configuration,
            tls: nil,
            handler: Handler(),
            counters: LoopCounters()
        )
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        do {
            try channel.pipeline.syncOperations.addHandler(ServerConnection(shard: shard))
            channel.pipeline.fireChannelActive()
            for piece in pieces where channel.isActive {
                channel.pipeline.fireChannelRead(ByteBuffer(bytes: piece))
                channel.pipeline.fireChannelReadComplete()
                channel.embeddedEventLoop.run()
            }
            return try output(channel)
        } catch {
            preconditionFailure("an embedded channel does not work: \(error)")
        }
    }

    /// What was sent, without the date.
    private static func output(_ channel: EmbeddedChannel) throws -> String {
        var bytes: [UInt8] = []
        while let part = try channel.readOutbound(as: ByteBuffer.self) { bytes += part.readableBytesView }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let kept = lines.filter { !$0.starts(with: "date: ".utf8) }
        return String(decoding: Array(kept.joined(separator: [UInt8(ascii: "\n")])), as: UTF8.self)
    }
}
