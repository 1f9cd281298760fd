import EventModel
import SansIO

/// What is remembered of full-state syncs.
struct SyncState: Sendable {
    struct Exchange: Sendable {
        var number: UInt64
        var peer: PeerAddress
        var sumBefore: UInt64
        var isPush: Bool
        /// Only lists of accounts are asked for.
        var isForLists = false
    }

    /// Exchanges that have no outcome yet; the oldest is given up for a ninth.
    var exchanges: [Exchange] = []
    var allowedAt = Int64.min
    var spacing: Int64 = 0
    /// When this node began its last sync.
    var beganAt: Int64?
    var isJoinScheduled = false
    /// What nodes that are no members may ask for, by a row for each identity's key.
    var strangers = [Allowance](repeating: Allowance(), count: 256)
    /// Refutations that the words of such nodes set off.
    var strangersHearsay = Allowance()
    /// Pings to dead members of which others say that they are alive.
    var pingsToTheDead = Allowance()

    mutating func take(_ number: UInt64) -> Exchange? {
        guard let index = exchanges.firstIndex(where: { $0.number == number }) else { return nil }
        return exchanges.remove(at: index)
    }
}

/// Beginning full-state syncs and using their answers; ``SyncMessage`` tells the exchange.
extension SWIMInstance {
    /// The answer to a sync that this node began.
    public mutating func receivedSyncReply(
        _ body: [UInt8],
        number: UInt64,
        now: Timestamp,
        using generator: inout some RandomNumberGenerator
    ) -> [MembershipAction] {
        entered(now)
        guard let exchange = syncing.take(number) else { return left() }
        guard let message = SyncMessage(body), message.domain == domain,
            message.kind == (exchange.isPush ? .pushAnswer : .pullAnswer)
        else {
            counters.syncsFailed += 1
            return left()
        }
        let sender = slot(of: exchange.peer)
        if let sender { records[sender].doubters = [] }
        guard !isMuted(sender) else {
            counters.syncsFailed += 1
            return left()
        }
        let accepted = counters.claimsAccepted
        absorb(message, body, from: sender, &generator)
        if message.kind == .pullAnswer { push(message, body, to: exchange.peer) }
        guard !exchange.isForLists else { return left() }
        let isChanged = counters.claimsAccepted != accepted || viewSum &+ leaves.sum != exchange.sumBefore
        settleSpacing(wasUseful: isChanged, limit: configuration.syncPeriod)
        return left()
    }

    private func slot(of peer: PeerAddress) -> Int? {
        peer.uri.flatMap { slots[NodeKey(crypto.digest(Array($0.utf8)[...]))] }
    }

    /// A sync that this node began has failed.
    public mutating func syncFailed(number: UInt64, now: Timestamp) -> [MembershipAction] {
        entered(now)
        if let exchange = syncing.take(number) {
            counters.syncsFailed += 1
            // Links that fail say nothing of views, and may come back at any time.
            if !exchange.isForLists { settleSpacing(wasUseful: false, limit: configuration.syncPeriod / 8) }
            if records[0].claim.description.role == .leaf, let slot = slot(of: exchange.peer), slot != 0 {
                leafDoubts(slot, records[0].key)
            }
        }
        return left()
    }

    private mutating func settleSpacing(wasUseful: Bool, limit: Duration) {
        let least = configuration.syncSpacing.milliseconds
        let doubled = min(max(syncing.spacing, least) * 2, max(limit.milliseconds, syncing.spacing, least))
        syncing.spacing = wasUseful ? least : doubled
        syncing.allowedAt = clock.now + syncing.spacing
    }

