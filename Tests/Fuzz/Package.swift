// swift-tools-version: 6.2
import PackageDescription

// A package of its own, since a fuzzer brings its own `main` and every module has to be built for it:
//
//   swift run --package-path Tests/Fuzz -c release PatternFuzzer -max_total_time=60
//   swift run --package-path Tests/Fuzz -c release HTTP2ServerFuzzer -max_total_time=60 Tests/Fuzz/Inputs/HTTP2ServerFuzzer
//
// An input that fails is kept in Inputs, under the fuzzer's name, and replayed by the ordinary tests.
let fuzzing: [SwiftSetting] = [
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"]),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Gold fails on the debug information of this many modules.
let linking: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]

let nio: [Target.Dependency] = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { .product(name: $0, package: "swift-nio") }

/// A fuzzer of the transport; its check is shared with the ordinary tests, which replay `Inputs`.
func transportFuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["FuzzDriver", "Transport", "TransportFuzzing"],
        swiftSettings: fuzzing,
        linkerSettings: linking
    )
}

/// A fuzzer of the membership protocol, with its check.
func membershipFuzzer(_ name: String) -> Target {
    .executableTarget(
        name: name,
        dependencies: ["FuzzDriver", "MembershipFuzzing"],
        swiftSettings: fuzzing,
        linkerSettings: linking
    )
}

let package = Package(
    name: "fuzz",
    dependencies: [.package(url: "https://github.com/apple/swift-nio", from: "2.101.0")],
    targets: [
        .target(name: "FuzzDriver", swiftSettings: fuzzing),
        .target(name: "SansIO", swiftSettings: fuzzing),
        .target(name: "CScan"),
        .target(name: "EventModel", dependencies: ["SansIO"], swiftSettings: fuzzing),
        .target(name: "EventPattern", dependencies: ["CScan", "EventModel", "SansIO"], swiftSettings: fuzzing),
        .systemLibrary(name: "CNghttp2", pkgConfig: "libnghttp2"),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl"),
        .target(name: "RetryControl", dependencies: ["SansIO"], swiftSettings: fuzzing),
        .target(
            name: "Transport",
            dependencies: nio + ["SansIO", "RetryControl", "CNghttp2", "COpenSSL"],
            // The HTTP/1.1 path is checked from inside.
            swiftSettings: fuzzing + [.unsafeFlags(["-enable-testing"])]
        ),
        .target(
            name: "TransportFuzzing",
            dependencies: ["SansIO", "Transport", .product(name: "NIOEmbedded", package: "swift-nio")] + nio,
            swiftSettings: fuzzing
        ),
        transportFuzzer("HTTP2ServerFuzzer"),
        transportFuzzer("HTTP2ClientFuzzer"),
        transportFuzzer("HTTP1Fuzzer"),
        transportFuzzer("TLSRecordFuzzer"),
        .target(
            name: "Membership",
            dependencies: ["EventModel", "SansIO"],
            swiftSettings: fuzzing + [.unsafeFlags(["-enable-testing"])]
        ),
        .target(
            name: "MembershipFuzzing",
            dependencies: ["EventModel", "Membership", "SansIO"],
            swiftSettings: fuzzing
        ),
        membershipFuzzer("MembershipDatagramFuzzer"),
        membershipFuzzer("MembershipSyncFuzzer"),
        .executableTarget(
            name: "PatternFuzzer",
            dependencies: ["EventModel", "EventPattern", "FuzzDriver"],
            swiftSettings: fuzzing,
            linkerSettings: linking
        ),
    ],
    swiftLanguageModes: [.v6]
)
