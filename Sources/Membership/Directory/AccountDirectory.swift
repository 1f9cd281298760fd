import EventModel

/// Which cell hosts which account, and through which of its nodes.
///
/// A value that follows from what the present members contribute alone, whatever its order of arrival: two nodes with the same
/// view, and the same lists of accounts, have the same directory.
///
/// An account belongs to one cell. When nodes of several cells claim it, the directory answers with a cell whose claim is
/// confirmed over one that is only remembered from an earlier list, then with a cell whose certificate names the account itself
/// over one that holds it by a wildcard, and among equals with the one that comes first by authority and name. When two
/// confirmed claims meet an alarm is raised, since one of them is misconfigured or lies.
///
/// It takes about 50 bytes for an account that one node hosts, besides the node's own list.
public struct AccountDirectory: Equatable, Sendable {
    /// What one node contributes.
    struct Presence: Equatable, Sendable {
        var node: DirectoryNode
        /// The accounts that it hosts and its certificate covers, in order.
        var accounts: [AccountID]
        /// Those of its certificate's accounts that are named one by one, in order.
        var named: [AccountID]
        /// Those of ``accounts`` that its newest claim is known to say, in order; nil for all of them.
        var confirmed: [AccountID]?

        func isConfirmed(_ account: AccountID) -> Bool { confirmed.map { $0.containsInOrder(account) } ?? true }
    }

    /// The rows of the nodes that claim an account, by identity; nearly always it is one.
    private enum Claimants: Sendable {
        case one(Int32)
        case several([Int32])

        var rows: [Int32] {
            switch self {
            case .one(let row): [row]
            case .several(let rows): rows
            }
        }
    }

    private var presences: [Presence?] = []
    private var rows: [NodeIdentity: Int32] = [:]
    private var free: [Int32] = []
    private var hosts: [AccountID: Claimants] = [:]

    /// Creates an empty directory.
    public init() {}

    /// Whether two directories answer alike: what the nodes contribute decides everything.
    public static func == (left: AccountDirectory, right: AccountDirectory) -> Bool {
        left.rows.count == right.rows.count
            && left.rows.allSatisfy { identity, row in left.presences[Int(row)] == right.presence(identity) }
    }

    private func presence(_ identity: NodeIdentity) -> Presence? { rows[identity].flatMap { presences[Int($0)] } }

    /// How many accounts are hosted.
    public var accountCount: Int { hosts.count }

    /// The hosted accounts, in order.
    public var accounts: [AccountID] { hosts.keys.sorted() }

    /// The cell that hosts an account, or nil.
    public func entry(for account: AccountID) -> DirectoryEntry? {
        guard let (cell, nodes) = owner(of: account) else { return nil }
        return DirectoryEntry(cell: cell, nodes: nodes.compactMap { presences[Int($0)]?.node })
    }

    /// The cells whose claim to an account is confirmed besides the one that ``entry(for:)`` answers with, in order.
    public func contenders(for account: AccountID) -> [CellIdentity] {
        guard let claimants = hosts[account], case .several(let rows) = claimants, let owner = owner(of: account) else {
            return []
        }
        return cells(rows).filter { $0.cell != owner.cell && isConfirmed(account, $0.rows) }.map(\.cell)
    }

    private func owner(of account: AccountID) -> (cell: CellIdentity, rows: [Int32])? {
        guard let claimants = hosts[account] else { return nil }
        let candidates = cells(claimants.rows)
        guard candidates.count > 1 else { return candidates.first }
        let confirmed = candidates.filter { isConfirmed(account, $0.rows) }
        let best = confirmed.isEmpty ? candidates : confirmed
        let named = best.first { candidate in
            candidate.rows.contains { presences[Int($0)]?.named.containsInOrder(account) ?? false }
        }
        return named ?? best.first
    }

    private func isConfirmed(_ account: AccountID, _ rows: [Int32]) -> Bool {
        rows.contains { presences[Int($0)]?.isConfirmed(account) ?? false }
    }

    /// The cells of some rows, which are in the order of their nodes' identities, and so of their cells.
    private func cells(_ rows: [Int32]) -> [(cell: CellIdentity, rows: [Int32])] {
        var found: [(cell: CellIdentity, rows: [Int32])] = []
        for row in rows {
            guard let identity = presences[Int(row)]?.node.identity else { continue }
            let cell = CellIdentity(of: identity)
            if found.last?.cell == cell { found[found.count - 1].rows.append(row) } else { found.append((cell, [row])) }
        }
        return found
    }

