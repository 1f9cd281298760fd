/// The pings of senders whose certificates are not known: nobody's replay window covers them, so whoever records one could have
/// it answered again and again.
struct StrangerPings: Sendable {
    private struct Ping: Equatable, Sendable {
        var certificate: CertificateFingerprint
        var epoch: UInt64
        var number: UInt32
    }

    /// Pings that are remembered. To have more answered than once takes as many recordings.
    static let limit = 256

    private var recent: [Ping] = []
    private var oldest = 0
    /// Answers to all of them together.
    var answers = Allowance()

    /// Remembers a ping; false when it was seen lately.
    mutating func note(_ header: MessageHeader) -> Bool {
        let ping = Ping(certificate: header.certificate, epoch: header.epoch, number: header.number)
        guard !recent.contains(ping) else { return false }
        if recent.count < Self.limit {
            recent.append(ping)
        } else {
            recent[oldest] = ping
            oldest = (oldest + 1) % Self.limit
        }
        return true
    }
}
