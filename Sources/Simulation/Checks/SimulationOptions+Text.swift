import SansIO

extension FaultKind {
    /// Reads a list as the command line has it: names separated by commas, `all` or `none`.
    ///
    /// - Parameter text: e.g. `loss,pause`.
    /// - Returns: the kinds in their usual order, or the first word that names none.
    public static func list(_ text: String) -> Result<[FaultKind], UnknownFault> {
        if text == "all" { return .success(allCases) }
        if text == "none" { return .success([]) }
        var chosen: Set<FaultKind> = []
        for word in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let kind = FaultKind(rawValue: String(word)) else {
                return .failure(UnknownFault(word: String(word)))
            }
            chosen.insert(kind)
        }
        return .success(allCases.filter(chosen.contains))
    }
}

/// A word that names no kind of fault.
public struct UnknownFault: Error, Equatable, CustomStringConvertible {
    /// The word.
    public var word: String

    /// What is wrong, and what would be right.
    public var description: String {
        "\"\(word)\" is no kind of fault; there are all, none, \(FaultKind.allCases.map(\.rawValue).joined(separator: ", "))"
    }
}

extension SimulationOptions {
    /// What a run follows from, in one line: enough to do it again.
    public var summary: String {
        let minutes = duration.milliseconds / 60_000
        let hours = "\(minutes / 60) h" + (minutes % 60 == 0 ? "" : " \(minutes % 60) min")
        let isAll = faults == FaultKind.allCases
        let kinds = isAll ? "all" : faults.map(\.rawValue).joined(separator: ",")
        let leaves = leaves == 0 ? "" : "\(leaves) leaves, "
        return "seed \(seed), \(nodes) nodes, \(leaves)\(hours), faults \(kinds.isEmpty ? "none" : kinds)"
    }
}

extension SimulationReport {
    /// How far the run is, in one line.
    public var progressLine: String {
        let minutes = elapsed.milliseconds / 60_000
        return "\(minutes / 60) h \(minutes % 60) min: \(events) events, \(network.sent) datagrams, "
            + "\(faults.values.reduce(0, +)) faults, settled \(settlings) times, \(violations.count) violations"
    }

    /// How often each kind of fault has begun, in the order of ``FaultKind``.
    public var faultLine: String {
        let counts = FaultKind.allCases.compactMap { kind in faults[kind].map { "\(kind.rawValue) \($0)" } }
        return counts.isEmpty ? "none" : counts.joined(separator: ", ")
    }
}
