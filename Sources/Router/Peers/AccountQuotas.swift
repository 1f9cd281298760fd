import EventModel
import RetryControl
import SansIO

/// The rate at which other cells may send events in the name of one account.
///
/// A bucket is kept for each account that sent lately. There are no more than a certain number of them, so that a certificate that
/// covers any account can make no more: an account beyond that shares one bucket with others until buckets are free.
struct AccountQuotas {
    private struct Quota {
        var pacer: Pacer
        /// Entries that were told to come later.
        var slowed: UInt64 = 0
    }

    private let rate: Double?
    private let maximum: Int
    private var quotas: [AccountID: Quota] = [:]
    private var shared: Pacer?
    /// When buckets were last looked through.
    private var cleared = Timestamp.zero

    /// - Parameters:
    ///   - rate: events in a second; nil for no limit.
    ///   - maximum: buckets at most.
    init(rate: Double?, maximum: Int = 10_000) {
        self.rate = rate
        self.maximum = maximum
    }

    /// Takes one event of an account's rate; when there is none left, returns how long to wait and takes nothing.
    mutating func delay(of account: AccountID, now: Timestamp) -> Duration? {
        guard let rate else { return nil }
        if quotas[account] == nil {
            if quotas.count >= maximum { clear(now: now) }
            guard quotas.count < maximum else { return takeShared(rate, now) }
            quotas[account] = Quota(pacer: Pacer(rate: rate, now: now))
        }
        guard case .wait(let until)? = quotas[account]?.pacer.take(now: now) else { return nil }
        quotas[account]?.slowed += 1
        return Self.delay(until, now)
    }

    /// Gives back an event's worth that ``delay(of:now:)`` took, because the event was refused after all.
    mutating func giveBack(to account: AccountID) {
        if quotas[account] != nil { quotas[account]?.pacer.giveBack() } else { shared?.giveBack() }
    }

    private mutating func takeShared(_ rate: Double, _ now: Timestamp) -> Duration? {
        var pacer = shared ?? Pacer(rate: rate, now: now)
        defer { shared = pacer }
        guard case .wait(let until) = pacer.take(now: now) else { return nil }
        return Self.delay(until, now)
    }

    private static func delay(_ until: Timestamp, _ now: Timestamp) -> Duration { max(.milliseconds(1), until - now) }

    /// Frees buckets that are full again, for a new one would be no different.
    private mutating func clear(now: Timestamp) {
        guard now - cleared >= .seconds(1) || now < cleared else { return }
        cleared = now
        for (account, quota) in quotas {
            var pacer = quota.pacer
            if pacer.take(upTo: .max, now: now) >= Int(max(1, rate ?? 1)) { quotas[account] = nil }
        }
    }

    /// The accounts that were told to send later and whose buckets are kept, with how many entries.
    var slowed: [(account: AccountID, entries: UInt64)] {
        quotas.filter { $0.value.slowed > 0 }.map { ($0.key, $0.value.slowed) }.sorted { $0.0 < $1.0 }
    }
}
