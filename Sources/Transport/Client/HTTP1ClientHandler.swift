import NIOCore
import NIOHTTP1
import SansIO

/// HTTP/1.1 on one connection of a client: one request at a time, behind NIO's encoder and decoder.
final class HTTP1ClientHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    /// The connection lets go of this handler when it ends, so the cycle does not outlive it.
    private let connection: ClientConnection
    private let maximumBodyBytes: Int
    private var context: ChannelHandlerContext?
    /// The request that waits for its answer.
    private var stream: ClientStream?
    private var response: HTTPResponse?
    private var closesAfter = false

    init(connection: ClientConnection, settings: HTTP2Settings) {
        self.connection = connection
        maximumBodyBytes = settings.maximumBodyBytes
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends a request; no other may be open.
    func send(_ stream: ClientStream) {
        guard let context else { return }
        self.stream = stream
        let request = stream.request
        var headers = HTTPHeaders()
        headers.add(name: "host", value: request.authority)
        for field in request.headers {
            guard HeaderRules.isUsableName(field.name), !HeaderRules.isConnectionSpecific(field.name) else { continue }
            var value: [UInt8] = []
            value.appendFieldValue(field.value)
            headers.add(name: field.name, value: String(decoding: value, as: UTF8.self))
        }
        if !request.body.isEmpty || ["POST", "PUT", "PATCH"].contains(request.method) {
            headers.add(name: "content-length", value: String(request.body.count))
        }
        let head = HTTPRequestHead(
            version: .http1_1,
            method: HTTPMethod(rawValue: request.method),
            uri: request.target,
            headers: headers
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if !request.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: request.body)))), promise: nil)
        }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            headReceived(head)
        case .body(let bytes):
            guard let count = response?.body.count else { return }
            if count + bytes.readableBytes > maximumBodyBytes {
                giveUp("sent an answer of more than \(maximumBodyBytes) bytes")
            } else {
                response?.body.append(contentsOf: bytes.readableBytesView)
            }
        case .end:
            guard let response, let stream else { return }
            self.response = nil
            self.stream = nil
            connection.answered(stream, response, isLast: closesAfter)
        }
    }

    private func headReceived(_ head: HTTPResponseHead) {
        guard stream != nil else {
            giveUp("answered without a request")
            return
        }
        closesAfter = !head.isKeepAlive
        var headers: [HTTPField] = []
        headers.reserveCapacity(head.headers.count)
        for (name, value) in head.headers { headers.append(HTTPField(name.lowercased(), value)) }
        response = HTTPResponse(status: Int(head.status.code), headers: headers)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        giveUp("broke HTTP/1.1: \(error)")
    }

    /// Nothing on the connection can be trusted from here on.
    private func giveUp(_ what: String) {
        response = nil
        stream = nil
        connection.close(connection.lost("\(connection.target.endpoint) \(what)"))
    }

    /// The decoder of answers with the limits of these settings.
    static func makeDecoder(_ settings: HTTP2Settings) -> ByteToMessageHandler<HTTPResponseDecoder> {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = settings.maximumHeaderListBytes
        limits.maxHeaderListSize = settings.maximumHeaderListBytes
        limits.maxHeaderFieldCount = settings.maximumHeaderCount
        return ByteToMessageHandler(HTTPResponseDecoder(limitConfiguration: limits))
    }
}
