import EventModel
import SansIO

/// Lists of accounts that are too long for a claim.
///
/// The claim carries the list's name (``AccountListName``), which its subject signs, so the list itself is believed from anybody
/// who has it. A node that hears a claim whose list is not here asks for it over a peer link: soon and at a random moment, in a
/// small cluster its subject, in a large one mostly random members, which have it from others; then again after growing times,
/// the subject every other time; after ``attempts`` of them with an alarm and as seldom as a full sync.
///
/// Until the list is here the accounts of the list before it count still, next to those that the claim carries itself, but
/// give way to any other cell that is known to claim one of them: an account that is looked for at its former node costs a refusal
/// and another look, one that is found nowhere stands still.
extension SWIMInstance {
    private static let attempts = 8
    /// Lists that one request names.
    private static let listsPerRequest = 16
    /// Requests for lists under way.
    private static let listRequests = 2
    private static let leastPause: Int64 = 100

    /// Lists that are named and not here.
    public var missingAccountLists: Int { lists.missing }

    /// Takes up what a member's claim says of its accounts.
    mutating func followAccounts(_ slot: Int) {
        var hosting = records[slot].hosting
        follow(records[slot].claim, &hosting)
        let outside = settle(&hosting, records[slot].claim, records[slot].facts.scope)
        records[slot].hosting = hosting
        counters.accountsOutsideScope += UInt64(outside.count)
        if let first = outside.first, records[slot].alarms.take(capacity: 4, perMinute: 4, now: clock.now) {
            emit(.alarm(.accountOutsideScope(records[slot].identity, first)))
        }
    }

    /// Takes up what a leaf's claim says of its accounts.
    mutating func followAccounts(ofLeaf place: Int) {
        let leaf = leaves.leaves[place]
        var hosting = leaf.hosting
        follow(leaf.claim, &hosting)
        counters.accountsOutsideScope += UInt64(settle(&hosting, leaf.claim, leaf.facts.scope).count)
        leaves.setHosting(place, hosting)
    }

    /// Names this node's own list and keeps it for others.
    mutating func followOwnAccounts() {
        let accounts = records[0].claim.description.accounts
        let former = records[0].hosting.list
        var name: AccountListName?
        if accounts.count > MembershipLimits.accountsPerClaim {
            name = AccountListName(of: AccountListName.encode(accounts)[...], crypto)
        }
        if let name, name != former {
            _ = lists.retain(name, limit: .max, dueAt: clock.now)
            lists.insert(name, accounts)
            arrived(name)
        }
        if let former, former != name { release(former) }
        records[0].claim.accountList = name
        records[0].hosting.list = name
        let scope = records[0].facts.scope
        records[0].hosting.accounts = scope.isEverything ? accounts : accounts.filter { scope.covers($0) }
    }

    /// Whether a claim's list is another than the one that is followed.
    func followsAnotherList(_ slot: Int) -> Bool { records[slot].claim.accountList != records[slot].hosting.list }

    private mutating func follow(_ claim: NodeClaim, _ hosting: inout HostedAccounts) {
        var next = claim.accountList
        if let name = next, !isAcceptable(name, claim.identity) { next = nil }
        if next != hosting.list {
            if let next { retain(next) }
            if let old = hosting.list {
                if lists.accounts(old) != nil, let next, lists.accounts(next) == nil {
                    if let former = hosting.former { release(former) }
                    hosting.former = old
                } else {
                    release(old)
                }
            }
            hosting.list = next
        }
        guard let former = hosting.former, hosting.list.map({ lists.accounts($0) != nil }) ?? true else { return }
        hosting.former = nil
        release(former)
    }

    private mutating func isAcceptable(_ name: AccountListName, _ identity: NodeIdentity) -> Bool {
        let range = MembershipLimits.accountsPerClaim + 1...MembershipLimits.accountsPerNode
        if range.contains(Int(name.count)) { return true }
        counters.accountListsRefused += 1
        alarmOfLists(.accountListTooLong(identity, accounts: Int(name.count)))
        return false
    }

    private mutating func alarmOfLists(_ alarm: MembershipAlarm) {
        if listAlarms.take(capacity: 4, perMinute: 4, now: clock.now) { emit(.alarm(alarm)) }
    }

