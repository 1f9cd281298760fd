/// What each target may import besides the standard library: the table of the design, §3, as data.
struct ModuleRule {
    enum Layer: Int {
        case system
        case core
        case driver
        case adapter
        case support
        case executable
    }

    var name: String
    var layer: Layer
    var imports: Set<String>
}

enum ModuleTable {
    static let cores = [
        "SansIO", "EventModel", "EventPattern", "EventTransform", "Schedules", "AccessPolicy", "SigV4", "RetryControl",
        "Membership", "PeerProtocol",
    ]
    static let drivers = ["Delivery", "Cluster", "Router", "AWSAPI"]
    static let adapters = ["Transport", "EmbeddedStore", "Compression"]
    static let networking: Set = ["NIOCore", "NIOPosix", "NIOHTTP1", "NIOConcurrencyHelpers"]

    static let rules: [ModuleRule] = [
        ModuleRule(name: "CNghttp2", layer: .system, imports: []),
        ModuleRule(name: "COpenSSL", layer: .system, imports: []),
        ModuleRule(name: "CStore", layer: .system, imports: []),
        ModuleRule(name: "CRocksDB", layer: .system, imports: []),
        ModuleRule(name: "CZlib", layer: .system, imports: []),
        ModuleRule(name: "CScan", layer: .core, imports: []),
        ModuleRule(name: "SansIO", layer: .core, imports: []),
        ModuleRule(name: "EventModel", layer: .core, imports: ["SansIO"]),
        ModuleRule(name: "EventPattern", layer: .core, imports: ["EventModel", "SansIO", "CScan", "Synchronization"]),
        ModuleRule(name: "EventTransform", layer: .core, imports: ["EventModel", "SansIO"]),
        ModuleRule(name: "Schedules", layer: .core, imports: ["EventModel", "SansIO"]),
        ModuleRule(name: "AccessPolicy", layer: .core, imports: ["EventModel", "SansIO"]),
        ModuleRule(name: "SigV4", layer: .core, imports: ["SansIO"]),
        ModuleRule(name: "RetryControl", layer: .core, imports: ["SansIO"]),
        ModuleRule(name: "Membership", layer: .core, imports: ["EventModel", "SansIO"]),
        ModuleRule(name: "PeerProtocol", layer: .core, imports: ["EventModel", "SansIO"]),
        ModuleRule(
            name: "Delivery",
            layer: .driver,
            imports: ["RetryControl", "EventTransform", "EventModel", "SansIO"]
        ),
        ModuleRule(
            name: "Cluster",
            layer: .driver,
            imports: ["Membership", "PeerProtocol", "RetryControl", "EventModel", "SansIO"]
        ),
        ModuleRule(name: "Router", layer: .driver, imports: Set(cores + ["Delivery", "Cluster"])),
        ModuleRule(name: "AWSAPI", layer: .driver, imports: Set(cores + ["Router", "Delivery"])),
        ModuleRule(
            name: "Transport",
            layer: .adapter,
            imports: networking.union(["SansIO", "RetryControl", "CNghttp2", "COpenSSL", "Glibc", "Synchronization"])
        ),
        ModuleRule(
            name: "EmbeddedStore",
            layer: .adapter,
            imports: ["SansIO", "EventModel", "CStore", "CRocksDB", "Glibc", "Synchronization"]
        ),
        ModuleRule(name: "Compression", layer: .adapter, imports: ["SansIO", "CZlib"]),
        ModuleRule(name: "Simulation", layer: .support, imports: Set(cores + drivers)),
        ModuleRule(
            name: "busbar",
            layer: .executable,
            imports: Set(cores + drivers + adapters + ["CNghttp2", "COpenSSL", "CRocksDB", "Simulation"])
                .union(networking)
                .union(["ArgumentParser", "Yams", "Logging", "ServiceLifecycle", "UnixSignals", "Foundation", "Glibc"])
                .union(["Synchronization", "Dispatch"])
        ),
    ]

    /// The rule of a folder in `Sources`; nil when the table has none. Benchmarks may import everything.
    static func rule(of target: String) -> ModuleRule? {
        rules.first { $0.name == target }
    }

    static func isBenchmark(_ target: String) -> Bool {
        target.hasSuffix("Benchmark")
    }
}
