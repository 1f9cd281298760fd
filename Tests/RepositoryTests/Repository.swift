import Foundation
import Testing

/// A file of the repository.
struct SourceFile {
    /// Relative to the root.
    let path: String
    let text: String
    let swift: SwiftText

    init(path: String, text: String) {
        self.path = path
        self.text = text
        swift = SwiftText(text)
    }

    var lines: Int { text.utf8.count { $0 == UInt8(ascii: "\n") } + (text.isEmpty || text.hasSuffix("\n") ? 0 : 1) }

    /// For a file in `Sources`: the target whose folder it is in.
    var target: String? {
        let parts = path.split(separator: "/")
        return parts.count > 2 && parts[0] == "Sources" ? String(parts[1]) : nil
    }

    /// Tables and generated files of tests may be as long as they must.
    var isTable: Bool {
        guard path.hasPrefix("Tests/") else { return false }
        let parts = path.split(separator: "/")
        let name = parts.last.map { $0.replacing(".swift", with: "") } ?? ""
        return parts.contains("Generated") || parts.contains("Tables")
            || ["Table", "Tables", "Cases", "Corpus", "Generated", "Vectors"].contains { name.hasSuffix($0) }
    }
}

/// A rule of the project that does not hold somewhere.
struct Violation: Equatable, CustomStringConvertible {
    var path: String
    var line: Int?
    var text: String

    var description: String {
        line.map { "\(path):\($0): \(text)" } ?? "\(path): \(text)"
    }
}

/// Fails with a line for each violation.
func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    guard !violations.isEmpty else { return }
    let list = violations.map(\.description).joined(separator: "\n")
    Issue.record("\(violations.count) violations:\n\(list)", sourceLocation: sourceLocation)
}

/// The working tree that these tests were built from.
enum Repository {
    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The Swift files below a folder, sorted by path. Files that another process removes meanwhile are left out.
    static func swiftFiles(under folder: String) -> [SourceFile] {
        guard
            let names = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
        else { return [] }
        let paths = names.compactMap { $0 as? String }.filter { $0.hasSuffix(".swift") }.sorted()
        return paths.compactMap { name in
            let path = "\(folder)/\(name)"
            guard let data = try? Data(contentsOf: root.appending(path: path)) else { return nil }
            return SourceFile(path: path, text: String(decoding: data, as: UTF8.self))
        }
    }

    static let sources = swiftFiles(under: "Sources")
    static let tests = swiftFiles(under: "Tests")

    /// The names of the folders in `Sources`.
    static func targetFolders() -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "Sources").path)) ?? []
        return names.filter { !$0.hasPrefix(".") }.sorted()
    }

    /// The paths that git tracks; nil when this is no git working tree.
    static let trackedFiles: [String]? = {
        guard let result = try? Command.run(["git", "ls-files", "-z"], in: root), result.status == 0 else { return nil }
        return result.output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }()
}

/// Runs a tool found on the path.
enum Command {
    struct Result {
        var status: Int32
        var output: Data
    }

    static func run(_ arguments: [String], in folder: URL) throws -> Result {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = arguments
        process.currentDirectoryURL = folder
        let pipe = Pipe()
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return Result(status: process.terminationStatus, output: output)
    }

    static func exists(_ arguments: [String]) -> Bool {
        (try? run(arguments, in: Repository.root))?.status == 0
    }
}
