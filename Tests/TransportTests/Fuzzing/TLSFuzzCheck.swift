import NIOCore
import SansIO
import Transport

/// Carries bytes over TLS between two sessions in memory, cut in any way. What comes out must be what went in, and a changed
/// byte on the way must be noticed.
public struct TLSFuzzCheck {
    private let server: TLSContext
    private let client: TLSContext

    /// Creates a check between two ends that accept each other.
    public init(server: TLSContext, client: TLSContext) {
        self.server = server
        self.client = client
    }

    /// Checks one message and one way to cut it.
    public func check(_ input: [UInt8]) throws {
        let input = FuzzInput(input)
        var generator = SeededGenerator(seed: input.steering)
        guard let sender = try? TLSSession(context: client, serverName: "localhost"),
            let receiver = try? TLSSession(context: server)
        else { preconditionFailure("no session") }
        try shakeHands(sender, receiver, &generator)
        var sent: [UInt8] = []
        var received: [UInt8] = []
        var wire: [UInt8] = []
        for piece in input.pieces(of: input.bytes) {
            try require(piece.withUnsafeBytes { sender.write($0) } == nil, "cannot write")
            sent += piece
            wire += take(sender)
            // Records gather at random, so that reads hold parts of several.
            if Bool.random(using: &generator) {
                received += give(&wire, to: receiver, all: false, &generator)
            }
        }
        received += give(&wire, to: receiver, all: true, &generator)
        try require(received == sent, "other bytes came out than went in")
        try corrupt(sender, receiver, &generator)
    }

    /// Cuts the handshake's bytes, too.
    private func shakeHands(_ left: TLSSession, _ right: TLSSession, _ generator: inout SeededGenerator) throws {
        for _ in 0..<10_000 where !(left.isEstablished && right.isEstablished) {
            _ = left.handshake()
            deliver(take(left), to: right, &generator) { _ = right.handshake() }
            _ = right.handshake()
            deliver(take(right), to: left, &generator) { _ = left.handshake() }
        }
        try require(left.isEstablished && right.isEstablished, "no handshake")
        deliver(take(right), to: left, &generator) {}
        deliver(take(left), to: right, &generator) {}
    }

    private func deliver(
        _ bytes: [UInt8],
        to session: TLSSession,
        _ generator: inout SeededGenerator,
        _ then: () -> Void
    ) {
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...200, using: &generator))
            session.receive(ByteBuffer(bytes: bytes[start..<end]))
            start = end
            then()
        }
    }

    private func take(_ session: TLSSession) -> [UInt8] {
        defer { session.clearOutput() }
        return Array(session.output.readableBytesView)
    }

    /// Gives some or all bytes on the wire to the other end, and reads all that it can.
    private func give(
        _ wire: inout [UInt8],
        to receiver: TLSSession,
        all: Bool,
        _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var received: [UInt8] = []
        var rest = all ? wire.count : Int.random(in: 0...wire.count, using: &generator)
        while rest > 0 {
            let count = Int.random(in: 1...rest, using: &generator)
            receiver.receive(ByteBuffer(bytes: wire.prefix(count)))
            wire.removeFirst(count)
            rest -= count
            received += read(receiver, &generator)
            receiver.releaseInput()
        }
        return received
    }

    private func read(_ session: TLSSession, _ generator: inout SeededGenerator) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var storage = [UInt8](repeating: 0, count: Int.random(in: 1...2000, using: &generator))
            guard case .bytes(let count) = storage.withUnsafeMutableBytes({ session.read(into: $0) }) else {
                return all
            }
            all += storage[..<count]
        }
    }

    /// One bit that changes on the way ends the connection; the byte behind it does not come out.
    private func corrupt(_ sender: TLSSession, _ receiver: TLSSession, _ generator: inout SeededGenerator) throws {
        try require([UInt8(7)].withUnsafeBytes { sender.write($0) } == nil, "cannot write")
        var wire = take(sender)
        let index = Int.random(in: 5..<wire.count, using: &generator)
        wire[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        receiver.receive(ByteBuffer(bytes: wire))
        var storage = [UInt8](repeating: 0, count: 100)
        guard case .failed = storage.withUnsafeMutableBytes({ receiver.read(into: $0) }) else {
            preconditionFailure("a changed byte was not noticed")
        }
    }
}
