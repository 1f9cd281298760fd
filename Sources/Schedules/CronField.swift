/// The grammar of one field of `cron`: a list of `base["/" step]` (spec: patterns §8.3).
struct CronField {
    var name: String
    var low: Int
    var high: Int
    /// Names of the values from `low` on, in upper case.
    var names: [StaticString] = []
    var admitsSteps = true
    /// Whether a range may run over the field's end.
    var wraps = true

    static let minute = CronField(name: "minute", low: 0, high: 59)
    static let hour = CronField(name: "hour", low: 0, high: 23)
    static let dayOfMonth = CronField(name: "day-of-month", low: 1, high: 31)
    static let month = CronField(
        name: "month",
        low: 1,
        high: 12,
        names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
    )
    static let dayOfWeek = CronField(
        name: "day-of-week",
        low: 1,
        high: 7,
        names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
        admitsSteps: false
    )
    static let year = CronField(name: "year", low: 1970, high: 2199, wraps: false)

    /// Which values a list selects; the first flag is that of `low`.
    func values(_ text: ArraySlice<UInt8>) throws(ScheduleError) -> [Bool] {
        var selected = Array(repeating: false, count: high - low + 1)
        for item in Self.items(text) { try select(item, in: &selected) }
        return selected
    }

    static func items(_ text: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        text.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
    }

    func refusal(_ item: ArraySlice<UInt8>) -> ScheduleError {
        ScheduleError(.invalidField(name: name, item: String(decoding: item, as: UTF8.self)))
    }

    /// Adds the values of one item.
    func select(_ item: ArraySlice<UInt8>, in selected: inout [Bool]) throws(ScheduleError) {
        let parts = item.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        var step = 1
        if parts.count == 2 {
            guard admitsSteps, let value = Digits.value(parts[1]), value > 0 else { throw refusal(item) }
            step = min(value, selected.count)
        }
        let (first, last) = try bounds(parts[0], hasStep: parts.count == 2, item)
        let length = last >= first ? last - first : last - first + selected.count
        for distance in stride(from: 0, through: length, by: step) {
            selected[(first - low + distance) % selected.count] = true
        }
    }

    private func bounds(
        _ base: ArraySlice<UInt8>,
        hasStep: Bool,
        _ item: ArraySlice<UInt8>
    ) throws(ScheduleError) -> (first: Int, last: Int) {
        if base.elementsEqual([UInt8(ascii: "*")]) { return (low, high) }
        let ends = base.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = value(ends[0]) else { throw refusal(item) }
        guard ends.count == 2 else { return (first, hasStep ? high : first) }
        guard let last = value(ends[1]), last >= first || wraps else { throw refusal(item) }
        return (first, last)
    }

    /// A number or a name, in any case.
    func value(_ text: ArraySlice<UInt8>) -> Int? {
        if let number = Digits.value(text) { return number >= low && number <= high ? number : nil }
        let upper = text.map { $0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z") ? $0 - 0x20 : $0 }
        let place = names.firstIndex { name in name.withUTF8Buffer { $0.elementsEqual(upper) } }
        return place.map { $0 + low }
    }
}
