extension QueueMessageContent {
    private static let version: UInt8 = 1
    private static let hasTrace: UInt8 = 1
    private static let hasGroup: UInt8 = 2

    /// The bytes for the store: a version, flags, the id, then texts with their lengths and the body to the end.
    public var encoded: [UInt8] { encoded(body: body[...]) }

    /// The bytes for the store with another body.
    func encoded(body: ArraySlice<UInt8>) -> [UInt8] {
        var size = 64 + home.utf8.count + sender.utf8.count + body.count
        size += (traceHeader?.utf8.count ?? 0) + (groupID?.utf8.count ?? 0)
        for attribute in attributes { size += attribute.byteCount + 16 }
        var writer = ContentWriter(capacity: size)
        writer.bytes.append(Self.version)
        writer.bytes.append((traceHeader == nil ? 0 : Self.hasTrace) | (groupID == nil ? 0 : Self.hasGroup))
        writer.word(id.high)
        writer.word(id.low)
        writer.text(home)
        writer.text(sender)
        if let traceHeader { writer.text(traceHeader) }
        if let groupID { writer.text(groupID) }
        writer.length(attributes.count)
        for attribute in attributes {
            writer.text(attribute.name)
            writer.text(attribute.dataType)
            switch attribute.value {
            case .text(let text):
                writer.bytes.append(1)
                writer.text(text)
            case .binary(let data):
                writer.bytes.append(2)
                writer.length(data.count)
                writer.bytes.append(contentsOf: data)
            }
        }
        writer.bytes.append(contentsOf: body)
        return writer.bytes
    }

    /// Reads ``encoded`` back; nil when the bytes are of another version or damaged.
    public init?(encoded: [UInt8]) {
        var reader = ContentReader(bytes: encoded)
        guard reader.byte() == Self.version, let flags = reader.byte(), flags & ~(Self.hasTrace | Self.hasGroup) == 0,
            let high = reader.word(), let low = reader.word(), let home = reader.text(), let sender = reader.text()
        else { return nil }
        var trace: String?
        var group: String?
        if flags & Self.hasTrace != 0 {
            guard let text = reader.text() else { return nil }
            trace = text
        }
        if flags & Self.hasGroup != 0 {
            guard let text = reader.text() else { return nil }
            group = text
        }
        guard let count = reader.length() else { return nil }
        var attributes: [MessageAttribute] = []
        for _ in 0..<count {
            guard let attribute = reader.attribute() else { return nil }
            attributes.append(attribute)
        }
        self.init(
            id: MessageID(high: high, low: low),
            home: home,
            sender: sender,
            traceHeader: trace,
            groupID: group,
            attributes: attributes,
            body: Array(encoded[reader.position...])
        )
    }
}

/// Appends lengths as LEB128 and words in big-endian order.
private struct ContentWriter {
    var bytes: [UInt8] = []

    init(capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    mutating func word(_ value: UInt64) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func length(_ value: Int) {
        var rest = UInt64(value)
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func text(_ value: String) {
        length(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }
}

/// Reads what ``ContentWriter`` wrote; every step is nil past the end.
private struct ContentReader {
    let bytes: [UInt8]
    var position = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func byte() -> UInt8? {
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    mutating func word() -> UInt64? {
        guard bytes.count - position >= 8 else { return nil }
        var value: UInt64 = 0
        for index in position..<(position + 8) { value = value << 8 | UInt64(bytes[index]) }
        position += 8
        return value
    }

    /// A length that the rest of the bytes can hold; a count of attributes is bounded by that too.
    mutating func length() -> Int? {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while let next = byte(), shift < 56 {
            value |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 {
                return value <= UInt64(bytes.count - position) ? Int(value) : nil
            }
            shift += 7
        }
        return nil
    }

    mutating func data() -> ArraySlice<UInt8>? {
        guard let count = length() else { return nil }
        position += count
        return bytes[(position - count)..<position]
    }

    mutating func text() -> String? {
        data().map { String(decoding: $0, as: UTF8.self) }
    }

    mutating func attribute() -> MessageAttribute? {
        guard let name = text(), let type = text(), let kind = byte(), let value = data() else { return nil }
        switch kind {
        case 1:
            return MessageAttribute(name: name, dataType: type, value: .text(String(decoding: value, as: UTF8.self)))
        case 2:
            return MessageAttribute(name: name, dataType: type, value: .binary(Array(value)))
        default:
            return nil
        }
    }
}