    /// Tries a seed, and goes on doing so, ten times slower once somebody else is present, as long as there is one at whose
    /// address no present member is: nodes that begin together around different seeds would else stay apart for good.
    mutating func join(_ generator: inout some RandomNumberGenerator) {
        guard !isLeaving else {
            syncing.isJoinScheduled = false
            return
        }
        let unknown = present == 1 ? seeds : seeds.filter { !isPresent(at: $0) }
        if let seed = unknown.randomElement(using: &generator) {
            beginSync(with: PeerAddress(endpoint: seed, uri: nil))
        }
        syncing.isJoinScheduled = true
        let period = configuration.joinPeriod.milliseconds * (present == 1 ? 1 : 10)
        timers.schedule(.join, at: clock.now + period + Int64.random(in: 0...(period / 2), using: &generator))
    }

    private func isPresent(at seed: NodeEndpoint) -> Bool {
        records.contains { $0.isPresent && $0.claim.description.peer == seed }
    }

    mutating func syncPeriodically(_ generator: inout some RandomNumberGenerator) {
        let period = configuration.syncPeriod.milliseconds
        timers.schedule(.sync, at: clock.now + period / 2 + Int64.random(in: 0...period, using: &generator))
        judgeLeaves()
        forgetLeaves()
        riseAboveAbandoned()
        guard let slot = randomActive(1, except: nil, &generator).first else { return }
        beginSync(with: slot)
    }

    /// A member's view has another sum than this node's: unless news are still under way, the two should talk. Where they always
    /// are, what one of the two has missed shows as a difference that stays the same.
    mutating func compareViews(with slot: Int, sum: UInt64) {
        let value = sum &- viewSum &- leaves.sum
        let settling = configuration.settlingTime.milliseconds
        guard value != 0 else {
            records[slot].difference = nil
            return
        }
        let former = records[slot].difference
        if former?.value != value { records[slot].difference = MemberRecord.Difference(value: value, since: clock.now) }
        let stays = former.map { $0.value == value && clock.now - $0.since >= settling } ?? false
        guard stays || clock.now - viewChangedAt >= settling, !isLeaving, maySync else { return }
        beginSync(with: slot)
    }

    /// Whether it is time for another sync. Syncs that brought nothing are made ever more rarely, but say nothing of what has
    /// changed since: a node with a new certificate, to whom nobody listens yet, or one that has missed a word.
    private var maySync: Bool {
        if clock.now >= syncing.allowedAt { return true }
        guard let beganAt = syncing.beganAt, viewChangedAt > beganAt else { return false }
        return clock.now - beganAt >= 8 * configuration.syncSpacing.milliseconds
    }

    /// A member came back from the dead: behind it may be a whole side of a partition.
    mutating func syncSoon(with slot: Int, _ generator: inout some RandomNumberGenerator) {
        guard clock.now >= syncing.allowedAt || syncing.spacing > configuration.syncSpacing.milliseconds else { return }
        beginSync(with: slot)
    }

    private mutating func beginSync(with slot: Int) {
        let description = records[slot].claim.description
        beginSync(with: PeerAddress(endpoint: description.peer, uri: records[slot].identity.uri))
    }

    private mutating func beginSync(with peer: PeerAddress) {
        syncing.beganAt = clock.now
        syncing.spacing = max(syncing.spacing, configuration.syncSpacing.milliseconds)
        syncing.allowedAt = clock.now + syncing.spacing
        var body = SyncMessage.begin(.pull, domain: domain, viewSum: viewSum, leafSum: leaves.sum)
        appendClaim(0, withChain: true, to: &body)
        var digest: [UInt8] = []
        digest.reserveCapacity(records.count * SyncMessage.Entry.bytes)
        for slot in records.indices where slots[records[slot].key] == slot {
            SyncMessage.append(entry(slot), to: &digest)
        }
        SyncMessage.append(.digest, digest, to: &body)
        exchange(body, with: peer, isPush: false)
    }

    /// Asks a member for lists of accounts and nothing else.
    mutating func requestLists(_ names: [AccountListName], of peer: PeerAddress) {
        var body = SyncMessage.begin(.push, domain: domain, viewSum: viewSum, leafSum: leaves.sum)
        Self.append(names, to: &body)
        exchange(body, with: peer, isPush: true, isForLists: true)
    }

