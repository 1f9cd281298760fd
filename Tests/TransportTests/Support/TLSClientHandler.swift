import NIOCore
import SansIO
import Synchronization
import Transport

/// What a client's handshake came to.
final class TLSFacts: Sendable {
    struct Facts {
        var applicationProtocol: String?
        var version: String?
        var isEstablished = false
        var failure: TLSError?
        var serverURIs: [String] = []
    }

    private let box = Mutex(Facts())

    var value: Facts { box.withLock { $0 } }

    func update(_ change: (inout Facts) -> Void) { box.withLock { change(&$0) } }
}

/// The client's end of TLS in a test's pipeline: encrypts what is written once the handshake is done.
final class TLSClientHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let session: TLSSession
    private let facts: TLSFacts
    private var waiting: [(ByteBuffer, EventLoopPromise<Void>?)] = []

    init(_ session: TLSSession, _ facts: TLSFacts) {
        self.session = session
        self.facts = facts
    }

    func channelActive(context: ChannelHandlerContext) {
        shakeHands(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        session.receive(unwrapInboundIn(data))
        shakeHands(context)
        var storage = [UInt8](repeating: 0, count: 16 << 10)
        while session.isEstablished {
            let result = storage.withUnsafeMutableBytes { session.read(into: $0) }
            guard case .bytes(let count) = result else {
                if case .failed(let error) = result { facts.update { $0.failure = error } }
                if result != .needsInput { context.close(promise: nil) }
                break
            }
            context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: storage[..<count])))
        }
        flushOutput(context)
    }

    private func shakeHands(_ context: ChannelHandlerContext) {
        guard !session.isEstablished else { return }
        switch session.handshake() {
        case .needsInput:
            break
        case .failed(let error):
            facts.update { $0.failure = error }
            flushOutput(context)
            context.close(promise: nil)
        case .complete:
            facts.update {
                $0.isEstablished = true
                $0.applicationProtocol = session.applicationProtocol
                $0.version = session.version
                $0.serverURIs = session.peerIdentity?.uris ?? []
            }
            for (bytes, promise) in waiting { encrypt(context, bytes, promise) }
            waiting = []
        }
        flushOutput(context)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let bytes = unwrapOutboundIn(data)
        if session.isEstablished { encrypt(context, bytes, promise) } else { waiting.append((bytes, promise)) }
    }

    private func encrypt(_ context: ChannelHandlerContext, _ bytes: ByteBuffer, _ promise: EventLoopPromise<Void>?) {
        _ = bytes.withUnsafeReadableBytes { session.write($0) }
        context.writeAndFlush(wrapOutboundOut(session.output), promise: promise)
        session.clearOutput()
    }

    private func flushOutput(_ context: ChannelHandlerContext) {
        guard session.outputBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(session.output), promise: nil)
        session.clearOutput()
    }

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        session.close()
        flushOutput(context)
        context.close(mode: mode, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        for (_, promise) in waiting { promise?.fail(ChannelError.ioOnClosedChannel) }
        waiting = []
        context.fireChannelInactive()
    }
}
