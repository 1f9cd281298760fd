import CNghttp2
import SansIO

/// Builds the array of name and value pointers that nghttp2 wants; one is used again and again.
struct HeaderBlock {
    /// Where a field's bytes are: the name in static memory or, without one, in `bytes`; the value in `bytes`.
    private struct Field {
        var staticName: UnsafePointer<UInt8>?
        var name = 0
        var nameCount: Int
        var value: Int
        var valueCount: Int
    }

    private var bytes: [UInt8] = []
    private var fields: [Field] = []
    private var pairs: [nghttp2_nv] = []

    /// Forgets the fields, keeping memory.
    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// Adds a field whose name is lower case already.
    mutating func append(_ name: StaticString, _ value: some Sequence<UInt8>) {
        let start = bytes.count
        bytes.append(contentsOf: value)
        add(name, start)
    }

    /// Adds a field with a non-negative decimal value.
    mutating func append(_ name: StaticString, number: Int) {
        let start = bytes.count
        bytes.appendDecimal(number)
        add(name, start)
    }

    private mutating func add(_ name: StaticString, _ valueStart: Int) {
        fields.append(
            Field(
                staticName: name.utf8Start,
                nameCount: name.utf8CodeUnitCount,
                value: valueStart,
                valueCount: bytes.count - valueStart
            )
        )
    }

    /// Adds a message's field, in lower case and without control bytes. Fields that HTTP/2 forbids, because they are
    /// about the connection, and those with an unusable name are left out.
    mutating func append(_ field: HTTPField) {
        guard HeaderRules.isUsableName(field.name), !HeaderRules.isConnectionSpecific(field.name) else { return }
        let start = bytes.count
        bytes.appendLowercased(field.name)
        let valueStart = bytes.count
        bytes.appendFieldValue(field.value)
        fields.append(
            Field(
                name: start,
                nameCount: valueStart - start,
                value: valueStart,
                valueCount: bytes.count - valueStart
            )
        )
    }

    /// Calls `body` with the pairs. The pointers are valid inside only, but those of static names, which nghttp2 may
    /// keep; it copies everything else.
    mutating func withPairs<Result>(_ body: (UnsafePointer<nghttp2_nv>?, Int) -> Result) -> Result {
        bytes.withUnsafeMutableBufferPointer { storage in
            pairs.removeAll(keepingCapacity: true)
            guard let base = storage.baseAddress else { return body(nil, 0) }
            for field in fields {
                let copies = field.staticName == nil
                pairs.append(
                    nghttp2_nv(
                        name: field.staticName.map { UnsafeMutablePointer(mutating: $0) } ?? base + field.name,
                        value: base + field.value,
                        namelen: field.nameCount,
                        valuelen: field.valueCount,
                        flags: UInt8(copies ? NGHTTP2_NV_FLAG_NONE.rawValue : NGHTTP2_NV_FLAG_NO_COPY_NAME.rawValue)
                    )
                )
            }
            return pairs.withUnsafeBufferPointer { body($0.baseAddress, $0.count) }
        }
    }
}
