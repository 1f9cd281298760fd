import SansIO

/// Conversions between seconds since the Unix epoch and the two date formats that signatures use.
enum CivilTime {
    /// Parses `YYYYMMDD'T'HHMMSS'Z'`.
    static func parseBasic(_ text: String) -> Int64? {
        let bytes = text.utf8.span
        guard bytes.count == 16, bytes[8] == 0x54, bytes[15] == 0x5A,
            let year = number(bytes, 0..<4), let month = number(bytes, 4..<6), let day = number(bytes, 6..<8),
            let hour = number(bytes, 9..<11), let minute = number(bytes, 11..<13), let second = number(bytes, 13..<15)
        else { return nil }
        return seconds(year, month, day, hour, minute, second)
    }

    /// Parses the fixed form of RFC 1123, e.g. `Thu, 15 Jan 2026 12:34:56 GMT`. The name of the day is not checked.
    static func parseRFC1123(_ text: String) -> Int64? {
        let bytes = Array(text.utf8)
        guard bytes.count == 29, bytes[3] == ASCII.comma, bytes[19] == ASCII.colon, bytes[22] == ASCII.colon,
            bytes[4] == ASCII.space, bytes[7] == ASCII.space, bytes[11] == ASCII.space, bytes[16] == ASCII.space,
            bytes[25...].elementsEqual(" GMT".utf8), let month = month(named: bytes[8..<11]),
            let day = number(bytes.span, 5..<7), let year = number(bytes.span, 12..<16),
            let hour = number(bytes.span, 17..<19), let minute = number(bytes.span, 20..<22),
            let second = number(bytes.span, 23..<25)
        else { return nil }
        return seconds(year, month, day, hour, minute, second)
    }

    /// Appends `YYYYMMDD`.
    static func appendDate(_ seconds: Int64, to out: inout [UInt8]) {
        let (year, month, day) = date(seconds)
        appendPadded(year, width: 4, to: &out)
        appendPadded(month, width: 2, to: &out)
        appendPadded(day, width: 2, to: &out)
    }

    /// Appends `YYYYMMDD'T'HHMMSS'Z'`.
    static func appendBasic(_ seconds: Int64, to out: inout [UInt8]) {
        appendDate(seconds, to: &out)
        let time = seconds - floorDivide(seconds, 86_400) * 86_400
        out.append(0x54)
        appendPadded(time / 3600, width: 2, to: &out)
        appendPadded(time / 60 % 60, width: 2, to: &out)
        appendPadded(time % 60, width: 2, to: &out)
        out.append(0x5A)
    }

    /// Whole seconds since the epoch, rounded down, for every timestamp there can be.
    static func seconds(_ time: Timestamp) -> Int64 {
        floorDivide(time.milliseconds, 1000)
    }

    static func basic(_ seconds: Int64) -> String {
        var out: [UInt8] = []
        appendBasic(seconds, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    static func date(_ seconds: Int64) -> String {
        var out: [UInt8] = []
        appendDate(seconds, to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    private static func number(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Int64? {
        var value: Int64 = 0
        for index in range {
            let digit = bytes[index]
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }

    private static func month(named name: ArraySlice<UInt8>) -> Int64? {
        let names = Array("JanFebMarAprMayJunJulAugSepOctNovDec".utf8)
        for month in 0..<12 where names[(month * 3)..<(month * 3 + 3)].elementsEqual(name) {
            return Int64(month + 1)
        }
        return nil
    }

    private static func seconds(
        _ year: Int64,
        _ month: Int64,
        _ day: Int64,
        _ hour: Int64,
        _ minute: Int64,
        _ second: Int64
    ) -> Int64? {
        guard (1...12).contains(month), day >= 1, hour < 24, minute < 60, second < 60 else { return nil }
        let days = days(year, month, day)
        let midnight = days * 86_400
        // A day that the month does not have turns into a day of the next month.
        let check: (Int64, Int64, Int64) = date(midnight)
        guard check == (year, month, day) else { return nil }
        return midnight + hour * 3600 + minute * 60 + second
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar, counting years from March.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = floorDivide(shifted, 400)
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func date(_ seconds: Int64) -> (Int64, Int64, Int64) {
        let days = floorDivide(seconds, 86_400) + 719_468
        let era = floorDivide(days, 146_097)
        let dayOfEra = days - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> Int64 {
        let quotient = value / divisor
        return value % divisor < 0 ? quotient - 1 : quotient
    }

    private static func appendPadded(_ value: Int64, width: Int, to out: inout [UInt8]) {
        guard value >= 0, value < 10_000 else {
            out.append(contentsOf: String(value).utf8)
            return
        }
        var divisor: Int64 = width == 4 ? 1000 : 10
        while divisor > 0 {
            out.append(ASCII.zero + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }
}
