/// A JSON number as matching sees it (spec: patterns §2.6).
public enum NumberValue: Hashable, Sendable {
    /// A number whose exact decimal value is the shortest one that reads back as the same double. Compared by value.
    case comparable(Double)
    /// Any other number. It equals nothing but its own spelling.
    case opaque([UInt8])

    /// Reads a lexeme of JSON's number grammar.
    public init(lexeme: [UInt8]) {
        if let value = Self.comparable(lexeme, 0, lexeme.count) {
            self = .comparable(value)
        } else {
            self = .opaque(lexeme)
        }
    }

    /// The value of the lexeme in `bytes[start..<end]` if it is comparable.
    static func comparable(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Double? {
        if let small = smallInteger(bytes, start, end) { return small }
        guard let decimal = ExactDecimal(bytes, start, end) else { return nil }
        if decimal.digits.isEmpty { return 0 }
        // 17 digits tell any two doubles apart, so a longer decimal is never the shortest one.
        guard decimal.digits.count <= 17, decimal.exponent > -400, decimal.exponent < 400 else { return nil }
        let lexeme = String(decoding: bytes[start..<end], as: UTF8.self)
        guard let value = Double(lexeme), value.isFinite else { return nil }
        let printed = Array(value.description.utf8)
        return ExactDecimal(printed, 0, printed.count) == decimal ? value : nil
    }

    /// Integers of at most 15 digits, each of which is its double's shortest decimal.
    private static func smallInteger(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Double? {
        let isNegative = start < end && bytes[start] == UInt8(ascii: "-")
        let first = isNegative ? start + 1 : start
        guard first < end, end - first <= 15 else { return nil }
        var value = 0
        for index in first..<end {
            let digit = bytes[index] &- 0x30
            guard digit < 10 else { return nil }
            value = value * 10 + Int(digit)
        }
        return Double(isNegative ? -value : value)
    }
}

/// A decimal number by its significant digits and the power of ten of the last one.
private struct ExactDecimal: Equatable {
    var isNegative = false
    /// Without leading and trailing zeros; empty for zero.
    var digits: [UInt8] = []
    var exponent = 0

    /// Reads a decimal with optional fraction and exponent; nil when `bytes` hold anything else, e.g. `inf`.
    init?(_ bytes: [UInt8], _ start: Int, _ end: Int) {
        var position = start
        if position < end, bytes[position] == UInt8(ascii: "-") {
            isNegative = true
            position += 1
        }
        var seenPoint = false
        var zeros = 0
        while position < end {
            let byte = bytes[position]
            if byte == UInt8(ascii: "."), !seenPoint {
                seenPoint = true
            } else if byte &- 0x30 < 10 {
                if seenPoint { exponent -= 1 }
                if byte == 0x30 {
                    if !digits.isEmpty { zeros += 1 }
                } else {
                    for _ in 0..<zeros { digits.append(0x30) }
                    zeros = 0
                    digits.append(byte)
                }
            } else {
                break
            }
            position += 1
        }
        exponent += zeros
        if position < end {
            guard bytes[position] | 0x20 == UInt8(ascii: "e") else { return nil }
            exponent += Self.power(bytes, position + 1, end)
        }
        if digits.isEmpty {
            exponent = 0
            isNegative = false
        }
    }

    /// The power of ten behind an `e`, cut to what no number of ours exceeds.
    private static func power(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
        var position = start
        var isNegative = false
        if position < end, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            isNegative = bytes[position] == UInt8(ascii: "-")
            position += 1
        }
        var value = 0
        while position < end {
            value = min(value * 10 + Int(bytes[position] &- 0x30), 1 << 40)
            position += 1
        }
        return isNegative ? -value : value
    }
}