    /// Works out which accounts count, and returns those that the certificate does not cover.
    private func settle(_ hosting: inout HostedAccounts, _ claim: NodeClaim, _ scope: AccountScope) -> [AccountID] {
        let carried = claim.description.accounts
        var all = carried
        hosting.confirmed = nil
        if let list = hosting.list {
            if let held = lists.accounts(list) {
                all = held
            } else {
                hosting.confirmed = carried
                let former = hosting.former.flatMap { lists.accounts($0) } ?? []
                all = AccountDirectory.union(carried, former)
            }
        }
        let outside = scope.isEverything ? [] : all.filter { !scope.covers($0) }
        hosting.accounts = outside.isEmpty ? all : all.filter { scope.covers($0) }
        return outside
    }

    // What names a list keeps it.

    private mutating func retain(_ name: AccountListName) {
        let limit = configuration.maximumListedAccounts
        let now = clock.now
        let spread = min(max(configuration.gossipPeriod.milliseconds, Int64(present) * 4), 5000)
        // As random as is needed to keep nodes from asking all at once, and no draw of the generator.
        var mixer = SeededGenerator(seed: records[0].key.digest.low ^ name.digest.low)
        let due = now + Int64.random(in: 0...spread, using: &mixer)
        if lists.reserved + Int(name.count) > limit { makeRoom(for: Int(name.count)) }
        guard lists.retain(name, limit: limit, dueAt: due) else {
            counters.accountListsWithoutRoom += 1
            return alarmOfLists(.tooManyAccounts(limit: limit))
        }
        scheduleListPull()
    }

    private mutating func release(_ name: AccountListName) {
        lists.release(name)
        guard lists.missing > 0 else { return }
        lists.reconsider(limit: configuration.maximumListedAccounts, now: clock.now)
        scheduleListPull()
    }

    /// A node is forgotten: its lists are not kept for it any more.
    mutating func releaseLists(_ hosting: HostedAccounts) {
        for name in [hosting.list, hosting.former].compactMap({ $0 }) { release(name) }
    }

    /// Gives up lists of nodes that are away, those first that are away for the longest time; they are asked for again when
    /// their nodes are back.
    private mutating func makeRoom(for count: Int) {
        let limit = configuration.maximumListedAccounts
        let gone = departed.filter { !records[$0].isPresent && records[$0].hosting.list != nil }
        for slot in gone.sorted(by: { (records[$0].since, $0) < (records[$1].since, $1) })
        where lists.reserved + count > limit {
            let hosting = records[slot].hosting
            records[slot].hosting = HostedAccounts()
            publish(slot)
            releaseLists(hosting)
        }
    }

    // Asking.

    mutating func scheduleListPull() {
        guard let due = lists.nextDue else { return }
        let at = max(due, clock.now)
        if let listPullAt, listPullAt <= at { return }
        listPullAt = at
        timers.schedule(.accountLists, at: at)
    }

    /// Asks somebody for the lists that are due.
    mutating func pullLists(_ generator: inout some RandomNumberGenerator) {
        guard let planned = listPullAt, planned <= clock.now else { return }
        listPullAt = nil
        let due = lists.due(now: clock.now, limit: Self.listsPerRequest)
        defer {
            if let next = lists.nextDue {
                let at = max(next, clock.now + Self.leastPause)
                listPullAt = at
                timers.schedule(.accountLists, at: at)
            }
        }
        guard let first = due.first, !isLeaving, syncing.exchanges.count(where: \.isForLists) < Self.listRequests else {
            return
        }
        let peer = holder(of: first.name, attempts: first.attempts, &generator)
        for (name, attempts) in due {
            let isAttempt = peer != nil
            lists.postpone(name, until: clock.now + pause(attempts, &generator), isAttempt: isAttempt)
            if isAttempt, attempts + 1 == Self.attempts, let node = nodes(naming: name).first {
                alarmOfLists(.accountListMissing(node, accounts: Int(name.count)))
            }
        }
        guard let peer else { return }
        counters.accountListsRequested += UInt64(due.count)
        requestLists(due.map(\.name), of: peer)
    }

    private func pause(_ attempts: Int, _ generator: inout some RandomNumberGenerator) -> Int64 {
        let longest = configuration.syncPeriod.milliseconds
        guard attempts < Self.attempts else { return longest + Int64.random(in: 0...longest, using: &generator) }
        let base = min(configuration.gossipPeriod.milliseconds << Int64(attempts + 1), longest)
        return base / 2 + Int64.random(in: 0...base, using: &generator)
    }

    /// Whom to ask for a list. A share of about eight nodes asks its subject at first, the others ask each other.
    private mutating func holder(
        of name: AccountListName,
        attempts: Int,
        _ generator: inout some RandomNumberGenerator
    ) -> PeerAddress? {
        let fewAskFirst = Int.random(in: 0..<max(present, 1), using: &generator) < 8
        let asksSubject = attempts < 2 ? fewAskFirst : attempts % 2 == 0
        let subjects = asksSubject ? slotsHaving(name) : []
        guard let slot = subjects.randomElement(using: &generator) ?? randomActive(1, except: nil, &generator).first
        else { return nil }
        return PeerAddress(endpoint: records[slot].claim.description.peer, uri: records[slot].identity.uri)
    }

