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
        .target(name: "RetryControl", dependencies: ["SansIO"], swiftSettings: strict),
        .target(name: "EventTransform", dependencies: ["SansIO", "EventModel"], swiftSettings: strict),
        .target(
            name: "Delivery",
            dependencies: ["RetryControl", "EventTransform", "EventModel", "SansIO"],
            swiftSettings: strict
        ),
        .target(name: "EventPattern", dependencies: ["EventModel", "SansIO"], swiftSettings: strict),
        .target(name: "AccessPolicy", dependencies: ["EventModel", "SansIO"], swiftSettings: strict),
        .target(name: "SigV4", dependencies: ["SansIO"], swiftSettings: strict),
        .target(
            name: "Router",
            dependencies: [
                "AccessPolicy", "Delivery", "EventModel", "EventPattern", "EventTransform", "RetryControl", "SansIO",
            ],
            swiftSettings: strict
        ),
    ],
    swiftLanguageModes: [.v6]
)
