import EventModel

/// Instants in policies and requests: ISO 8601 or seconds since the Unix epoch (spec: control §8.5).
enum PolicyDate {
    /// Seconds since the epoch as a ``FixedDecimal``.
    ///
    /// Understood: `YYYY-MM`, `YYYY-MM-DD`, and the latter with `Thh:mm`, `Thh:mm:ss` or `Thh:mm:ss.f…`, each followed by `Z`,
    /// `±hh:mm`, `±hhmm` or nothing, which means UTC. A text of digits alone is a count of seconds.
    static func parse(_ text: Span<UInt8>) -> Int128? {
        if let seconds = FixedDecimal.parse(text) { return seconds }
        var cursor = Cursor(position: 0)
        guard let year = cursor.digits(4, text), cursor.take(UInt8(ascii: "-"), text),
            let month = cursor.digits(2, text), (1...12).contains(month)
        else { return nil }
        var day = 1
        if cursor.take(UInt8(ascii: "-"), text) {
            guard let value = cursor.digits(2, text), value >= 1, value <= daysInMonth(month, year: year) else {
                return nil
            }
            day = value
        } else if cursor.position < text.count {
            return nil
        }
        let midnight = CivilTime.days(year: year, month: month, day: day) * 86_400
        if cursor.position == text.count { return Int128(midnight) * FixedDecimal.one }
        guard cursor.take(UInt8(ascii: "T"), text) || cursor.take(UInt8(ascii: "t"), text),
            let time = cursor.time(text), let offset = cursor.zone(text), cursor.position == text.count
        else { return nil }
        return Int128(midnight + time.seconds - offset) * FixedDecimal.one + time.fraction
    }

    private static func daysInMonth(_ month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private struct Cursor {
        var position: Int

        mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
            guard position < text.count, text[position] == byte else { return false }
            position += 1
            return true
        }

        mutating func digits(_ count: Int, _ text: Span<UInt8>) -> Int? {
            guard position + count <= text.count else { return nil }
            var value = 0
            for index in position..<position + count {
                guard Bytes.isDigit(text[index]) else { return nil }
                value = value * 10 + Int(text[index] - 0x30)
            }
            position += count
            return value
        }

        mutating func time(_ text: Span<UInt8>) -> (seconds: Int, fraction: Int128)? {
            guard let hour = digits(2, text), hour < 24, take(UInt8(ascii: ":"), text),
                let minute = digits(2, text), minute < 60
            else { return nil }
            var second = 0
            var fraction: Int128 = 0
            if take(UInt8(ascii: ":"), text) {
                guard let value = digits(2, text), value <= 60 else { return nil }
                second = value
                if take(UInt8(ascii: "."), text) {
                    guard let value = self.fraction(text) else { return nil }
                    fraction = value
                }
            }
            return (hour * 3_600 + minute * 60 + second, fraction)
        }

        private mutating func fraction(_ text: Span<UInt8>) -> Int128? {
            var unit = FixedDecimal.one
            var value: Int128 = 0
            let start = position
            while position < text.count, Bytes.isDigit(text[position]) {
                unit /= 10
                value += unit * Int128(text[position] - 0x30)
                position += 1
            }
            return position > start ? value : nil
        }

        /// Seconds east of UTC.
        mutating func zone(_ text: Span<UInt8>) -> Int? {
            if position == text.count || take(UInt8(ascii: "Z"), text) || take(UInt8(ascii: "z"), text) { return 0 }
            let isWest = take(UInt8(ascii: "-"), text)
            guard isWest || take(UInt8(ascii: "+"), text), let hours = digits(2, text), hours < 24 else { return nil }
            _ = take(UInt8(ascii: ":"), text)
            guard let minutes = digits(2, text), minutes < 60 else { return nil }
            let seconds = hours * 3_600 + minutes * 60
            return isWest ? -seconds : seconds
        }
    }
}
