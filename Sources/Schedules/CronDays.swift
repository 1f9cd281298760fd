/// Which days of a month a `cron` expression selects.
enum CronDays: Sendable, Hashable {
    case ofMonth(DaysOfMonth)
    case ofWeek(DaysOfWeek)

    /// Parses the two day fields, exactly one of which is `?`.
    init(dayOfMonth: ArraySlice<UInt8>, dayOfWeek: ArraySlice<UInt8>) throws(ScheduleError) {
        let any = [UInt8(ascii: "?")]
        switch (dayOfMonth.elementsEqual(any), dayOfWeek.elementsEqual(any)) {
        case (false, true): self = .ofMonth(try DaysOfMonth(dayOfMonth))
        case (true, false): self = .ofWeek(try DaysOfWeek(dayOfWeek))
        default: throw ScheduleError(.dayFieldsConflict)
        }
    }

    /// The days as bits 1...31.
    func mask(year: Int, month: Int) -> UInt32 {
        let length = GregorianMonth.length(year: year, month: month)
        let firstWeekday = GregorianMonth.firstWeekday(year: year, month: month)
        switch self {
        case .ofMonth(let days): return days.mask(length: length, firstWeekday: firstWeekday)
        case .ofWeek(let days): return days.mask(length: length, firstWeekday: firstWeekday)
        }
    }

    /// The flags as bits from `low` on.
    static func bits(_ selected: [Bool], low: Int) -> UInt64 {
        selected.enumerated().reduce(0) { $1.element ? $0 | 1 << UInt64($1.offset + low) : $0 }
    }
}

/// Day-of-month: numbers, `L`, `L-n`, `nW` and `LW`.
struct DaysOfMonth: Sendable, Hashable {
    /// Bits 1...31.
    private var numbers: UInt32 = 0
    /// Bit n for n days before the last.
    private var beforeLast: UInt32 = 0
    /// Bit n for the weekday nearest to day n.
    private var nearestWeekdays: UInt32 = 0
    private var lastWeekday = false

    init(_ text: ArraySlice<UInt8>) throws(ScheduleError) {
        let field = CronField.dayOfMonth
        var selected = Array(repeating: false, count: 31)
        for item in CronField.items(text) {
            let last = UInt8(ascii: "L")
            if item.first == last {
                try addLast(item.dropFirst(), field.refusal(item))
            } else if item.last == UInt8(ascii: "W") {
                guard let day = field.value(item.dropLast()) else { throw field.refusal(item) }
                nearestWeekdays |= 1 << UInt32(day)
            } else {
                try field.select(item, in: &selected)
            }
        }
        numbers = UInt32(truncatingIfNeeded: CronDays.bits(selected, low: 1))
    }

    private mutating func addLast(_ rest: ArraySlice<UInt8>, _ refusal: ScheduleError) throws(ScheduleError) {
        if rest.isEmpty {
            beforeLast |= 1
        } else if rest.elementsEqual([UInt8(ascii: "W")]) {
            lastWeekday = true
        } else {
            guard rest.first == UInt8(ascii: "-"), let days = Digits.value(rest.dropFirst()), days <= 30 else {
                throw refusal
            }
            beforeLast |= 1 << UInt32(days)
        }
    }

    func mask(length: Int, firstWeekday: Int) -> UInt32 {
        var mask = numbers
        for days in 0..<length where beforeLast >> UInt32(days) & 1 == 1 { mask |= 1 << UInt32(length - days) }
        for day in 1...length where nearestWeekdays >> UInt32(day) & 1 == 1 {
            mask |= 1 << UInt32(Self.nearestWeekday(to: day, length: length, firstWeekday: firstWeekday))
        }
        if lastWeekday {
            mask |= 1 << UInt32(Self.nearestWeekday(to: length, length: length, firstWeekday: firstWeekday))
        }
        return mask & UInt32((UInt64(2) << UInt64(length)) - 2)
    }

    /// The nearest day from Monday to Friday, never in another month.
    private static func nearestWeekday(to day: Int, length: Int, firstWeekday: Int) -> Int {
        switch (firstWeekday - 1 + day - 1) % 7 {
        case 6: return day == 1 ? 3 : day - 1
        case 0: return day == length ? day - 2 : day + 1
        default: return day
        }
    }
}

/// Day-of-week: numbers and names, `L`, `nL` and `d#k`.
struct DaysOfWeek: Sendable, Hashable {
    /// Bits 1 (Sunday) ... 7.
    private var weekdays: UInt8 = 0
    /// Bit d for the last such weekday.
    private var lastOnes: UInt8 = 0
    private var ordinal: Ordinal?

    private struct Ordinal: Sendable, Hashable {
        var weekday: Int
        /// 1...5
        var number: Int
    }

    init(_ text: ArraySlice<UInt8>) throws(ScheduleError) {
        let field = CronField.dayOfWeek
        if let hash = text.firstIndex(of: UInt8(ascii: "#")) {
            guard let weekday = field.value(text[..<hash]), let number = Digits.value(text[(hash + 1)...]),
                (1...5).contains(number)
            else { throw field.refusal(text) }
            ordinal = Ordinal(weekday: weekday, number: number)
            return
        }
        var selected = Array(repeating: false, count: 7)
        for item in CronField.items(text) {
            guard item.last == UInt8(ascii: "L") else {
                try field.select(item, in: &selected)
                continue
            }
            // A bare `L` is the last day of the week.
            if item.count == 1 {
                selected[6] = true
            } else {
                guard let weekday = field.value(item.dropLast()) else { throw field.refusal(item) }
                lastOnes |= 1 << UInt8(weekday)
            }
        }
        weekdays = UInt8(truncatingIfNeeded: CronDays.bits(selected, low: 1))
    }

    func mask(length: Int, firstWeekday: Int) -> UInt32 {
        var mask: UInt32 = 0
        for day in 1...length {
            let weekday = (firstWeekday - 1 + day - 1) % 7 + 1
            let isOrdinal = ordinal.map { $0.weekday == weekday && (day - 1) / 7 + 1 == $0.number } ?? false
            let isLast = lastOnes >> UInt8(weekday) & 1 == 1 && day + 7 > length
            if isOrdinal || isLast || weekdays >> UInt8(weekday) & 1 == 1 { mask |= 1 << UInt32(day) }
        }
        return mask
    }
}
