import NIOCore
import SansIO

/// What the client connections of one event loop share. Belongs to that loop, like everything that hangs on it.
final class ClientShard {
    let eventLoop: any EventLoop
    let tls: TLSContext
    let http2: HTTP2Settings
    let connectTimeout: Duration
    /// Plain bytes on their way in or out; never held across a call that could need it again.
    let readScratch: UnsafeMutableRawBufferPointer
    let writeScratch: UnsafeMutableRawBufferPointer

    /// One TLS record's worth of plain bytes: a larger write would only be cut, a smaller one costs more records.
    private static let scratchBytes = 16 << 10

    init(eventLoop: any EventLoop, tls: TLSContext, http2: HTTP2Settings, connectTimeout: Duration) {
        precondition(tls.role == .client, "a client needs a client's context")
        self.eventLoop = eventLoop
        self.tls = tls
        self.http2 = http2
        self.connectTimeout = connectTimeout
        readScratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
        writeScratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
    }

    deinit {
        readScratch.deallocate()
        writeScratch.deallocate()
    }

    /// How many chains may still be verified anew in this look at the deadlines: after a reload all of them are, which
    /// must not hold the loop.
    var trustChecksLeft = 0
    static let trustChecksPerSweep = 16
    /// The same of connections that are opened for a new certificate: their handshakes must not hold the loop either.
    var renewalsLeft = 0
    static let renewalsPerSweep = 8

    /// Monotonic nanoseconds.
    var now: UInt64 { NIODeadline.now().uptimeNanoseconds }

    /// The monotonic instant `duration` from now, at most `.max`.
    func instant(after duration: Duration) -> UInt64 {
        let span = UInt64(max(0, duration.milliseconds)).multipliedReportingOverflow(by: 1_000_000)
        let sum = now.addingReportingOverflow(span.overflow ? .max : span.partialValue)
        return sum.overflow ? .max : sum.partialValue
    }
}

extension Duration {
    /// A validated duration in nanoseconds.
    var clampedNanoseconds: UInt64 { UInt64(min(max(0, milliseconds), 1 << 40)) * 1_000_000 }
}
