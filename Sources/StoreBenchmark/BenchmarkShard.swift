import Glibc
import Synchronization

/// The event loop of a benchmark: runs what the store posts, on the calling thread.
final class BenchmarkShard: Sendable {
    private struct Turns {
        var waiting: [@Sendable () -> Void] = []
        var isAsleep = false
    }

    private let turns = Mutex(Turns())
    private let wakeEnd: Int32
    private let sleepEnd: Int32

    init() {
        var ends: [Int32] = [-1, -1]
        pipe(&ends)
        sleepEnd = ends[0]
        wakeEnd = ends[1]
    }

    deinit {
        close(sleepEnd)
        close(wakeEnd)
    }

    /// What a store is opened with. Wakes the loop as a network event loop would, through a descriptor.
    var executor: @Sendable (@escaping @Sendable () -> Void) -> Void {
        { [self] turn in
            let isAsleep = turns.withLock { state in
                state.waiting.append(turn)
                defer { state.isAsleep = false }
                return state.isAsleep
            }
            guard isAsleep else { return }
            var signal: UInt8 = 1
            write(wakeEnd, &signal, 1)
        }
    }

    /// Runs turns until `isDone`.
    func run(until isDone: () -> Bool) {
        while !isDone() {
            let ready = turns.withLock { state in
                let taken = state.waiting
                state.waiting = []
                state.isAsleep = taken.isEmpty
                return taken
            }
            for turn in ready { turn() }
            guard ready.isEmpty else { continue }
            var signals: UInt64 = 0
            read(sleepEnd, &signals, 8)
        }
    }
}

/// What the process has used so far.
struct ResourceUsage {
    var nanoseconds: UInt64
    var cpuMicroseconds: Double
    var bytesWritten: UInt64

    /// Bytes written are those of the whole disk: what the kernel says of one process counts pages, not what is written.
    static func now() -> ResourceUsage {
        var cpu = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu)
        return ResourceUsage(
            nanoseconds: clock(),
            cpuMicroseconds: Double(cpu.tv_sec) * 1e6 + Double(cpu.tv_nsec) / 1e3,
            bytesWritten: diskBytesWritten()
        )
    }

    /// Nanoseconds of the monotonic clock.
    static func clock() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Resident memory in megabytes.
    static func residentMegabytes() -> Double {
        Double(field("VmRSS", of: "/proc/self/status")) / 1024
    }

    /// The disk whose figures are read: the one that holds this directory.
    nonisolated(unsafe) static var diskStatistics = ""

    /// Chooses the disk that holds `directory`.
    static func chooseDisk(_ directory: String) {
        var status = stat()
        guard stat(directory, &status) == 0 else { return }
        let major = (status.st_dev >> 8) & 0xFFF
        let minor = (status.st_dev & 0xFF) | ((status.st_dev >> 12) & 0xFFF00)
        diskStatistics = "/sys/dev/block/\(major):\(minor)/stat"
    }

    private static func diskBytesWritten() -> UInt64 {
        let fields = text(of: diskStatistics).split(separator: " ")
        return fields.count > 6 ? (UInt64(fields[6]) ?? 0) * 512 : 0
    }

    private static func field(_ name: String, of path: String) -> UInt64 {
        for line in text(of: path).split(separator: "\n") where line.utf8.starts(with: name.utf8) {
            let digits = line.utf8.filter { (48...57).contains($0) }
            return UInt64(String(decoding: digits, as: UTF8.self)) ?? 0
        }
        return 0
    }

    private static func text(of path: String) -> String {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { return "" }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(file, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}

/// Figures of one part of a run, summed over its slices.
struct Figures {
    var events = 0
    var seconds = 0.0
    var cpuMicroseconds = 0.0
    var bytesWritten: UInt64 = 0
    var latencies: [UInt32] = []

    mutating func add(from start: ResourceUsage, events: Int) {
        let end = ResourceUsage.now()
        self.events += events
        seconds += Double(end.nanoseconds - start.nanoseconds) / 1e9
        cpuMicroseconds += end.cpuMicroseconds - start.cpuMicroseconds
        bytesWritten += end.bytesWritten - start.bytesWritten
    }

    var eventsPerSecond: Double { seconds > 0 ? Double(events) / seconds : 0 }
    var cpuPerEvent: Double { events > 0 ? cpuMicroseconds / Double(events) : 0 }
    var bytesPerByte: Double { events > 0 ? Double(bytesWritten) / Double(events * Workload.eventBytes) : 0 }

    /// Microseconds at a share of the sorted latencies.
    func latency(_ share: Double) -> Double {
        guard !latencies.isEmpty else { return 0 }
        let sorted = latencies.sorted()
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]) / 1000
    }
}

/// The events of the benchmark.
enum Workload {
    static let eventBytes = 1200

    /// Text like an event's, so compression finds what it would find in production.
    static let event: [UInt8] = {
        var bytes: [UInt8] = []
        var number: UInt64 = 88_172_645_463_325_252
        while bytes.count < eventBytes {
            number ^= number << 13
            number ^= number >> 7
            number ^= number << 17
            bytes += Array("{\"id\":\"\(number)\",\"detail-type\":\"order placed\",\"amount\":\(number % 997)},".utf8)
        }
        return Array(bytes.prefix(eventBytes))
    }()
}
