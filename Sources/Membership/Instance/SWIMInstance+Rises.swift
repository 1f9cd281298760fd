import SansIO

/// How far ahead of a node's clock an incarnation may lie.
enum IncarnationLead {
    /// Of another node: whoever were believed farther ahead could not be followed by an honest claim of the same name for as
    /// long, should its own clock turn out to be right.
    static let believed = Duration.seconds(12 * 3600)
    /// Of a node that takes a name without the word of who held it.
    static let ofSuccessor = Duration.seconds(600)
    /// Of this node itself, of an earlier life under its present certificate: an hour more, so that whatever others believe
    /// whose clocks are up to an hour ahead is answered.
    static let answered = Duration.seconds(13 * 3600)
}

/// What this node remembers of its own incarnations: how to come back from a time in which its clock was ahead.
struct OwnRises: Sendable {
    /// Incarnations after which one came that lies more than an hour higher; the latest last.
    private var lasts: [UInt64] = []
    private static let limit = 8
    private static let leap: UInt64 = 3_600_000

    /// The highest incarnation of a time in which the clock was ahead: others refuse it now, and believe it one day.
    private(set) var abandoned: UInt64?

    /// Notes that an incarnation was followed by another.
    mutating func note(_ last: UInt64, before next: UInt64) {
        guard next > last, next - last > Self.leap else { return }
        if lasts.count >= Self.limit { lasts.removeFirst() }
        lasts.append(last)
    }

    /// The highest of the noted incarnations up to a limit.
    func last(upTo limit: UInt64) -> UInt64? { lasts.filter { $0 <= limit }.max() }

    func hasAbandoned(_ incarnation: UInt64) -> Bool { abandoned.map { incarnation <= $0 } ?? false }

    mutating func abandon(_ incarnation: UInt64) { abandoned = max(abandoned ?? 0, incarnation) }

    mutating func forgetAbandoned() { abandoned = nil }
}

extension SWIMInstance {
    func incarnation(ahead lead: Duration) -> UInt64 {
        UInt64(max(clock.wall.milliseconds, 0)) + UInt64(lead.milliseconds)
    }

    /// The clock was set back. If it was so far ahead that nobody believes what this node has said since, the node goes on
    /// from the last incarnation that they may have believed, and says so: it could not answer a suspicion otherwise. Whoever
    /// has believed more tells it, as after a restart.
    mutating func clockWasSetBack(by step: Duration) {
        let limit = incarnation(ahead: IncarnationLead.believed)
        let isLarge = step >= .seconds(60)
        if isLarge { forget(aheadOf: limit) }
        let former = records[0].claim
        guard former.incarnation > limit else {
            let said = isLarge ? forgetWords(aheadOf: limit) : []
            if !said.isEmpty { repeatAttachments(andOf: said) }
            return
        }
        counters.incarnationsAbandoned += 1
        rises.abandon(former.incarnation)
        let last = rises.last(upTo: limit) ?? 0
        let wall = UInt64(max(clock.wall.milliseconds, 0))
        records[0].claim.incarnation = last
        let beginsEpoch = former.epoch > limit
        if beginsEpoch {
            records[0].claim.epoch = max(last + 1, wall)
            nextDatagram = 1
        }
        let said = isLarge ? forgetWords(aheadOf: limit) : []
        renewOwnClaim()
        if beginsEpoch || !said.isEmpty { repeatAttachments(andOf: said) }
        let lead = Int64(min(former.incarnation - wall, UInt64(Int64.max / 2)))
        emit(.alarm(.ownClockAhead(by: .milliseconds(lead))))
    }

    /// What this node believed of others while its clock was ahead with theirs, it would not believe now, and it stands in the way of
    /// all that they say from now on: it forgets them, and learns of them anew.
    private mutating func forget(aheadOf limit: UInt64) {
        for slot in records.indices.dropFirst()
        where slots[records[slot].key] == slot && records[slot].claim.incarnation > limit {
            forget(slot)
        }
        forgetLeaves(aheadOf: limit)
    }

    /// Goes above what this node said while its clock was ahead, once others would believe it: who has kept those claims and
    /// datagrams could put them in this node's way.
    mutating func riseAboveAbandoned() {
        guard let abandoned = rises.abandoned, abandoned <= incarnation(ahead: IncarnationLead.believed) else { return }
        rises.forgetAbandoned()
        guard records[0].claim.incarnation <= abandoned else { return }
        records[0].claim.incarnation = abandoned
        beginEpoch()
    }
}
