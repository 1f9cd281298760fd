import CNghttp2

/// Swift strings of recently seen header names and values.
///
/// nghttp2 gives a field that the other side sent by reference to its compression table as the very same reference
/// counted buffer each time, so the buffer's address can stand for its content. Each entry holds a reference to its
/// buffer: as long as an entry is there, its address cannot come to mean anything else.
final class HeaderStringCache {
    private struct Entry {
        var buffer: OpaquePointer?
        var text = ""
    }

    private static let bits: UInt64 = 6
    private static let size = 1 << Int(bits)
    /// Longer strings are rarely sent twice and would let a peer pin memory.
    private static let longest = 512
    /// Owned by this object, initialised from beginning to end; no array, as each field of each message comes here.
    private let entries: UnsafeMutablePointer<Entry>

    init() {
        entries = .allocate(capacity: Self.size)
        entries.initialize(repeating: Entry(), count: Self.size)
    }

    deinit {
        for index in 0..<Self.size {
            if let buffer = entries[index].buffer { nghttp2_rcbuf_decref(buffer) }
        }
        entries.deinitialize(count: Self.size)
        entries.deallocate()
    }

    /// The buffer's content as a string; invalid UTF-8 is repaired.
    func string(_ buffer: OpaquePointer) -> String {
        // The golden ratio spreads addresses, which are multiples of 8 and close together, over the top bits.
        let spread = UInt64(UInt(bitPattern: buffer)) &* 0x9E37_79B9_7F4A_7C15
        let entry = entries + Int(spread >> (64 - Self.bits))
        if entry.pointee.buffer == buffer { return entry.pointee.text }
        let bytes = nghttp2_rcbuf_get_buf(buffer)
        let text = String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
        guard bytes.len <= Self.longest else { return text }
        nghttp2_rcbuf_incref(buffer)
        if let former = entry.pointee.buffer { nghttp2_rcbuf_decref(former) }
        entry.pointee = Entry(buffer: buffer, text: text)
        return text
    }
}
