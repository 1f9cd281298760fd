/// A block of IPv4 or IPv6 addresses.
///
/// An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is the IPv4 address: a listener on both families sees clients so.
struct AddressRange: Sendable, Hashable {
    /// The first address; an IPv4 address fills the lowest 32 bits.
    let address: UInt128
    /// Bits that are fixed.
    let prefix: UInt8
    let isIPv6: Bool

    /// Parses an address with an optional prefix length; bits behind the prefix are cleared.
    init?(_ text: Span<UInt8>) {
        var addressEnd = text.count
        var prefix: Int?
        for index in 0..<text.count where text[index] == UInt8(ascii: "/") {
            guard prefix == nil, let value = Self.decimal(text, index + 1, text.count, maximum: 128) else { return nil }
            addressEnd = index
            prefix = value
        }
        if let value = Self.ipv4(text, 0, addressEnd) {
            let length = prefix ?? 32
            guard length <= 32 else { return nil }
            self.init(address: UInt128(value), prefix: length, isIPv6: false)
        } else if let value = Self.ipv6(text, addressEnd) {
            let length = prefix ?? 128
            if value >> 32 == 0xFFFF, length >= 96 {
                self.init(address: value & 0xFFFF_FFFF, prefix: length - 96, isIPv6: false)
            } else {
                self.init(address: value, prefix: length, isIPv6: true)
            }
        } else {
            return nil
        }
    }

    private init(address: UInt128, prefix: Int, isIPv6: Bool) {
        let width = isIPv6 ? 128 : 32
        let mask: UInt128 = prefix == 0 ? 0 : UInt128.max << UInt128(width - prefix)
        self.address = address & mask
        self.prefix = UInt8(prefix)
        self.isIPv6 = isIPv6
    }

    /// Whether all of the other block lies in this one.
    func contains(_ other: AddressRange) -> Bool {
        guard isIPv6 == other.isIPv6, other.prefix >= prefix else { return false }
        guard prefix > 0 else { return true }
        let free = UInt128((isIPv6 ? 128 : 32) - Int(prefix))
        return other.address >> free == address >> free
    }

    private static func decimal(_ text: Span<UInt8>, _ start: Int, _ end: Int, maximum: Int) -> Int? {
        guard end > start, end - start <= 3 else { return nil }
        if end - start > 1, text[start] == 0x30 { return nil }
        var value = 0
        for index in start..<end {
            guard Bytes.isDigit(text[index]) else { return nil }
            value = value * 10 + Int(text[index] - 0x30)
        }
        return value <= maximum ? value : nil
    }

    private static func ipv4(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32? {
        var value: UInt32 = 0
        var parts = 0
        var partStart = start
        for index in start...max(start, end) where index == end || text[index] == UInt8(ascii: ".") {
            guard parts < 4, let part = decimal(text, partStart, index, maximum: 255) else { return nil }
            value = value << 8 | UInt32(part)
            parts += 1
            partStart = index + 1
        }
        return parts == 4 ? value : nil
    }

    private static func ipv6(_ text: Span<UInt8>, _ end: Int) -> UInt128? {
        var value: UInt128 = 0
        var groups = 0
        var gap: Int?
        var position = 0
        if end >= 2, text[0] == UInt8(ascii: ":"), text[1] == UInt8(ascii: ":") {
            gap = 0
            position = 2
        }
        while position < end {
            var stop = position
            while stop < end, text[stop] != UInt8(ascii: ":") {
                stop += 1
            }
            if stop == end, let tail = ipv4(text, position, end) {
                value = value << 32 | UInt128(tail)
                groups += 2
                position = end
                break
            }
            guard groups < 8, let group = hexadecimal(text, position, stop) else { return nil }
            value = value << 16 | UInt128(group)
            groups += 1
            position = stop
            guard stop < end else { break }
            position += 1
            guard position < end else { return nil }
            if text[position] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups
                position += 1
            }
        }
        return expanded(value, groups: groups, gap: gap)
    }

    private static func expanded(_ value: UInt128, groups: Int, gap: Int?) -> UInt128? {
        guard let gap else { return groups == 8 ? value : nil }
        guard groups < 8 else { return nil }
        let behind = UInt128((groups - gap) * 16)
        let low = behind == 0 ? 0 : value & (UInt128.max >> (128 - behind))
        let high = gap == 0 ? 0 : (value >> behind) << UInt128((8 - gap) * 16)
        return high | low
    }

    private static func hexadecimal(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt16? {
        guard end > start, end - start <= 4 else { return nil }
        var value: UInt16 = 0
        for index in start..<end {
            let byte = text[index]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt16(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt16(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt16(byte - 0x61 + 10)
            default: return nil
            }
        }
        return value
    }
}
