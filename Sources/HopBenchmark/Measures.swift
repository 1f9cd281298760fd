import Glibc

/// Clocks of a benchmark.
enum Usage {
    /// Nanoseconds of the monotonic clock, which the processes of one machine share.
    static func clock() -> UInt64 { read(CLOCK_MONOTONIC) }

    /// Nanoseconds of processor time that this process has used.
    static func cpu() -> UInt64 { read(CLOCK_PROCESS_CPUTIME_ID) }

    private static func read(_ id: clockid_t) -> UInt64 {
        var time = timespec()
        clock_gettime(id, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}

/// Durations, of which quantiles are asked at the end.
struct Durations {
    private var nanoseconds: [UInt64] = []

    var count: Int { nanoseconds.count }

    mutating func add(_ duration: UInt64) {
        nanoseconds.append(duration)
    }

    mutating func removeAll() {
        nanoseconds.removeAll(keepingCapacity: true)
    }

    /// `"p50":…,"p99":…` in microseconds; zero without durations.
    func fields(_ name: String) -> String {
        let sorted = nanoseconds.sorted()
        func quantile(_ share: Double) -> UInt64 {
            sorted.isEmpty ? 0 : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))] / 1000
        }
        return "\"\(name)_p50\":\(quantile(0.5)),\"\(name)_p99\":\(quantile(0.99))"
    }
}