    /// The present members that must have a list: those that name it, and the sponsors of leaves that do.
    private func slotsHaving(_ name: AccountListName) -> [Int] {
        var found = records.indices.dropFirst().filter { records[$0].isPresent && records[$0].hosting.list == name }
        for leaf in leaves.leaves where leaf.hosting.list == name {
            found += leaf.attachments.compactMap { attachment in
                attachment.isAttached ? slots[attachment.sponsor].flatMap { records[$0].isPresent ? $0 : nil } : nil
            }
        }
        return found.filter { $0 != 0 }
    }

    private func nodes(naming name: AccountListName) -> [NodeIdentity] {
        records.filter { $0.hosting.list == name }.map(\.identity)
            + leaves.leaves.filter { $0.hosting.list == name }.map(\.claim.identity)
    }

    /// Names the lists that are not here in a request that is made anyway.
    mutating func appendListRequest(to body: inout [UInt8]) {
        let names = lists.due(now: .max, limit: Self.listsPerRequest).map(\.name)
        guard !names.isEmpty else { return }
        for name in names {
            lists.postpone(name, until: clock.now + configuration.syncSpacing.milliseconds * 2, isAttempt: false)
        }
        counters.accountListsRequested += UInt64(names.count)
        Self.append(names, to: &body)
    }

    static func append(_ names: [AccountListName], to body: inout [UInt8]) {
        var content: [UInt8] = []
        for name in names { content.append(name) }
        SyncMessage.append(.listRequest, content, to: &body)
    }

    // Answering, and what comes.

    /// Hands over the lists that are asked for and here, as many as fit.
    mutating func appendLists(_ message: SyncMessage, _ body: [UInt8], to answer: inout [UInt8]) {
        for name in message.listNames(in: body, limit: Self.listsPerRequest) {
            guard let accounts = lists.accounts(name) else { continue }
            let size = AccountListName.bytes + accounts.count * AccountListName.accountBytes
            guard answer.count + size <= SyncMessage.contentBytes else { return }
            var section: [UInt8] = []
            section.reserveCapacity(size)
            section.append(name)
            section += AccountListName.encode(accounts)
            SyncMessage.append(.accountList, section, to: &answer)
            counters.accountListsServed += 1
        }
    }

    /// A list that somebody hands over; looked at only when it is waited for.
    mutating func heardAccountList(_ bytes: [UInt8], _ range: Range<Int>, sender: Int?) {
        var reader = ByteReader(bytes, range)
        guard let name = reader.accountListName() else {
            counters.droppedMalformed += 1
            return
        }
        guard lists.isWanted(name) else { return }
        let content = reader.position..<range.upperBound
        guard content.count == Int(name.count) * AccountListName.accountBytes,
            AccountListName(of: bytes[content], crypto) == name
        else {
            counters.accountListsForged += 1
            return noteForgery(passedOnBy: sender)
        }
        // Its subject signed for bytes that are no list: whoever hands them over is not to blame.
        guard let accounts = AccountListName.decode(bytes, content) else {
            counters.accountListsRefused += 1
            return lists.giveUp(name)
        }
        counters.accountListsReceived += 1
        lists.insert(name, accounts)
        arrived(name)
    }

    /// A leaf hands over its list itself, since nobody can ask it.
    mutating func leafBrought(_ accounts: [AccountID]) {
        guard accounts.count <= MembershipLimits.accountsPerNode else { return }
        let bytes = AccountListName.encode(accounts.sorted())
        let name = AccountListName(of: bytes[...], crypto)
        guard lists.isWanted(name), let list = AccountListName.decode(bytes, 0..<bytes.count) else { return }
        counters.accountListsReceived += 1
        lists.insert(name, list)
        arrived(name)
    }

    /// A list is here: the accounts of those that name it count.
    private mutating func arrived(_ name: AccountListName) {
        for slot in records.indices.dropFirst() where records[slot].hosting.list == name {
            followAccounts(slot)
            guard records[slot].isPresent else { continue }
            emit(.changed(records[slot].member))
            publish(slot)
        }
        for place in leaves.leaves.indices where leaves.leaves[place].hosting.list == name {
            followAccounts(ofLeaf: place)
            publishLeaf(place)
        }
    }
}
