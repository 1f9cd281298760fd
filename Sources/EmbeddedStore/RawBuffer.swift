import Glibc

/// Bytes that grow at the end, without initialising what is about to be overwritten.
///
/// Owned by one thread at a time; ownership moves under a lock. Pointers are valid until the next ``extend(by:)``.
final class RawBuffer {
    private(set) var base: UnsafeMutableRawPointer
    private(set) var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        self.capacity = max(capacity, 4096)
        base = .allocate(byteCount: self.capacity, alignment: 16)
    }

    deinit {
        base.deallocate()
    }

    /// Makes the buffer `byteCount` longer and returns where the new bytes go; they are not initialised.
    func extend(by byteCount: Int) -> UnsafeMutableRawPointer {
        reserve(byteCount)
        let start = base + count
        count += byteCount
        return start
    }

    /// Makes room for `byteCount` bytes past the end.
    func reserve(_ byteCount: Int) {
        guard count + byteCount > capacity else { return }
        let grown = max(capacity * 2, count + byteCount)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: grown, alignment: 16)
        moved.copyMemory(from: base, byteCount: count)
        base.deallocate()
        base = moved
        capacity = grown
    }

    func removeAll() {
        count = 0
    }
}

/// Writes fixed-width little-endian values and bytes one after the other into memory that the caller made large enough.
struct RawWriter {
    private(set) var position: UnsafeMutableRawPointer

    init(_ start: UnsafeMutableRawPointer) {
        position = start
    }

    mutating func put<Value: FixedWidthInteger>(_ value: Value) {
        position.storeBytes(of: value.littleEndian, as: Value.self)
        position += MemoryLayout<Value>.size
    }

    mutating func put(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { source in
            guard let start = source.baseAddress else { return }
            position.copyMemory(from: start, byteCount: source.count)
        }
        position += bytes.count
    }
}

/// Reads what ``RawWriter`` wrote; nil past the end.
struct RawReader {
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var remaining: Int { bytes.count - offset }

    mutating func take<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
        guard remaining >= MemoryLayout<Value>.size else { return nil }
        defer { offset += MemoryLayout<Value>.size }
        return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
    }

    mutating func take(count: Int) -> UnsafeRawBufferPointer? {
        guard count >= 0, remaining >= count else { return nil }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }
}
