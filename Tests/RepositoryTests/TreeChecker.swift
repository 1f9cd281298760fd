/// What git may track.
enum TreeChecker {
    static let topLevel: Set = ["Package.swift", "Sources", "Tests", "deploy", "certs", "docs", "README.md", "LICENSE"]
    // In two pieces, so that this file does not hold what it looks for.
    private static let keyHeader = Array(("PRIVATE" + " KEY-----").utf8)

    static func check(paths: [String]) -> [Violation] {
        paths.compactMap { path in
            let parts = path.split(separator: "/").map(String.init)
            guard let first = parts.first, let name = parts.last else { return nil }
            let text: String
            if !topLevel.contains(first), !first.hasPrefix(".") {
                text = "has no place at the top level"
            } else if parts.contains(".build") {
                text = "is a build product"
            } else if name == "Package.resolved" {
                text = "must not be tracked"
            } else if [".key", ".p12", ".pfx"].contains(where: name.hasSuffix) {
                text = "looks like a private key"
            } else {
                return nil
            }
            return Violation(path: path, line: nil, text: text)
        }
    }

    static func check(_ path: String, content: [UInt8]) -> [Violation] {
        guard content.count >= keyHeader.count else { return [] }
        var place = content[...]
        while let start = place.firstIndex(of: keyHeader[0]) {
            if content[start...].starts(with: keyHeader) {
                return [Violation(path: path, line: content.line(of: start), text: "holds a private key")]
            }
            place = content[(start + 1)...]
        }
        return []
    }
}
