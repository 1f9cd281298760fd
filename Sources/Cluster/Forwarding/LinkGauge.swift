import SansIO

/// Finds out whether the link to a cell is too slow for what is to go over it.
///
/// It is when, for two seconds on end, events waited whenever an answer came and fewer bytes than a limit were answered, or when
/// a request was not answered in time. What was found holds for a minute.
struct LinkGauge {
    private let slowBytesPerSecond: Int
    /// Since when events waited at each answer; nil when none did at the last one.
    private var since: Timestamp?
    private var bytes = 0
    private var slowUntil: Timestamp?
    private static let span = Duration.seconds(2)
    private static let holdTime = Duration.seconds(60)

    init(slowBytesPerSecond: Int) {
        self.slowBytesPerSecond = slowBytesPerSecond
    }

    func isSlow(at now: Timestamp) -> Bool {
        slowUntil.map { now < $0 } ?? false
    }

    /// Notes an answer to a request of so many bytes.
    mutating func answered(_ count: Int, moreWaits: Bool, at now: Timestamp) {
        guard moreWaits, let since else {
            self.since = moreWaits ? now : nil
            bytes = 0
            return
        }
        bytes += count
        let elapsed = now - since
        guard elapsed >= Self.span else { return }
        if Int64(bytes) * 1_000 / elapsed.milliseconds < Int64(slowBytesPerSecond) { slowUntil = now + Self.holdTime }
        self.since = now
        bytes = 0
    }

    /// Notes that a request was not answered in time.
    mutating func timedOut(at now: Timestamp) {
        slowUntil = now + Self.holdTime
        since = nil
        bytes = 0
    }
}
