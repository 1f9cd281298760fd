import CNghttp2
import SansIO

/// Builds the array of name and value pointers that nghttp2 wants; one is used again and again.
struct HeaderBlock {
    private var bytes: [UInt8] = []
    private var fields: [(name: Int, nameCount: Int, valueCount: Int)] = []
    private var pairs: [nghttp2_nv] = []

    /// Forgets the fields, keeping memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// Adds a field whose name is lower case already.
    mutating func append(_ name: StaticString, _ value: some Sequence<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        let valueStart = bytes.count
        bytes.append(contentsOf: value)
        fields.append((start, name.utf8CodeUnitCount, bytes.count - valueStart))
    }

    /// Adds a field with a non-negative decimal value.
    mutating func append(_ name: StaticString, number: Int) {
        let start = bytes.count
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        let valueStart = bytes.count
        bytes.appendDecimal(number)
        fields.append((start, name.utf8CodeUnitCount, bytes.count - valueStart))
    }

    /// Adds a message's field, in lower case and without control bytes. Fields that HTTP/2 forbids, because they are
    /// about the connection, and those with an unusable name are left out.
    mutating func append(_ field: HTTPField) {
        guard HeaderRules.isUsableName(field.name), !HeaderRules.isConnectionSpecific(field.name) else { return }
        let start = bytes.count
        bytes.appendLowercased(field.name)
        let valueStart = bytes.count
        bytes.appendFieldValue(field.value)
        fields.append((start, valueStart - start, bytes.count - valueStart))
    }

    /// Calls `body` with the pairs. The pointers are valid inside only; nghttp2 copies what it keeps.
    mutating func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        bytes.withUnsafeMutableBufferPointer { storage in
            pairs.removeAll(keepingCapacity: true)
            guard let base = storage.baseAddress else { return body(nil, 0) }
            for field in fields {
                pairs.append(
                    nghttp2_nv(
                        name: base + field.name,
                        value: base + field.name + field.nameCount,
                        namelen: field.nameCount,
                        valuelen: field.valueCount,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)
                    )
                )
            }
            return pairs.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
