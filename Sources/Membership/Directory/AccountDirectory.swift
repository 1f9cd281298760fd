import EventModel

/// Which cell hosts which account, and through which of its nodes.
///
/// A value that follows from the present members' claims alone, whatever their order of arrival: two nodes with the same
/// view have the same directory.
///
/// An account belongs to one cell. When nodes of several cells claim it, the directory answers with a cell whose certificate
/// names the account itself over one that holds it by a wildcard, and among equals with the one that comes first by
/// authority and name; an alarm is raised, since one of them is misconfigured or lies.
public struct AccountDirectory: Equatable, Sendable {
    /// What one node contributes.
    struct Presence: Equatable, Sendable {
        var node: DirectoryNode
        /// The accounts that it hosts and its certificate covers, in order.
        var accounts: [AccountID]
        /// Those of its certificate's accounts that are named one by one.
        var named: [AccountID]
    }

    private struct Host: Equatable, Sendable {
        var cell: CellIdentity
        /// By identity.
        var nodes: [NodeIdentity]
    }

    private var presences: [NodeIdentity: Presence] = [:]
    /// By cell; one host only, but for conflicts.
    private var hosts: [AccountID: [Host]] = [:]

    /// Creates an empty directory.
    public init() {}

    /// How many accounts are hosted.
    public var accountCount: Int { hosts.count }

    /// The hosted accounts, in order.
    public var accounts: [AccountID] { hosts.keys.sorted() }

    /// The cell that hosts an account, or nil.
    public func entry(for account: AccountID) -> DirectoryEntry? {
        guard let candidates = hosts[account], let host = owner(of: account, candidates) else { return nil }
        return DirectoryEntry(cell: host.cell, nodes: host.nodes.compactMap { presences[$0]?.node })
    }

    /// The cells that claim an account besides the one that ``entry(for:)`` answers with, in order.
    public func contenders(for account: AccountID) -> [CellIdentity] {
        guard let candidates = hosts[account], let host = owner(of: account, candidates) else { return [] }
        return candidates.map(\.cell).filter { $0 != host.cell }
    }

    private func owner(of account: AccountID, _ candidates: [Host]) -> Host? {
        guard candidates.count > 1 else { return candidates.first }
        let named = candidates.first { host in
            host.nodes.contains { presences[$0]?.named.contains(account) ?? false }
        }
        return named ?? candidates.first
    }

    /// Sets or withdraws what a node contributes.
    ///
    /// - Returns: the changed answers by account, and an alarm for each account that has become contested.
    mutating func update(
        _ identity: NodeIdentity,
        _ presence: Presence?
    ) -> (changes: [DirectoryChange], alarms: [MembershipAlarm]) {
        let before = presences[identity]
        guard before != presence else { return ([], []) }
        let touched = Set(before?.accounts ?? []).union(presence?.accounts ?? []).sorted()
        let answers = touched.map { entry(for: $0) }
        let contested = touched.map { (hosts[$0]?.count ?? 0) > 1 }
        for account in before?.accounts ?? [] { withdraw(identity, account) }
        presences[identity] = presence
        for account in presence?.accounts ?? [] { add(identity, account) }
        var changes: [DirectoryChange] = []
        var alarms: [MembershipAlarm] = []
        for (index, account) in touched.enumerated() {
            let answer = entry(for: account)
            if answer != answers[index] { changes.append(DirectoryChange(account: account, entry: answer)) }
            if !contested[index], let answer, let other = contenders(for: account).first {
                alarms.append(.accountContested(account, owner: answer.cell, other: other))
            }
        }
        return (changes, alarms)
    }

    private mutating func add(_ identity: NodeIdentity, _ account: AccountID) {
        let cell = CellIdentity(of: identity)
        var candidates = hosts[account] ?? []
        if let index = candidates.firstIndex(where: { $0.cell == cell }) {
            candidates[index].nodes.append(identity)
            candidates[index].nodes.sort()
        } else {
            candidates.append(Host(cell: cell, nodes: [identity]))
            candidates.sort { $0.cell < $1.cell }
        }
        hosts[account] = candidates
    }

    private mutating func withdraw(_ identity: NodeIdentity, _ account: AccountID) {
        guard var candidates = hosts[account] else { return }
        let cell = CellIdentity(of: identity)
        if let index = candidates.firstIndex(where: { $0.cell == cell }) {
            candidates[index].nodes.removeAll { $0 == identity }
            if candidates[index].nodes.isEmpty { candidates.remove(at: index) }
        }
        hosts[account] = candidates.isEmpty ? nil : candidates
    }
}
