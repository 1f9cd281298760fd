import EventModel
import SansIO

/// The value of `<aws.events.event>`: the envelope without its detail (spec: patterns §4.4).
enum EventSummary {
    struct Field {
        /// The member of the envelope.
        var path: String
        /// The member of the summary.
        var name: StaticString
    }

    static let fields = [
        Field(path: "id", name: "\"id\":"),
        Field(path: "account", name: "\"account\":"),
        Field(path: "detail-type", name: "\"detailType\":"),
        Field(path: "time", name: "\"time\":"),
        Field(path: "source", name: "\"source\":"),
        Field(path: "region", name: "\"region\":"),
        Field(path: "resources", name: "\"resources\":"),
        Field(path: "version", name: "\"version\":"),
    ]

    /// Appends the summary. Members that the envelope lacks are left out; a time in another form than the envelope's is
    /// kept as it is.
    static func append(_ collector: PathCollector, _ slots: [Int], of event: [UInt8], to output: inout BoundedOutput) {
        output.append("{")
        var needsComma = false
        for (field, slot) in zip(fields, slots) {
            guard case .value(_, let range) = collector.selection(slot: slot, of: event) else { continue }
            if needsComma { output.append(",") }
            needsComma = true
            output.append(field.name)
            if field.path == "time", let time = milliseconds(event[range]) {
                output.append(Array(String(time).utf8))
            } else {
                output.appendCompact(event, range)
            }
        }
        output.append("}")
    }

    /// Milliseconds since the epoch from `"YYYY-MM-DDTHH:MM:SSZ"` with its quotes (spec: patterns §1.1).
    static func milliseconds(_ quoted: ArraySlice<UInt8>) -> Int? {
        let pattern: StaticString = "\"0000-00-00T00:00:00Z\""
        guard quoted.count == pattern.utf8CodeUnitCount else { return nil }
        var numbers: [Int] = []
        var number = 0
        let fits = pattern.withUTF8Buffer { expected in
            for (byte, model) in zip(quoted, expected) {
                if model == UInt8(ascii: "0") {
                    guard byte &- 0x30 < 10 else { return false }
                    number = number * 10 + Int(byte - 0x30)
                } else {
                    guard byte == model else { return false }
                    numbers.append(number)
                    number = 0
                }
            }
            return true
        }
        // The opening quote left a first number of zero, the closing one a last.
        guard fits, numbers.count == 8, (1...12).contains(numbers[2]), (1...31).contains(numbers[3]) else { return nil }
        let days = CivilTime.days(year: numbers[1], month: numbers[2], day: numbers[3])
        return ((days * 24 + numbers[4]) * 60 + numbers[5]) * 60_000 + numbers[6] * 1_000
    }
}
