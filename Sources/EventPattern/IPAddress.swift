/// An IP address as matching reads it from text (spec: patterns §2.7).
public enum IPAddress: Hashable, Sendable {
    /// Four bytes.
    case v4(UInt32)
    /// Sixteen bytes.
    case v6(UInt128)

    /// Parses a whole text; nil when it does not have the shape of an address or does not parse.
    public init?(_ text: [UInt8]) {
        self.init(text.span, 0, text.count)
    }

    init?(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard end - start >= 2 else { return nil }
        switch Self.shape(text, start, end) {
        case .v4:
            guard let address = Self.parseV4(text, start, end) else { return nil }
            self = .v4(address)
        case .v6:
            guard let address = Self.parseV6(text, start, end) else { return nil }
            self = .v6(address)
        case nil:
            return nil
        }
    }

    enum Shape {
        case v4
        case v6
    }

    /// Whether a text looks like an address: four runs of digits, or hexadecimal digits with at least one colon.
    static func shape(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Shape? {
        var dots = 0
        var colons = 0
        var letters = 0
        var run = 0
        for index in start..<end {
            switch text[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                run += 1
            case UInt8(ascii: "."):
                guard run > 0 else { return nil }
                dots += 1
                run = 0
            case UInt8(ascii: ":"):
                colons += 1
            case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"):
                letters += 1
            default:
                return nil
            }
        }
        if dots == 3, colons == 0, letters == 0, run > 0 { return .v4 }
        return colons > 0 && dots == 0 ? .v6 : nil
    }

    /// Decimal parts up to 255; leading zeros do not make them octal.
    private static func parseV4(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32? {
        var address: UInt32 = 0
        var part: UInt32 = 0
        for index in start..<end {
            if text[index] == UInt8(ascii: ".") {
                address = address << 8 | part
                part = 0
            } else {
                part = part * 10 + UInt32(text[index] - 0x30)
                guard part <= 255 else { return nil }
            }
        }
        return address << 8 | part
    }

    /// Eight groups of one to four digits; one `::` stands for at least one group of zeros.
    private static func parseV6(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt128? {
        var address: UInt128 = 0
        var groups = 0
        var gap: Int?
        var position = start
        if text[start] == UInt8(ascii: ":") {
            guard text[start + 1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            position += 2
        }
        while position < end {
            var digits = 0
            var group: UInt128 = 0
            while position < end, text[position] != UInt8(ascii: ":") {
                group = group << 4 | UInt128(hexadecimal(text[position]))
                digits += 1
                position += 1
                guard digits <= 4 else { return nil }
            }
            guard digits > 0, groups < 8 else { return nil }
            address = address << 16 | group
            groups += 1
            guard position < end else { break }
            position += 1
            guard position < end else { return nil }
            if text[position] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups
                position += 1
            }
        }
        guard let gap else { return groups == 8 ? address : nil }
        guard groups < 8 else { return nil }
        // The groups read so far sit at the low end: lift those before the gap over the zeros.
        let tail = groups - gap
        let low = tail == 0 ? 0 : address & (UInt128.max >> UInt128(128 - 16 * tail))
        let high = gap == 0 ? 0 : address >> UInt128(16 * tail)
        return (gap == 0 ? 0 : high << UInt128(16 * (8 - gap))) | low
    }

    private static func hexadecimal(_ digit: UInt8) -> UInt8 {
        digit < 0x3A ? digit - 0x30 : (digit | 0x20) - 0x61 + 10
    }

    /// The first 32 bits.
    var leading: UInt32 {
        switch self {
        case .v4(let address): address
        case .v6(let address): UInt32(truncatingIfNeeded: address >> 96)
        }
    }

    /// Whether an event's address is accepted by this literal: its digits begin with this address's digits.
    func accepts(_ other: IPAddress) -> Bool {
        switch self {
        case .v4(let address): other.leading == address
        case .v6: other == self
        }
    }
}

/// The addresses of a CIDR block (spec: patterns §2.12).
public struct AddressBlock: Hashable, Sendable {
    /// The block's first address.
    public let first: IPAddress
    /// The block's last address, of the same family.
    public let last: IPAddress
    /// The operand as it was written.
    public let text: [UInt8]

    /// Parses `address/bits`.
    init(_ text: [UInt8]) throws(PatternError) {
        self.text = text
        var parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        while let last = parts.last, last.isEmpty { parts.removeLast() }
        guard parts.count == 2 else { throw PatternError("Malformed CIDR, one '/' required") }
        guard let bits = Int32(String(decoding: parts[1], as: UTF8.self)) else {
            throw PatternError("Malformed CIDR, mask bits must be an integer")
        }
        guard bits >= 0 else { throw PatternError("Malformed CIDR, mask bits must not be negative") }
        let address = Array(parts[0])
        switch IPAddress(address) {
        case .v4(let base)?:
            guard bits < 32 else { throw PatternError("IPv4 mask bits must be < 32") }
            let hosts = UInt32.max >> UInt32(bits)
            first = .v4(base & ~hosts)
            last = .v4(base | hosts)
        case .v6(let base)?:
            guard bits < 128 else { throw PatternError("IPv6 mask bits must be < 128") }
            let hosts = UInt128.max >> UInt128(bits)
            first = .v6(base & ~hosts)
            last = .v6(base | hosts)
        case nil:
            let shown = String(decoding: address, as: UTF8.self)
            let hasShape = IPAddress.shape(address.span, 0, address.count) != nil
            throw PatternError((hasShape ? "Invalid IP address: " : "Nonstandard IP address: ") + shown)
        }
    }

    /// The range check runs over the leading digits both have, whatever the family.
    func contains(_ address: IPAddress) -> Bool {
        switch (first, last, address) {
        case (.v4(let low), .v4(let high), _): address.leading >= low && address.leading <= high
        case (.v6(let low), .v6(let high), .v6(let value)): value >= low && value <= high
        default: address.leading > first.leading && address.leading < last.leading
        }
    }
}
