import CNghttp2
import SansIO

/// Builds the array of name and value pairs that nghttp2 wants; one is used again and again.
///
/// This runs for every field of every message, so it writes into memory of its own instead of arrays, whose checks and
/// reference counts cost as much as the copying. Invariants: the first `used` bytes and the first `count` pairs are
/// initialised; each pair's value points into those bytes, and its name either does too or is static.
final class HeaderBlock {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity = 1024
    private var used = 0
    private var pairs: UnsafeMutablePointer<nghttp2_nv>
    private var pairCapacity = 32
    private var count = 0

    private static let dynamicName = UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
    private static let staticName = UInt8(NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)

    init() {
        bytes = .allocate(capacity: capacity)
        pairs = .allocate(capacity: pairCapacity)
    }

    deinit {
        bytes.deallocate()
        pairs.deallocate()
    }

    /// Forgets the fields, keeping memory.
    func removeAll() {
        used = 0
        count = 0
    }

    /// Adds a field whose name is lower case already and whose value can be sent as it is.
    func append(_ name: StaticString, _ value: some Collection<UInt8>) {
        let size = value.count
        let target = room(size)
        var index = 0
        for byte in value where index < size {
            target[index] = byte
            index += 1
        }
        add(name, index)
    }

    /// Adds a field whose name is lower case already and whose value can be sent as it is.
    func append(_ name: StaticString, _ value: String) {
        var value = value
        let count = value.withUTF8 { bytes in
            let target = room(bytes.count)
            if let source = bytes.baseAddress { target.update(from: source, count: bytes.count) }
            return bytes.count
        }
        add(name, count)
    }

    /// Adds a field with a non-negative decimal value.
    func append(_ name: StaticString, number: Int) {
        precondition(number >= 0, "only sizes and status codes are written")
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        let target = room(digits)
        rest = number
        for index in stride(from: digits - 1, through: 0, by: -1) {
            target[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        add(name, digits)
    }

    /// Adds a message's field, in lower case and without control bytes. Fields that HTTP/2 forbids, because they are
    /// about the connection, and those with an unusable name are left out.
    func append(_ field: HTTPField) {
        guard !HeaderRules.isConnectionSpecific(field.name) else { return }
        let start = used
        var name = field.name
        guard name.withUTF8(putName) else {
            used = start
            return
        }
        let valueStart = used
        var value = field.value
        value.withUTF8(putValue)
        addPair(bytes + start, valueStart - start, bytes + valueStart, used - valueStart, Self.dynamicName)
    }

    private func putName(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        let target = room(name.count)
        for index in 0..<name.count {
            let byte = name[index]
            guard HeaderRules.isTokenByte(byte) else { return false }
            target[index] = HeaderRules.lower(byte)
        }
        used += name.count
        return name.count > 0
    }

    /// Control bytes become spaces, so that no value can end its line where it is passed on over HTTP/1.1.
    private func putValue(_ value: UnsafeBufferPointer<UInt8>) {
        let target = room(value.count)
        for index in 0..<value.count {
            let byte = value[index]
            target[index] = byte < 0x20 || byte == 0x7F ? 0x20 : byte
        }
        used += value.count
    }

    /// Where the next `size` bytes go.
    private func room(_ size: Int) -> UnsafeMutablePointer<UInt8> {
        if size > capacity - used { grow(by: size) }
        return bytes + used
    }

    /// Moves the bytes, and the pairs that point at them, to larger memory.
    private func grow(by size: Int) {
        capacity = max(capacity * 2, used + size)
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        larger.update(from: bytes, count: used)
        for index in 0..<count {
            pairs[index].value = larger + (pairs[index].value - bytes)
            if pairs[index].flags == Self.dynamicName { pairs[index].name = larger + (pairs[index].name - bytes) }
        }
        bytes.deallocate()
        bytes = larger
    }

    private func add(_ name: StaticString, _ valueCount: Int) {
        let value = bytes + used
        used += valueCount
        // nghttp2 writes to no name.
        let nameBytes = UnsafeMutablePointer(mutating: name.utf8Start)
        addPair(nameBytes, name.utf8CodeUnitCount, value, valueCount, Self.staticName)
    }

    private func addPair(
        _ name: UnsafeMutablePointer<UInt8>,
        _ nameCount: Int,
        _ value: UnsafeMutablePointer<UInt8>,
        _ valueCount: Int,
        _ flags: UInt8
    ) {
        if count == pairCapacity {
            let larger = UnsafeMutablePointer<nghttp2_nv>.allocate(capacity: pairCapacity * 2)
            larger.update(from: pairs, count: count)
            pairs.deallocate()
            pairs = larger
            pairCapacity *= 2
        }
        pairs[count] = nghttp2_nv(name: name, value: value, namelen: nameCount, valuelen: valueCount, flags: flags)
        count += 1
    }

    /// Calls `body` with the pairs. The pointers are valid inside only, but those of static names, which nghttp2 may
    /// keep; it copies everything else.
    func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        body(UnsafePointer(pairs), count)
    }
}
