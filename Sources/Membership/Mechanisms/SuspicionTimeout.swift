import SansIO

/// How long a suspicion lasts before it becomes a death (Lifeguard §"Dynamic suspicion timeout").
///
/// ```
/// shortest = suspicionMultiplier * probePeriod * (1 + log10(N))
/// longest  = shortest * suspicionMaximumFactor
/// timeout  = max(shortest, longest - (longest - shortest) * ln(C + 1) / ln(K + 1))
/// ```
///
/// with C signers besides the first and K of them needed for the shortest time. With K = 0, in a cluster too small for a
/// second opinion, it is the shortest at once.
enum SuspicionTimeout {
    static func milliseconds(_ configuration: MembershipConfiguration, nodes: Int, confirmations: Int) -> Int64 {
        let shortest = shortest(configuration, nodes: nodes)
        let needed = min(configuration.suspicionConfirmations, max(nodes - 2, 0))
        guard configuration.lifeguard.contains(.dynamicSuspicion), needed > 0, confirmations < needed else {
            return Int64(shortest)
        }
        let longest = shortest * configuration.suspicionMaximumFactor
        let share = LogarithmTable.natural(confirmations + 1) / LogarithmTable.natural(needed + 1)
        return Int64(max(shortest, longest - (longest - shortest) * share))
    }

    private static func shortest(_ configuration: MembershipConfiguration, nodes: Int) -> Double {
        let period = Double(configuration.probePeriod.milliseconds)
        return configuration.suspicionMultiplier * period * (1 + LogarithmTable.decimal(max(nodes, 1)))
    }
}

/// Logarithms of small integers without a mathematics library, the same on every machine.
enum LogarithmTable {
    /// The natural logarithm of a number from 1 on: `2 * atanh((m - 1) / (m + 1))` of the mantissa, by its series.
    static func natural(_ number: Int) -> Double {
        precondition(number >= 1, "logarithm of \(number)")
        let value = Double(number)
        let ratio = (value.significand - 1) / (value.significand + 1)
        let square = ratio * ratio
        var term = ratio
        var sum = 0.0
        var divisor = 1.0
        while divisor < 60 {
            sum += term / divisor
            term *= square
            divisor += 2
        }
        return 2 * sum + Double(value.exponent) * 0.693147180559945309
    }

    /// The decimal logarithm of a number from 1 on.
    static func decimal(_ number: Int) -> Double { natural(number) / 2.302585092994045684 }

    /// The least integer that is not below the decimal logarithm of a number from 1 on.
    static func ceilingOfDecimal(_ number: Int) -> Int {
        var power = 1
        var exponent = 0
        while power < number {
            let (next, overflow) = power.multipliedReportingOverflow(by: 10)
            exponent += 1
            guard !overflow else { return exponent }
            power = next
        }
        return exponent
    }
}
