import Foundation
import Testing

/// Rules of the project that no compiler checks, held against the working tree.
@Suite struct RepositoryTests {
    @Test func findsTheTree() {
        #expect(Repository.sources.contains { $0.path == "Sources/SansIO/Timestamp.swift" })
        #expect(Repository.tests.contains { $0.path == "Tests/RepositoryTests/RepositoryTests.swift" })
    }

    @Test func importsFollowTheTable() {
        expectNone(ImportChecker.check(folders: Repository.targetFolders()))
        expectNone(Repository.sources.flatMap(ImportChecker.check))
    }

    @Test func coresAndDriversAreDeterministic() {
        expectNone(Repository.sources.flatMap(DeterminismChecker.check))
    }

    @Test func filesAndFunctionsAreShort() {
        expectNone((Repository.sources + Repository.tests).flatMap(SizeChecker.check))
    }

    @Test func sourcesDoNotCrashOnPurpose() {
        expectNone(Repository.sources.flatMap(CrashChecker.check))
    }

    @Test func noCommentIsABanner() {
        expectNone((Repository.sources + Repository.tests).flatMap(BannerChecker.check))
    }

    @Test func testsDoNotSleep() {
        expectNone(Repository.tests.flatMap(SleepChecker.check))
    }

    @Test(.enabled(if: Repository.trackedFiles != nil, "this is no git working tree"))
    func gitTracksWhatItShould() {
        let paths = Repository.trackedFiles ?? []
        expectNone(TreeChecker.check(paths: paths))
        for path in paths {
            guard let content = try? Data(contentsOf: Repository.root.appending(path: path)) else { continue }
            expectNone(TreeChecker.check(path, content: Array(content)))
        }
    }

    @Test(.enabled(if: Command.exists(["swift", "format", "--version"]), "swift format is missing"))
    func formattingIsClean() throws {
        let arguments = [
            "swift", "format", "lint", "--strict", "--parallel", "-r", "Sources", "Tests", "Package.swift",
        ]
        let result = try Command.run(arguments, in: Repository.root)
        let output = String(decoding: result.output, as: UTF8.self)
        #expect(result.status == 0 && output.isEmpty, "\(output)")
    }

    @Test(arguments: ["deploy/run", "deploy/test", ".ci/run"])
    func scriptIsExecutable(path: String) {
        #expect(FileManager.default.isExecutableFile(atPath: Repository.root.appending(path: path).path), "\(path)")
    }

    @Test(arguments: ["deploy/run", "deploy/test"])
    func readmeNames(script: String) {
        let data = (try? Data(contentsOf: Repository.root.appending(path: "README.md"))) ?? Data()
        #expect(String(decoding: data, as: UTF8.self).contains(script), "README.md does not name \(script)")
    }
}
