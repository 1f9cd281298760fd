// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
    name: "busbar",
    targets: [
        .target(name: "SansIO", swiftSettings: strict),
        .target(name: "EventModel", dependencies: ["SansIO"], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
