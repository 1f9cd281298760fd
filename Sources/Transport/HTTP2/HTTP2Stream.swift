import CNghttp2
import SansIO

/// The state of one open stream; pooled, so that a request costs no allocation for it.
struct HTTP2Stream {
    /// The stream's id; 0 while this slot is free.
    var id: Int32 = 0
    var method = ""
    var target = ""
    var status = 0
    var headers: [HTTPField] = []
    var headerBytes = 0
    var headerCount = 0
    var hasAuthority = false
    /// Header fields count against their limits and are dropped.
    var ignoresFields = false
    var expectsContinue = false
    /// The header block is complete.
    var headersDone = false
    /// The header list went over its limit.
    var headersRefused = false
    /// Received body that is not handed over yet.
    var body: [UInt8] = []
    /// What this stream's body adds to the session's buffered bytes, until it is answered, gone, or with a handler.
    var bufferedBytes = 0
    /// The received body is handed over as it comes.
    var isReceivedInParts = false
    /// More of this side's body may follow what ``outgoing`` has.
    var outgoingIsOpen = false
    /// This side's body is sent in parts.
    var isSentInParts = false
    /// nghttp2 waits to be told that there is more to send.
    var isDeferred = false
    /// The other side gets no further window.
    var isPaused = false
    /// Received bytes are dropped: the message was handed over with a fault, or the stream is being refused.
    var discardsBody = false
    /// The message was handed over as an event.
    var delivered = false
    /// The other side has ended its half.
    var remoteEnded = false
    /// This side's message was submitted.
    var answered = false
    /// Body that is being sent, and how much of it is sent.
    var outgoing: [UInt8] = []
    var outgoingOffset = 0
    /// When ``outgoingOffset`` was found where it still is, and where that was; 0 when nothing waits.
    var stalledSince: UInt64 = 0
    var stalledOffset = 0
    /// When the stream was opened, in monotonic nanoseconds.
    var openedAt: UInt64 = 0
    /// Whose stream it is above the session.
    var context: AnyObject?

    /// The next slot that is free, while this one is.
    var nextFree: UnsafeMutablePointer<HTTP2Stream>?

    /// Adds a header field; the first one makes room for as many as most messages have.
    mutating func append(_ field: HTTPField) {
        if headers.isEmpty { headers.reserveCapacity(16) }
        headers.append(field)
    }

    /// True while the other side still owes bytes of a message that was not handed over.
    var isIncomplete: Bool { id != 0 && !delivered && !remoteEnded }
}

/// Slots of streams at stable addresses, so that nghttp2 can hold a pointer to each.
///
/// Invariants: a slot's memory lives as long as the pool, so a pointer that nghttp2 still has after the stream is gone
/// never dangles; a free slot has id 0, and whoever gets a pointer from nghttp2 compares the id before using it.
final class HTTP2StreamPool {
    private(set) var all: [UnsafeMutablePointer<HTTP2Stream>] = []
    /// The first free slot; each one names the next.
    private var firstFree: UnsafeMutablePointer<HTTP2Stream>?
    /// How many slots are in use.
    private(set) var openCount = 0

    /// Takes a slot for a new stream.
    func open(id: Int32, now: UInt64) -> UnsafeMutablePointer<HTTP2Stream> {
        let slot: UnsafeMutablePointer<HTTP2Stream>
        if let free = firstFree {
            slot = free
            firstFree = free.pointee.nextFree
            slot.pointee.nextFree = nil
        } else {
            slot = .allocate(capacity: 1)
            slot.initialize(to: HTTP2Stream())
            all.append(slot)
        }
        slot.pointee.id = id
        slot.pointee.openedAt = now
        openCount += 1
        return slot
    }

    /// Gives a slot back; it must be in use.
    func close(_ slot: UnsafeMutablePointer<HTTP2Stream>) {
        precondition(slot.pointee.id != 0, "the slot is free already")
        slot.pointee = HTTP2Stream(nextFree: firstFree)
        firstFree = slot
        openCount -= 1
    }

    /// The pool's owner has ended nghttp2's session by now.
    deinit {
        for slot in all {
            slot.deinitialize(count: 1)
            slot.deallocate()
        }
    }
}