    /// Sets or withdraws what a node contributes.
    ///
    /// - Returns: the changed answers, nil when there are none; and of the accounts that have become contested the number, and
    ///   alarms for the first few.
    mutating func update(
        _ identity: NodeIdentity,
        _ presence: Presence?
    ) -> (change: DirectoryChange?, contested: Int, alarms: [MembershipAlarm]) {
        let before = self.presence(identity)
        guard before != presence else { return (nil, 0, []) }
        if let before, let presence, before.accounts == presence.accounts, before.confirmed == presence.confirmed,
            before.named == presence.named, let row = rows[identity]
        {
            presences[Int(row)] = presence
            return (changed(presence.accounts, of: row), 0, [])
        }
        let isSameNode = before?.node == presence?.node
        let touched = Self.union(before?.accounts ?? [], presence?.accounts ?? [])
        let owners = touched.map { owner(of: $0) }
        let contested = touched.map { !contenders(for: $0).isEmpty }
        let row = replace(identity, before, presence)
        var change = DirectoryChange()
        var added: [AccountID] = []
        for (index, account) in touched.enumerated() {
            guard let owner = owner(of: account) else {
                change.withdrawn.append(account)
                continue
            }
            let isSameOwner = owners[index]?.cell == owner.cell && owners[index]?.rows == owner.rows
            if !isSameOwner || !isSameNode && owner.rows.contains(row) {
                change.hosted.append(account)
            }
            if !contested[index], !contenders(for: account).isEmpty { added.append(account) }
        }
        if presence == nil { give(back: row, identity) }
        return (change.isEmpty ? nil : change, added.count, added.prefix(Self.alarms).compactMap(alarm))
    }

    /// Alarms about contested accounts that one update raises at most.
    private static let alarms = 4

    private func alarm(_ account: AccountID) -> MembershipAlarm? {
        guard let owner = owner(of: account), let other = contenders(for: account).first else { return nil }
        return .accountContested(account, owner: owner.cell, other: other)
    }

    /// Of a node that has changed otherwise than in its accounts: those that it has an answer's part in.
    private func changed(_ accounts: [AccountID], of row: Int32) -> DirectoryChange? {
        let hosted = accounts.filter { account in
            if case .one? = hosts[account] { return true }
            return owner(of: account)?.rows.contains(row) ?? false
        }
        return hosted.isEmpty ? nil : DirectoryChange(hosted: hosted)
    }

    private mutating func replace(_ identity: NodeIdentity, _ before: Presence?, _ presence: Presence?) -> Int32 {
        let row = self.row(of: identity)
        for account in before?.accounts ?? [] { withdraw(row, account) }
        presences[Int(row)] = presence
        for account in presence?.accounts ?? [] { add(row, identity, account) }
        return row
    }

    private mutating func row(of identity: NodeIdentity) -> Int32 {
        if let row = rows[identity] { return row }
        let row = free.popLast() ?? Int32(presences.count)
        if Int(row) == presences.count { presences.append(nil) }
        rows[identity] = row
        return row
    }

    private mutating func give(back row: Int32, _ identity: NodeIdentity) {
        rows[identity] = nil
        free.append(row)
    }

    private mutating func add(_ row: Int32, _ identity: NodeIdentity, _ account: AccountID) {
        guard let claimants = hosts[account] else {
            hosts[account] = .one(row)
            return
        }
        var all = claimants.rows
        let place = all.firstIndex { presences[Int($0)].map { identity < $0.node.identity } ?? true }
        all.insert(row, at: place ?? all.count)
        hosts[account] = .several(all)
    }

    private mutating func withdraw(_ row: Int32, _ account: AccountID) {
        let rest = hosts[account]?.rows.filter { $0 != row } ?? []
        switch rest.count {
        case 0: hosts[account] = nil
        case 1: hosts[account] = .one(rest[0])
        default: hosts[account] = .several(rest)
        }
    }

    /// The accounts of two lists in order, each once.
    static func union(_ left: [AccountID], _ right: [AccountID]) -> [AccountID] {
        guard !left.isEmpty else { return right }
        guard !right.isEmpty, left != right else { return left }
        var all: [AccountID] = []
        all.reserveCapacity(max(left.count, right.count))
        var (one, other) = (0, 0)
        while one < left.count || other < right.count {
            if other == right.count || one < left.count && left[one] < right[other] {
                all.append(left[one])
                one += 1
            } else {
                if one < left.count, left[one] == right[other] { one += 1 }
                all.append(right[other])
                other += 1
            }
        }
        return all
    }
}

extension [AccountID] {
    /// Whether a list that is in order has an account.
    func containsInOrder(_ account: AccountID) -> Bool {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if self[middle] < account { low = middle + 1 } else { high = middle }
        }
        return low < count && self[low] == account
    }
}
