import EventModel
import SansIO

/// What counts of a node's accounts now.
struct HostedAccounts: Equatable, Sendable {
    /// The list that the node's newest claim names.
    var list: AccountListName?
    /// The list before, while the newest is not here.
    var former: AccountListName?
    /// Those that its certificate covers.
    var accounts: [AccountID] = []
    /// Those of them that the newest claim is known to say; nil for all.
    var confirmed: [AccountID]?
}

/// The lists of accounts that are too long for a claim, by name: those that are here, and those that are to be asked for.
///
/// A list is kept as long as a node names it. The sum of all lists' lengths is bounded, whether they are here or not yet; a list
/// beyond that is left alone until there is room.
struct AccountLists: Sendable {
    private struct Entry: Sendable {
        /// Nil while it is not here.
        var accounts: [AccountID]?
        var users = 1
        var attempts = 0
        var dueAt: Int64
        /// It has no room, or is no list: it is not asked for.
        var isLeft = false
        var isBroken = false
    }

    private var entries: [AccountListName: Entry] = [:]
    /// Names of entries that are not here, in the order in which they became wanted: no order of a dictionary may show.
    private var wanted: [AccountListName] = []
    /// Accounts for which there is room taken.
    private(set) var reserved = 0

    /// Lists that are here.
    var count: Int { entries.count - wanted.count }
    /// Lists that are named and not here.
    var missing: Int { wanted.count }

    func accounts(_ name: AccountListName) -> [AccountID]? { entries[name]?.accounts }

    /// Whether a list is waited for, so that its bytes are worth a digest.
    func isWanted(_ name: AccountListName) -> Bool {
        entries[name].map { $0.accounts == nil && !$0.isLeft } ?? false
    }

    /// One node more names a list; false when there is no room for it.
    mutating func retain(_ name: AccountListName, limit: Int, dueAt: Int64) -> Bool {
        if entries[name] != nil {
            entries[name]?.users += 1
            return true
        }
        var entry = Entry(dueAt: dueAt)
        let hasRoom = limit - reserved >= Int(name.count)
        if hasRoom { reserved += Int(name.count) } else { entry.isLeft = true }
        entries[name] = entry
        wanted.append(name)
        return hasRoom
    }

    /// One node less names a list; the last one takes it away.
    mutating func release(_ name: AccountListName) {
        guard var entry = entries[name] else { return }
        entry.users -= 1
        guard entry.users == 0 else {
            entries[name] = entry
            return
        }
        entries[name] = nil
        if entry.accounts == nil { wanted.removeAll { $0 == name } }
        if !entry.isLeft { reserved -= Int(name.count) }
    }

    /// The list is here.
    mutating func insert(_ name: AccountListName, _ accounts: [AccountID]) {
        guard let entry = entries[name], entry.accounts == nil else { return }
        if entry.isLeft { reserved += Int(name.count) }
        entries[name]?.isLeft = false
        entries[name]?.accounts = accounts
        wanted.removeAll { $0 == name }
    }

    /// The bytes of that name are no list: nobody is asked for it again.
    mutating func giveUp(_ name: AccountListName) {
        guard let entry = entries[name], entry.accounts == nil, !entry.isLeft else { return }
        reserved -= Int(name.count)
        entries[name]?.isLeft = true
        entries[name]?.isBroken = true
    }

    /// Wants what had no room before and has now.
    mutating func reconsider(limit: Int, now: Int64) {
        for name in wanted {
            guard let entry = entries[name], entry.isLeft, !entry.isBroken, reserved + Int(name.count) <= limit else {
                continue
            }
            reserved += Int(name.count)
            entries[name]?.isLeft = false
            entries[name]?.dueAt = now
        }
    }

    /// When the next list is to be asked for.
    var nextDue: Int64? {
        wanted.compactMap { name in entries[name].flatMap { $0.isLeft ? nil : $0.dueAt } }.min()
    }

    /// Puts a list off; what it is waited for is counted by attempt.
    mutating func postpone(_ name: AccountListName, until: Int64, isAttempt: Bool) {
        entries[name]?.dueAt = until
        if isAttempt { entries[name]?.attempts += 1 }
    }

    /// The lists that are to be asked for, with the number of attempts so far.
    func due(now: Int64, limit: Int) -> [(name: AccountListName, attempts: Int)] {
        var found: [(name: AccountListName, attempts: Int)] = []
        for name in wanted where found.count < limit {
            if let entry = entries[name], !entry.isLeft, entry.dueAt <= now { found.append((name, entry.attempts)) }
        }
        return found
    }
}
