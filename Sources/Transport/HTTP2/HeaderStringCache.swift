import CNghttp2
import Glibc
import SansIO

/// Swift strings of recently seen header fields, so that most fields of a message cost no decoding and no allocation.
///
/// Names: nghttp2 gives a name that the other side sent by reference to its compression table as the very same reference
/// counted buffer each time, so the buffer's address can stand for its content. Each entry holds a reference to its
/// buffer: as long as an entry is there, its address cannot come to mean anything else.
///
/// Values: a peer mostly repeats what it sent last under the same name, which a comparison of the bytes tells however
/// they were sent.
final class HeaderStringCache {
    private struct Entry {
        var buffer: OpaquePointer?
        var name = ""
        var value = ""
    }

    private static let bits: UInt64 = 5
    private static let size = 1 << Int(bits)
    /// Longer strings are rarely sent twice and would let a peer pin memory.
    private static let longest = 512
    /// Owned by this object, initialised from beginning to end; no array, as each field of each message comes here. One
    /// more than can be found, for names that are too long to keep.
    private let entries: UnsafeMutablePointer<Entry>
    /// Where nghttp2's buffers come from.
    private let memory: SessionMemory

    init(_ memory: SessionMemory) {
        self.memory = memory
        entries = .allocate(capacity: Self.size + 1)
        entries.initialize(repeating: Entry(), count: Self.size + 1)
    }

    deinit {
        for index in 0..<Self.size {
            if let buffer = entries[index].buffer { nghttp2_rcbuf_decref(buffer) }
        }
        entries.deinitialize(count: Self.size + 1)
        entries.deallocate()
    }

    /// A field's name and value as strings; invalid UTF-8 is repaired.
    func field(_ name: OpaquePointer, _ value: OpaquePointer) -> HTTPField {
        let entry = entry(name)
        let text = self.text(value, entry)
        return HTTPField(entry.pointee.name, text)
    }

    /// A field's value alone.
    func value(_ value: OpaquePointer, of name: OpaquePointer) -> String {
        text(value, entry(name))
    }

    private func entry(_ name: OpaquePointer) -> UnsafeMutablePointer<Entry> {
        // The golden ratio spreads addresses, which are multiples of 8 and close together, over the top bits.
        let spread = UInt64(UInt(bitPattern: name)) &* 0x9E37_79B9_7F4A_7C15
        let entry = entries + Int(spread >> (64 - Self.bits))
        return entry.pointee.buffer == name ? entry : newEntry(name, entry)
    }

    private func newEntry(_ name: OpaquePointer, _ place: UnsafeMutablePointer<Entry>) -> UnsafeMutablePointer<Entry> {
        let bytes = Self.bytes(name)
        let text = String(decoding: bytes, as: UTF8.self)
        guard bytes.count <= Self.longest else {
            let last = entries + Self.size
            last.pointee = Entry(name: text)
            return last
        }
        nghttp2_rcbuf_incref(name)
        if let former = place.pointee.buffer { nghttp2_rcbuf_decref(former) }
        place.pointee = Entry(buffer: name, name: text)
        return place
    }

    private func text(_ value: OpaquePointer, _ entry: UnsafeMutablePointer<Entry>) -> String {
        let bytes = Self.bytes(value)
        let isSame = entry.pointee.value.withUTF8 { former in
            guard former.count == bytes.count else { return false }
            guard let left = former.baseAddress, let right = bytes.baseAddress else { return true }
            return memcmp(left, right, bytes.count) == 0
        }
        if isSame { return entry.pointee.value }
        let text = String(decoding: bytes, as: UTF8.self)
        if bytes.count <= Self.longest { entry.pointee.value = text }
        return text
    }

    private static func bytes(_ buffer: OpaquePointer) -> UnsafeBufferPointer<UInt8> {
        let bytes = nghttp2_rcbuf_get_buf(buffer)
        return UnsafeBufferPointer(start: bytes.base, count: bytes.len)
    }
}
