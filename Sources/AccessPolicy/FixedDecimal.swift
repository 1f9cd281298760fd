/// Exact decimal numbers as integers scaled by 10^18, for numeric and date conditions.
///
/// Magnitudes up to 10^20 with eighteen digits behind the point are exact. Anything beyond counts as unparsable, so that no
/// two different numbers ever compare equal by rounding.
enum FixedDecimal {
    /// 10^18, the value of one.
    static let one: Int128 = 1_000_000_000_000_000_000

    private static let limit: Int128 = one * one * 100

    /// Parses an optional sign, digits with an optional point, and an optional decimal exponent.
    static func parse(_ text: Span<UInt8>) -> Int128? {
        var position = 0
        var isNegative = false
        if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
            isNegative = text[position] == UInt8(ascii: "-")
            position += 1
        }
        var mantissa: Int128 = 0
        var scale = 0
        var digits = 0
        var seesPoint = false
        while position < text.count {
            let byte = text[position]
            if byte == UInt8(ascii: "."), !seesPoint {
                seesPoint = true
            } else if Bytes.isDigit(byte) {
                digits += 1
                guard mantissa < limit / 100 else { return nil }
                mantissa = mantissa * 10 + Int128(byte - 0x30)
                if seesPoint { scale -= 1 }
            } else {
                break
            }
            position += 1
        }
        guard digits > 0 else { return nil }
        if position < text.count {
            guard let exponent = exponent(text, from: position) else { return nil }
            scale += exponent
        }
        return scaled(isNegative ? -mantissa : mantissa, byPowerOfTen: scale + 18)
    }

    private static func exponent(_ text: Span<UInt8>, from start: Int) -> Int? {
        guard text[start] | 0x20 == UInt8(ascii: "e") else { return nil }
        var position = start + 1
        var isNegative = false
        if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
            isNegative = text[position] == UInt8(ascii: "-")
            position += 1
        }
        guard position < text.count, text.count - position <= 4 else { return nil }
        var value = 0
        while position < text.count {
            guard Bytes.isDigit(text[position]) else { return nil }
            value = value * 10 + Int(text[position] - 0x30)
            position += 1
        }
        return isNegative ? -value : value
    }

    private static func scaled(_ value: Int128, byPowerOfTen power: Int) -> Int128? {
        var result = value
        var left = power
        while left > 0, result != 0 {
            guard result.magnitude < limit.magnitude / 10 else { return nil }
            result *= 10
            left -= 1
        }
        while left < 0, result != 0 {
            guard result % 10 == 0 else { return nil }
            result /= 10
            left += 1
        }
        return result
    }
}
