import SansIO
import Transport

extension MetricsPage {
    /// What the node's certificates are at, those of peers and of the API's listeners together.
    ///
    /// Two with one name, as a former and a new authority may be, make one sample: that which expires first.
    mutating func add(_ statuses: [CertificateStatus], now: Timestamp) {
        let name = "busbar_certificate_expires_in_seconds"
        family(name, "gauge", "Until the end of validity; of a list, until the next.")
        var earliest: [[String]: Timestamp] = [:]
        for item in statuses.flatMap(\.validities) {
            let labels = ["\(item.kind)", item.name]
            earliest[labels] = min(earliest[labels] ?? item.notAfter, item.notAfter)
        }
        for (labels, notAfter) in earliest.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            let seconds = (notAfter - now).milliseconds / 1_000
            sample(name, [("kind", labels[0]), ("name", labels[1])], seconds)
        }
        single(
            "busbar_certificate_reloads_total",
            "counter",
            "Times changed files came into use.",
            statuses.reduce(0) { $0 + $1.reloads }
        )
        single(
            "busbar_certificate_reload_failures_total",
            "counter",
            "Times changed files were not usable.",
            statuses.reduce(0) { $0 + $1.reloadFailures }
        )
        single(
            "busbar_certificate_uses_former_files",
            "gauge",
            "1 while files on disk are not usable.",
            statuses.contains(where: \.usesFormerFiles) ? 1 : 0
        )
    }
}
