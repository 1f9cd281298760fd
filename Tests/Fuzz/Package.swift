// swift-tools-version: 6.2
import PackageDescription

// A package of its own, since a fuzzer brings its own `main` and every module has to be built for it:
//
//   swift run --package-path Tests/Fuzz -c release PatternFuzzer -max_total_time=60
let fuzzing: [SwiftSetting] = [
    .unsafeFlags(["-sanitize=fuzzer", "-parse-as-library"]),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "fuzz",
    targets: [
        .target(name: "SansIO", swiftSettings: fuzzing),
        .target(name: "CScan"),
        .target(name: "EventModel", dependencies: ["SansIO"], swiftSettings: fuzzing),
        .target(name: "EventPattern", dependencies: ["CScan", "EventModel", "SansIO"], swiftSettings: fuzzing),
        .executableTarget(
            name: "PatternFuzzer",
            dependencies: ["EventModel", "EventPattern"],
            swiftSettings: fuzzing,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer"])]
        ),
    ],
    swiftLanguageModes: [.v6]
)