    private mutating func exchange(
        _ body: [UInt8],
        with peer: PeerAddress,
        isPush: Bool,
        isForLists: Bool = false
    ) {
        counters.syncs += isPush ? 0 : 1
        let number = nextSerial()
        if syncing.exchanges.count >= 8 { syncing.exchanges.removeFirst() }
        syncing.exchanges.append(
            SyncState.Exchange(
                number: number,
                peer: peer,
                sumBefore: viewSum &+ leaves.sum,
                isPush: isPush,
                isForLists: isForLists
            )
        )
        actions.append(.sync(MembershipSync(number: number, peer: peer, body: body)))
    }

    /// Sends what the other side lacks, and asks for leaves if it knows others.
    private mutating func push(_ answer: SyncMessage, _ bytes: [UInt8], to peer: PeerAddress) {
        let wanted = answer.wanted(in: bytes, limit: configuration.maximumMembers)
        let leavesDiffer = answer.leafSum != leaves.sum
        let asksForLists = !lists.due(now: .max, limit: 1).isEmpty
        guard !wanted.isEmpty || leavesDiffer || asksForLists else { return }
        var body = SyncMessage.begin(.push, domain: domain, viewSum: viewSum, leafSum: leaves.sum)
        for key in wanted where body.count < SyncMessage.contentBytes {
            guard let slot = slots[key], records[slot].state != .ejected else { continue }
            appendClaim(slot, withChain: true, to: &body)
        }
        if asksForLists { appendListRequest(to: &body) }
        if leavesDiffer { SyncMessage.append(.leafDigest, leafDigest(), to: &body) }
        exchange(body, with: peer, isPush: true)
    }

    func entry(_ slot: Int) -> SyncMessage.Entry {
        SyncMessage.Entry(
            key: records[slot].key,
            incarnation: records[slot].claim.incarnation,
            certificate: UInt32(truncatingIfNeeded: records[slot].claim.certificate.digest.low),
            state: records[slot].state
        )
    }

    func appendClaim(_ slot: Int, withChain: Bool, to body: inout [UInt8]) {
        if withChain {
            appendChain(records[slot].claim.certificate, to: &body)
            if let former = formerCertificate(slot) { appendChain(former, to: &body) }
        }
        SyncMessage.append(.claim, records[slot].signed, to: &body)
    }

    func appendChain(_ fingerprint: CertificateFingerprint, to body: inout [UInt8]) {
        guard let chain = crypto.chain(of: fingerprint) else { return }
        var section: [UInt8] = []
        section.append(fingerprint.digest)
        section.append(contentsOf: chain)
        SyncMessage.append(.chain, section, to: &body)
    }

    /// Every leaf with the numbers of what is known of it.
    func leafDigest() -> [UInt8] {
        var digest: [UInt8] = []
        for leaf in leaves.leaves {
            let number = leaf.knownNumber
            SyncMessage.append(
                SyncMessage.Entry(
                    key: leaf.claim.node,
                    incarnation: number,
                    certificate: UInt32(truncatingIfNeeded: leaf.claim.certificate.digest.low),
                    state: leaf.claim.life == .alive ? .alive : .left
                ),
                to: &digest
            )
        }
        return digest
    }

    /// Whether a peer has passed on so many forgeries that it is not listened to for a while.
    func isMuted(_ sender: Int?) -> Bool { sender.map { records[$0].mutedUntil > clock.now } ?? false }

