/// One measured value beside what it should be.
struct Figure {
    var measure: String
    var nodes: Int
    var seeds: String
    var arm = Arm.busbar
    var value: String
    var target: String
    /// Nil: there is nothing to reach, as in a control arm.
    var isReached: Bool?

    var verdict: String {
        switch isReached {
        case true?: "reached"
        case false?: "**missed**"
        case nil: ""
        }
    }

    static let head = """
        | measure | N | arm | target | measured | | seeds |
        |---|---|---|---|---|---|---|
        """

    var row: String { "| \(measure) | \(nodes) | \(arm.rawValue) | \(target) | \(value) | \(verdict) | \(seeds) |" }

    var json: String {
        let fields: [(String, String)] = [
            ("measure", quoted(measure)), ("nodes", "\(nodes)"), ("arm", quoted(arm.rawValue)),
            ("target", quoted(target)),
            ("value", quoted(value)), ("reached", isReached.map { "\($0)" } ?? "null"), ("seeds", quoted(seeds)),
        ]
        return "{\(fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", "))}"
    }

    private func quoted(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}

/// A sample of numbers.
struct Sample {
    var values: [Double] = []

    var mean: Double { values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count) }

    /// The smallest value that at least this share of the sample does not exceed.
    func quantile(_ share: Double) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return sorted[min(sorted.count - 1, max(0, Int((share * Double(sorted.count)).rounded(.up)) - 1))]
    }
}

/// Two decimals.
func decimal(_ value: Double, digits: Int = 2) -> String {
    guard value.isFinite else { return "never" }
    var scale = 1.0
    for _ in 0..<digits { scale *= 10 }
    let rounded = Int64((value * scale).rounded())
    guard digits > 0 else { return "\(rounded)" }
    let fraction = String(abs(rounded) % Int64(scale))
    let sign = rounded < 0 ? "-" : ""
    return "\(sign)\(abs(rounded) / Int64(scale))." + String(repeating: "0", count: digits - fraction.count) + fraction
}
