extension MembershipConfiguration {
    /// What is wrong with the values, a sentence each; empty when the protocol can run with them.
    public func validate() -> [String] {
        durationProblems() + countProblems()
    }

    private func durationProblems() -> [String] {
        var found: [String] = []
        let durations: [(String, Duration)] = [
            ("probePeriod", probePeriod), ("probeTimeout", probeTimeout), ("indirectTimeout", indirectTimeout),
            ("gossipPeriod", gossipPeriod), ("syncPeriod", syncPeriod), ("syncSpacing", syncSpacing),
            ("settlingTime", settlingTime), ("reconnectPeriod", reconnectPeriod.lowerBound),
            ("departedRetention", departedRetention), ("joinPeriod", joinPeriod), ("leavePeriod", leavePeriod),
        ]
        for (name, duration) in durations where duration < .milliseconds(10) {
            found.append("\(name) is \(duration): at least 10 ms")
        }
        for (name, duration) in durations where duration > .seconds(365 * 86_400) {
            found.append("\(name) is \(duration): at most a year")
        }
        if probeTimeout + indirectTimeout > probePeriod {
            found.append(
                "probeTimeout and indirectTimeout together exceed probePeriod: a probe must end before the next"
            )
        }
        if syncSpacing > syncPeriod { found.append("syncSpacing exceeds syncPeriod") }
        if reconnectPeriod.upperBound > .seconds(86_400) { found.append("reconnectPeriod exceeds a day") }
        if certificateOverlap < .zero { found.append("certificateOverlap is negative") }
        if clockTolerance < .zero { found.append("clockTolerance is negative") }
        return found
    }

    private func countProblems() -> [String] {
        var found: [String] = []
        let counts: [(String, Int, ClosedRange<Int>)] = [
            ("indirectProbes", indirectProbes, 0...16), ("gossipFanout", gossipFanout, 1...32),
            ("retransmitMultiplier", retransmitMultiplier, 1...32),
            ("suspicionConfirmations", suspicionConfirmations, 0...16), ("corroborators", corroborators, 0...64),
            ("verdictQuorum", verdictQuorum ?? 1, 1...1000), ("localHealthMaximum", localHealthMaximum, 0...64),
            ("datagramBytes", datagramBytes, 1400...65_507), ("maximumMembers", maximumMembers, 2...100_000),
            ("maximumLeaves", maximumLeaves, 0...1_000_000),
            ("maximumListedAccounts", maximumListedAccounts, 0...100_000_000),
            ("maximumProbes", maximumProbes, 2...10_000),
            ("maximumWaitingClaims", maximumWaitingClaims, 1...100_000), ("maximumRelays", maximumRelays, 1...100_000),
            ("datagramsPerSecondPerSource", datagramsPerSecondPerSource, 10...1_000_000),
            ("suspicionsPerMinutePerSigner", suspicionsPerMinutePerSigner, 1...1_000_000),
            ("certificatesPerMinutePerSender", certificatesPerMinutePerSender, 1...1_000_000),
            ("attachmentsPerMinutePerSponsor", attachmentsPerMinutePerSponsor, 1...1_000_000),
            ("changesPerMinutePerMember", changesPerMinutePerMember, 1...1_000_000),
        ]
        for (name, count, range) in counts where !range.contains(count) {
            found.append("\(name) is \(count): \(range.lowerBound) to \(range.upperBound)")
        }
        if !(0.1...100).contains(suspicionMultiplier) {
            found.append("suspicionMultiplier is \(suspicionMultiplier): 0.1 to 100")
        }
        if !(1...100).contains(suspicionMaximumFactor) {
            found.append("suspicionMaximumFactor is \(suspicionMaximumFactor): 1 to 100")
        }
        return found
    }
}
