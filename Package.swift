// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library of the project; which may depend on which is held by a repository test.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"),
]

let cores: [Target.Dependency] = [
    "AccessPolicy", "EventModel", "EventPattern", "EventTransform", "RetryControl", "SansIO", "Schedules",
]

let package = Package(
    name: "busbar",
    products: [.executable(name: "busbar", targets: ["busbar"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CNghttp2",
            path: "Sources/CNghttp2",
            pkgConfig: "libnghttp2",
            providers: [.apt(["libnghttp2-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            path: "Sources/COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "CZlib",
            path: "Sources/CZlib",
            pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"])]
        ),
        .systemLibrary(name: "CRocksDB", path: "Sources/CRocksDB", providers: [.apt(["librocksdb-dev"])]),
        library("SansIO", []),
        library("EventModel", ["SansIO"]),
        .target(name: "CScan"),
        .target(name: "CStore"),
        library("EventPattern", ["EventModel", "SansIO", "CScan"]),
        library("EventTransform", ["EventModel", "SansIO"]),
        library("Schedules", ["EventModel", "SansIO"]),
        library("AccessPolicy", ["EventModel", "SansIO"]),
        library("SigV4", ["SansIO"]),
        library("RetryControl", ["SansIO"]),
        library("PeerProtocol", ["EventModel", "SansIO"]),
        library("Membership", ["EventModel", "SansIO"]),
        library("Cluster", ["EventModel", "Membership", "PeerProtocol", "RetryControl", "SansIO"]),
        library("Delivery", ["RetryControl", "EventTransform", "EventModel", "SansIO"]),
        library("Router", cores + ["Cluster", "Delivery", "Membership", "PeerProtocol"]),
        library("AWSAPI", cores + ["Delivery", "Router", "SigV4"]),
        library("Transport", nio + ["SansIO", "RetryControl", "CNghttp2", "COpenSSL"]),
        library("EmbeddedStore", ["SansIO", "EventModel", "CStore", "CRocksDB"]),
        library("Compression", ["SansIO", "CZlib"]),
        library(
            "Simulation",
            ["Cluster", "Delivery", "EventModel", "Membership", "PeerProtocol", "RetryControl", "Router", "SansIO"]
        ),
        .executableTarget(
            name: "busbar",
            dependencies: cores + nio + [
                "AWSAPI", "COpenSSL", "Cluster", "Compression", "Delivery", "EmbeddedStore", "Membership",
                "PeerProtocol", "Router",
                "SigV4", "Simulation", "Transport", "Yams",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "MatcherBenchmark",
            dependencies: ["CScan", "EventModel", "EventPattern"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "StoreBenchmark",
            dependencies: ["SansIO", "EmbeddedStore"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "TransportBenchmark",
            dependencies: nio + ["SansIO", "Transport"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "MembershipBenchmark",
            dependencies: ["Cluster", "EventModel", "Membership", "SansIO", "Simulation"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "SimulationBenchmark",
            dependencies: ["SansIO", "Simulation"],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "PolicyBenchmark",
            dependencies: ["AccessPolicy", "EventModel", "SansIO"],
            swiftSettings: strict
        ),
        tests("SansIOTests", ["SansIO"]),
        .executableTarget(
            name: "HopBenchmark",
            dependencies: nio + [
                "Cluster", "EmbeddedStore", "EventModel", "Membership", "PeerProtocol", "Router", "SansIO", "Transport",
            ],
            swiftSettings: strict
        ),
        tests("EventModelTests", ["EventModel", "SansIO"]),
        tests("EventPatternTests", ["CScan", "EventPattern", "EventModel", "SansIO"]),
        tests("EventTransformTests", ["EventTransform", "EventModel", "SansIO"]),
        tests("SchedulesTests", ["Schedules", "EventModel", "SansIO"]),
        tests("AccessPolicyTests", ["AccessPolicy", "EventModel", "SansIO"]),
        tests("SigV4Tests", ["SigV4", "SansIO"]),
        tests("RetryControlTests", ["RetryControl", "SansIO"]),
        tests("PeerProtocolTests", ["Compression", "PeerProtocol", "EventModel", "SansIO"]),
        tests("CompressionTests", ["Compression", "SansIO"]),
        tests("MembershipTests", ["Membership", "EventModel", "SansIO"]),
        tests("ClusterTests", ["Cluster", "EventModel", "Membership", "SansIO", "Simulation"]),
        tests("DeliveryTests", ["Delivery", "RetryControl", "SansIO", "Simulation"]),
        tests("RouterTests", cores + ["Delivery", "PeerProtocol", "Router", "Simulation"]),
        tests(
            "PeerTests",
            [
                "Cluster", "Compression", "Delivery", "EventModel", "Membership", "PeerProtocol", "RetryControl",
                "Router",
                "SansIO", "Simulation",
            ]
        ),
        tests("QueueTests", ["AWSAPI", "EventModel", "Router", "SansIO", "Simulation"]),
        tests("AWSAPITests", cores + ["AWSAPI", "Router", "SigV4", "Simulation"]),
        tests(
            "TransportTests",
            nio + [
                .product(name: "NIOEmbedded", package: "swift-nio"), "COpenSSL", "RetryControl", "Transport", "SansIO",
            ]
        ),
        tests("EmbeddedStoreTests", ["CRocksDB", "EmbeddedStore", "SansIO", "Simulation"]),
        tests(
            "BusbarTests",
            [
                "busbar", "Cluster", "Delivery", "EmbeddedStore", "EventModel", "Membership", "Router", "SansIO",
                "Simulation",
                "Transport", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ]
        ),
        tests("RepositoryTests", []),
        tests("SimulationTests", ["Cluster", "EventModel", "Membership", "SansIO", "Simulation"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: ["busbar"],
            exclude: ["Scripts"],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
