import EmbeddedStore
import Glibc
import SansIO

/// `StoreBenchmark [--json] [--directory path] [--seconds s] [--writers a,b] [--parked n] [--recover n] [--spilled n]`
///
/// `StoreBenchmark --reopen`, in a new process, opens the store with the spilled deliveries of such a run and removes it.
@main
struct StoreBenchmark {
    private var json = false
    private var directory = "/tmp/busbar-store-benchmark"
    private var seconds = 4.0
    private var writers = [1, 16, 256]
    private var parked = 200_000
    private var recover = 200_000
    private var spilled = 200_000
    private var reopens = false

    static func main() {
        var benchmark = StoreBenchmark()
        guard benchmark.parse(Array(CommandLine.arguments.dropFirst())) else {
            print("usage: StoreBenchmark [--json] [--directory path] [--seconds s] [--writers a,b]")
            print("                      [--parked n] [--recover n] [--spilled n]")
            exit(2)
        }
        do {
            try benchmark.run()
        } catch {
            print("failed: \(error)")
            exit(1)
        }
    }

    private mutating func parse(_ arguments: [String]) -> Bool {
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--json" {
                json = true
                continue
            }
            if option == "--reopen" {
                reopens = true
                continue
            }
            guard let value = rest.popFirst() else { return false }
            switch option {
            case "--directory": directory = value
            case "--seconds": seconds = Double(value) ?? seconds
            case "--writers": writers = value.split(separator: ",").compactMap { Int($0) }
            case "--parked": parked = Int(value) ?? parked
            case "--recover": recover = Int(value) ?? recover
            case "--spilled": spilled = Int(value) ?? spilled
            default: return false
            }
        }
        return true
    }

    private func run() throws {
        mkdir(directory, 0o700)
        ResourceUsage.chooseDisk(directory)
        let shard = BenchmarkShard()
        if reopens { return try reopen(shard) }
        try commits(shard)
        if parked > 0 { try backlog(shard) }
        if recover > 0 { try recovery(shard) }
        if spilled > 0 { try spilling(shard) }
    }

    private func fresh(_ name: String) -> EmbeddedStoreConfiguration {
        let path = "\(directory)/\(name)"
        Self.remove(path)
        return EmbeddedStoreConfiguration(directory: path)
    }

    /// The floor and the store in turn, so both see the same moods of the disk.
    private func commits(_ shard: BenchmarkShard) throws {
        let configuration = fresh("commit")
        let store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
        report("idle", [("resident_mb", ResourceUsage.residentMegabytes())])
        let run = StoreRun(store: store, shard: shard)
        let floor = FloorBenchmark(directory: directory)
        var warmUp = Figures()
        try run.run(writers: 256, seconds: 1, into: &warmUp)
        for count in writers {
            var base = Figures()
            var figures = Figures()
            let slices = 8
            for _ in 0..<slices {
                floor.run(writers: count, seconds: seconds / Double(slices) / 2, into: &base)
                try run.run(writers: count, seconds: seconds / Double(slices), into: &figures)
            }
            report("floor", writers: count, base)
            report("store", writers: count, figures)
            let share = figures.latency(0.99) / max(base.latency(0.99), 1)
            report(
                "ratio",
                [
                    ("writers", Double(count)),
                    ("throughput", figures.eventsPerSecond / max(base.eventsPerSecond, 1)),
                    ("p99", share),
                ]
            )
        }
        BacklogRun.close(store, shard)
        Self.remove(configuration.directory)
    }

    private func backlog(_ shard: BenchmarkShard) throws {
        let configuration = fresh("backlog")
        let backlog = BacklogRun(shard: shard)
        let store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
        let run = StoreRun(store: store, shard: shard)
        var before = Figures()
        try run.run(writers: 16, seconds: seconds / 2, into: &before)
        let begun = ResourceUsage.clock()
        try backlog.park(parked, in: store)
        let parkSeconds = Double(ResourceUsage.clock() - begun) / 1e9
        var after = Figures()
        try run.run(writers: 16, seconds: seconds / 2, into: &after)
        let reads = backlog.otherTargetReads(20_000, in: store)
        BacklogRun.close(store, shard)
        let reopened = try backlog.open(configuration)
        report(
            "parked",
            [
                ("deliveries", Double(parked)),
                ("parked_per_second", Double(parked) / parkSeconds),
                ("intake_share", after.eventsPerSecond / max(before.eventsPerSecond, 1)),
                ("other_due_p99_us", reads),
                ("open_and_first_due_s", reopened.seconds),
                ("resident_mb", ResourceUsage.residentMegabytes()),
            ]
        )
        BacklogRun.close(reopened.store, shard)
        Self.remove(configuration.directory)
    }

    private func recovery(_ shard: BenchmarkShard) throws {
        var configuration = fresh("recover")
        configuration.journalLimitBytes = max(1 << 30, recover * 2048)
        let backlog = BacklogRun(shard: shard)
        let store = try EmbeddedStore.open(configuration: configuration, executor: shard.executor)
        try backlog.fill(recover, in: store)
        BacklogRun.close(store, shard)
        let recovered = try backlog.recover(configuration)
        report("recover", [("records", Double(recovered.count)), ("seconds", recovered.seconds)])
        Self.remove(configuration.directory)
    }

    private var small: EmbeddedStoreConfiguration {
        var configuration = EmbeddedStoreConfiguration(directory: "\(directory)/spill")
        configuration.journalSegmentBytes = 4 << 20
        configuration.journalLimitBytes = 64 << 20
        return configuration
    }

    /// Deliveries that leave a journal of 64 MB for rows. They stay there for ``reopen(_:)``.
    private func spilling(_ shard: BenchmarkShard) throws {
        Self.remove(small.directory)
        let backlog = BacklogRun(shard: shard)
        let store = try EmbeddedStore.open(configuration: small, executor: shard.executor)
        let begun = ResourceUsage.clock()
        try backlog.spill(spilled, in: store)
        let seconds = Double(ResourceUsage.clock() - begun) / 1e9
        BacklogRun.close(store, shard)
        report("spill", [("deliveries", Double(spilled)), ("appended_per_second", Double(spilled) / seconds)])
    }

    /// What taking spilled deliveries over costs a process that has just begun.
    private func reopen(_ shard: BenchmarkShard) throws {
        let recovered = try BacklogRun(shard: shard).recover(small)
        report(
            "spilled",
            [
                ("deliveries", Double(recovered.count)),
                ("open_and_recover_s", recovered.seconds),
                ("resident_before_mb", recovered.residentBefore),
                ("resident_mb", recovered.resident),
            ]
        )
        Self.remove(small.directory)
    }

    private func report(_ name: String, writers: Int, _ figures: Figures) {
        report(
            name,
            [
                ("writers", Double(writers)),
                ("events_per_second", figures.eventsPerSecond),
                ("cpu_us_per_event", figures.cpuPerEvent),
                ("commit_p50_us", figures.latency(0.5)),
                ("commit_p99_us", figures.latency(0.99)),
                ("bytes_per_byte", figures.bytesPerByte),
            ]
        )
    }

    private func report(_ name: String, _ values: [(String, Double)]) {
        let rounded = values.map { (name: $0.0, value: ($0.1 * 1000).rounded() / 1000) }
        if json {
            let fields = rounded.map { "\"\($0.name)\":\($0.value)" }.joined(separator: ",")
            print("{\"benchmark\":\"store\",\"part\":\"\(name)\",\(fields)}")
        } else {
            print(name, rounded.map { "\($0.name)=\($0.value)" }.joined(separator: "  "))
        }
        fflush(nil)
    }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                    String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name == "." || name == ".." { continue }
                let inner = "\(path)/\(name)"
                if Int32(entry.pointee.d_type) == Int32(DT_DIR) { remove(inner) } else { unlink(inner) }
            }
            closedir(stream)
        }
        rmdir(path)
    }
}
