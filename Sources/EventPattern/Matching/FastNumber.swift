/// Reads the numbers of events to the same value as ``NumberValue``, without its allocations in all but odd cases.
enum FastNumber {
    /// 10 to the powers that a double holds exactly. The caller frees it.
    static func makePowers() -> UnsafeMutablePointer<Double> {
        let table = UnsafeMutablePointer<Double>.allocate(capacity: 23)
        var power = 1.0
        for exponent in 0...22 {
            (table + exponent).initialize(to: power)
            power *= 10
        }
        return table
    }

    /// Reads the number at `p` and moves behind it; NaN when it is not comparable (spec: patterns §2.6).
    @inline(__always) static func read(
        _ p: inout BytePointer,
        _ end: BytePointer,
        _ powers: UnsafePointer<Double>
    ) -> Double {
        let start = p
        let isNegative = p[0] == UInt8(ascii: "-")
        if isNegative { p += 1 }
        var mantissa: UInt64 = 0
        let firstDigit = p
        digits(&p, end, &mantissa)
        var digitCount = p - firstDigit
        var fraction = 0
        if p < end, p[0] == UInt8(ascii: ".") {
            p += 1
            let firstFraction = p
            digits(&p, end, &mantissa)
            fraction = p - firstFraction
            digitCount += fraction
        }
        if digitCount <= 18, p >= end || p[0] | 0x20 != UInt8(ascii: "e") {
            // At most 18 digits fit.
            if let value = value(mantissa, fraction, powers) { return isNegative && value != 0 ? -value : value }
        }
        p = ScanKernels.scalarStop(p, end)
        return slow(start, p)
    }

    @inline(__always) private static func digits(_ p: inout BytePointer, _ end: BytePointer, _ mantissa: inout UInt64) {
        while end - p >= 8 {
            let word = UnsafeRawPointer(p).loadUnaligned(as: UInt64.self)
            let values = word &- 0x3030_3030_3030_3030
            // A byte that is no digit leaves a high nibble, in itself or with six added.
            guard (values | (values &+ 0x0606_0606_0606_0606)) & 0xF0F0_F0F0_F0F0_F0F0 == 0 else { break }
            let pairs = (values &* 10 &+ values &>> 8) & 0x00FF_00FF_00FF_00FF
            let quads = (pairs &* 100 &+ pairs &>> 16) & 0x0000_FFFF_0000_FFFF
            let eight = (quads &* 10_000 &+ quads &>> 32) & 0xFFFF_FFFF
            mantissa = mantissa &* 100_000_000 &+ eight
            p += 8
        }
        while p < end {
            let digit = p[0] &- 0x30
            guard digit < 10 else { return }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            p += 1
        }
    }

    /// The value of `mantissa / 10^fraction` if it is sure to be comparable; NaN if it is sure not to be; else nil.
    @inline(__always) private static func value(
        _ mantissa: UInt64,
        _ fraction: Int,
        _ powers: UnsafePointer<Double>
    ) -> Double? {
        guard fraction <= 22 else { return nil }
        // Decimals of 15 digits are the shortest for their doubles, and such a quotient is rounded but once.
        if mantissa < 1_000_000_000_000_000 { return Double(mantissa) / powers[fraction] }
        return long(mantissa, fraction, powers)
    }

    /// The same for 16 or 17 digits, by exact arithmetic on the distance between the decimal and its double.
    ///
    /// Let the decimal be `m / 10^k` with `m` not ending in zero, and the nearest double `s / 2^b`. Multiplied by
    /// `10^k 2^b` they become the integers `m 2^b` and `s 10^k`, and half the gap between doubles `10^k / 2`. The decimal is the
    /// double's shortest when it is the nearest with its digits, and its neighbours with a digit less lie outside.
    static func long(_ mantissa: UInt64, _ fraction: Int, _ powers: UnsafePointer<Double>) -> Double? {
        var m = mantissa
        var k = fraction
        while m % 10 == 0, k > 0 {
            m /= 10
            k -= 1
        }
        if m < 1_000_000_000_000_000 { return Double(m) / powers[k] }
        guard m % 10 != 0, m < 100_000_000_000_000_000, k > 0 else { return nil }
        var estimate = Double(m) / powers[k]
        let binary = 52 - Int(estimate.exponent)
        // Room for the products, and a whole significand.
        guard binary > 0, binary < 76, m >> 57 == 0 else { return nil }
        var s = Int128(estimate.significandBitPattern | 1 << 52)
        let power = Int128(powers[k])
        let decimal = Int128(m) << Int128(binary)
        var distance = s * power - decimal
        if 2 * distance > power {
            s -= 1
            distance -= power
        } else if 2 * distance < -power {
            s += 1
            distance += power
        }
        let absolute = distance < 0 ? -distance : distance
        // At a power of two the gaps differ, and ties are for the definition to decide.
        guard 2 * absolute < power, s > 1 << 52, s < 1 << 53 else { return nil }
        estimate = Double(UInt64(s)) * Double(sign: .plus, exponent: -binary, significand: 1)
        let unit = Int128(1) << Int128(binary)
        let last = Int128(m % 10)
        let below = 2 * (distance + last * unit) - power
        let above = 2 * ((10 - last) * unit - distance) - power
        let closest = unit - 2 * absolute
        guard below != 0, above != 0, closest != 0 else { return nil }
        return below > 0 && above > 0 && closest > 0 ? estimate : .nan
    }

    private static func slow(_ start: BytePointer, _ end: BytePointer) -> Double {
        let lexeme = Array(UnsafeBufferPointer(start: start, count: end - start))
        return NumberValue.comparable(lexeme, 0, lexeme.count) ?? .nan
    }
}
