import SansIO

extension Duration {
    /// The duration in whole microseconds, rounded towards zero; the world's unit of time.
    var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }
}

extension RandomNumberGenerator {
    /// True with the given probability, 0 to 1.
    @inline(__always)
    mutating func chance(_ probability: Double) -> Bool {
        guard probability > 0 else { return false }
        // 53 bits, which a Double holds exactly.
        return Double(next() >> 11) < probability * 9_007_199_254_740_992
    }

    /// A whole number below `bound`, which must be positive. The bias is below 2^-32 for bounds below 2^32.
    @inline(__always)
    mutating func below(_ bound: Int) -> Int {
        Int(UInt64(bound).multipliedFullWidth(by: next()).high)
    }

    /// A number of about exponential distribution with the given mean.
    ///
    /// The number of leading zero bits halves the probability with each step of mean x ln 2; within a step it is uniform.
    /// That needs no logarithm.
    mutating func exponential(mean: Double) -> Double {
        let octave = Double(next().leadingZeroBitCount)
        let fraction = Double(next() >> 11) / 9_007_199_254_740_992
        return mean * 0.667 * (octave + fraction)
    }

    /// An element, or nil when there is none.
    mutating func pick<Element>(_ elements: [Element]) -> Element? {
        elements.isEmpty ? nil : elements[below(elements.count)]
    }
}
