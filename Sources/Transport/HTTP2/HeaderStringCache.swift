import CNghttp2

/// Swift strings of recently seen header names and values.
///
/// nghttp2 gives a field that the other side sent by reference to its compression table as the very same reference
/// counted buffer each time, so the buffer's address can stand for its content. Each entry holds a reference to its
/// buffer: as long as an entry is there, its address cannot come to mean anything else.
struct HeaderStringCache {
    private struct Entry {
        var buffer: OpaquePointer?
        var text = ""
    }

    private static let size = 64
    /// Longer strings are rarely sent twice and would let a peer pin memory.
    private static let longest = 512
    private var entries = [Entry](repeating: Entry(), count: size)

    /// The buffer's content as a string; invalid UTF-8 is repaired.
    mutating func string(_ buffer: OpaquePointer) -> String {
        let bits = UInt(bitPattern: buffer)
        let index = Int((bits >> 4 ^ bits >> 10) & UInt(Self.size - 1))
        if entries[index].buffer == buffer { return entries[index].text }
        let bytes = nghttp2_rcbuf_get_buf(buffer)
        let text = String(decoding: UnsafeBufferPointer(start: bytes.base, count: bytes.len), as: UTF8.self)
        guard bytes.len <= Self.longest else { return text }
        if let former = entries[index].buffer { nghttp2_rcbuf_decref(former) }
        nghttp2_rcbuf_incref(buffer)
        entries[index].buffer = buffer
        entries[index].text = text
        return text
    }

    /// Gives all references up; the cache's owner calls it once.
    mutating func destroy() {
        for entry in entries {
            if let buffer = entry.buffer { nghttp2_rcbuf_decref(buffer) }
        }
        entries = []
    }
}