    /// Takes in chains, claims, suspicions and attachments; then looks at members of which the other side thinks
    /// differently. Whoever sent wrong signatures is held to account for them, and the rest of its body is left unread.
    mutating func absorb(
        _ message: SyncMessage,
        _ bytes: [UInt8],
        from sender: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        let learned = learnChains(message, bytes)
        let forgeries = counters.droppedForged
        for (kind, range) in message.sections
        where counters.droppedForged - forgeries < SyncMessage.maximumForgeries {
            switch kind {
            case .claim: heardClaim(bytes, range, from: nil, sender: sender, &generator)
            case .suspicion: heardSuspicion(bytes, range, sender: sender, &generator)
            case .attachment: heardAttachment(bytes, range, sender: sender)
            case .accountList: heardAccountList(bytes, range, sender: sender)
            default: break
            }
        }
        for fingerprint in learned { settleWaiting(fingerprint, &generator) }
        guard counters.droppedForged - forgeries < SyncMessage.maximumForgeries else { return }
        for entry in message.entries(.digest, in: bytes, limit: configuration.maximumMembers) {
            heardOpinion(entry, from: sender, &generator)
        }
    }

    private mutating func learnChains(_ message: SyncMessage, _ bytes: [UInt8]) -> [CertificateFingerprint] {
        var learned: [CertificateFingerprint] = []
        var refused = 0
        for (kind, range) in message.sections where kind == .chain && range.count > 16 {
            var reader = ByteReader(bytes, range)
            guard refused < 8, let digest = reader.digest() else { break }
            let fingerprint = CertificateFingerprint(digest)
            guard crypto.certificate(fingerprint) == nil else { continue }
            let facts = crypto.learn(bytes[reader.position..<range.upperBound])
            if facts?.fingerprint == fingerprint {
                learned.append(fingerprint)
                continue
            }
            // A good chain under another's name costs as much as a bad one, and would never be known by the name it came with.
            if let facts { forgetIfUnused(facts.fingerprint) }
            counters.chainsRefused += 1
            refused += 1
        }
        return learned
    }

    /// The other side holds a member at the same incarnation in another state. Nobody is believed about somebody else: this
    /// node looks for itself, and tells the member what is said of it, so that it can refute.
    private mutating func heardOpinion(
        _ entry: SyncMessage.Entry,
        from sender: Int?,
        _ generator: inout some RandomNumberGenerator
    ) {
        guard let slot = slots[entry.key], records[slot].claim.incarnation == entry.incarnation else { return }
        let isPresent = entry.state == .alive || entry.state == .suspect
        if slot == 0 {
            // The link's other side holds this node dead: its word costs one claim, and not more often than its pings do.
            if entry.state == .dead, mayCallSelfDead(sender) { refute() }
        } else if records[slot].isPresent, entry.state == .dead {
            if records[0].claim.description.role == .leaf {
                if let sender, sender != 0, sender != slot, records[sender].isPresent {
                    leafDoubts(slot, records[sender].key)
                }
            } else {
                probeSoon(slot, hearsay: .dead, &generator)
            }
        } else if records[slot].state == .dead, isPresent,
            syncing.pingsToTheDead.take(capacity: 1000, perMinute: 1000, now: clock.now)
        {
            sendPing(slot, nonce: UInt64.random(in: 1 ... .max, using: &generator), hearsay: nil, isRelayed: false)
        }
    }

    /// A leaf does not probe. It holds a member dead when two nodes say so that are not the same, or one does and a sync of
    /// its own with that member failed; so one that lies cannot take the others from it. On the first word it tries itself.
    private mutating func leafDoubts(_ slot: Int, _ doubter: NodeKey) {
        guard records[slot].isPresent, !records[slot].doubters.contains(doubter) else { return }
        records[slot].doubters.append(doubter)
        guard records[slot].doubters.count > 1 else {
            if doubter != records[0].key, clock.now >= syncing.allowedAt { beginSync(with: slot) }
            return
        }
        records[slot].doubters = []
        counters.deaths += 1
        change(slot, to: .dead)
        emit(.died(records[slot].member))
        publish(slot)
        publishLeaves(of: slot)
    }

    private mutating func mayCallSelfDead(_ sender: Int?) -> Bool {
        guard let sender, sender != 0 else {
            return syncing.strangersHearsay.take(capacity: 30, perMinute: 30, now: clock.now)
        }
        return records[sender].hearsay.take(capacity: 30, perMinute: 30, now: clock.now)
    }
}
