import Testing

/// The checkers find what they should in small samples, and nothing else.
@Suite struct CheckerTests {
    private func file(_ text: String, _ path: String = "Sources/Delivery/A.swift") -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test func findsForbiddenImports() {
        let text = """
            import EventModel
            // import Foundation
            @testable import Router
            public import struct Foundation.Date
            import Glibc; import SansIO
            let text = "import NIOCore"
            #if canImport(Yams)
                @preconcurrency import Yams
            #endif
            """
        #expect(
            ImportChecker.check(file(text)) == [
                Violation(path: "Sources/Delivery/A.swift", line: 3, text: "Delivery must not import Router"),
                Violation(path: "Sources/Delivery/A.swift", line: 4, text: "Delivery must not import Foundation"),
                Violation(path: "Sources/Delivery/A.swift", line: 5, text: "Delivery must not import Glibc"),
                Violation(path: "Sources/Delivery/A.swift", line: 8, text: "Delivery must not import Yams"),
            ]
        )
        #expect(ImportChecker.check(file(text, "Sources/StoreBenchmark/A.swift")).isEmpty)
        #expect(ImportChecker.check(file("", "Sources/Surprise/A.swift")).count == 1)
        #expect(
            ImportChecker.check(folders: ["SansIO", "Surprise", "StoreBenchmark"])
                == [Violation(path: "Sources/Surprise", line: nil, text: "is not in the module table")]
        )
    }

    /// Arrows point inwards: nothing imports a layer outside its own.
    @Test func tableIsLayered() {
        for rule in ModuleTable.rules {
            for name in rule.imports {
                guard let other = ModuleTable.rule(of: name) else { continue }
                #expect(other.layer.rawValue <= rule.layer.rawValue, "\(rule.name) imports \(name)")
                #expect(rule.layer != .core || other.layer == .core, "\(rule.name) imports \(name)")
                #expect(
                    rule.layer != .driver || [.core, .driver].contains(other.layer),
                    "\(rule.name) imports \(name)"
                )
            }
        }
        #expect(Set(ModuleTable.rules.map(\.name)).count == ModuleTable.rules.count)
    }

    @Test(arguments: [
        "let a = Date()", "let a = ContinuousClock()", "clock_gettime(CLOCK_REALTIME, &t)", "NIODeadline.now()",
        "var g = SystemRandomNumberGenerator()", "Int.random(in: 0..<9)", "Int.random(\n  in: 0)\nInt.random(in: f(1))",
        "a.shuffled()", "a.randomElement()", "Bool.random()", "import Foundation", "import Glibc",
        "let s = \"\\(Date())\"", "try await Task.sleep(for: x)", "UUID().uuidString",
    ])
    func findsNondeterminism(text: String) {
        #expect(!DeterminismChecker.check(file(text)).isEmpty)
        #expect(!DeterminismChecker.check(file(text, "Sources/EventModel/A.swift")).isEmpty)
        #expect(DeterminismChecker.check(file(text, "Sources/Transport/A.swift")).isEmpty)
        #expect(DeterminismChecker.check(file("// " + text.split(separator: "\n").joined(separator: " "))).isEmpty)
    }

    @Test(arguments: [
        "Int.random(in: 0..<9, using: &generator)", "Int.random(\n in: f(1),\n using: &g)", "validDate(x)", "clock.now",
        "a.shuffled(using: &g)", "\"Date()\"", "let raw = #\"Date() \"quoted\" ContinuousClock\"#",
        "/* Date() /* nested */ ContinuousClock */ let a = 1", "\"\"\"\n Date() \" \n\"\"\"",
    ])
    func acceptsDeterminism(text: String) {
        #expect(DeterminismChecker.check(file(text)).isEmpty)
    }

    @Test func findsWordsThatCrash() {
        let text = "let a = try! f()\nlet b = c as! D\nfatalError(\"no\")\nlet d = \"try! as! \\(try! g())\" // try!\n"
        #expect(CrashChecker.check(file(text)).map(\.line) == [1, 4, 2, 3])
        #expect(CrashChecker.check(file("let a = try? f() as? B\nmyfatalError()\nhas!")).isEmpty)
    }

    @Test(arguments: [
        "// MARK: things", "// MARK: - things", "/// MARK: x", "// -----------", "//////////", "// ==== x ====",
        "/* MARK: a */",
        "// **** a",
    ])
    func findsBanners(text: String) {
        #expect(BannerChecker.check(file("let a = 1\n" + text)).map(\.line) == [2])
    }

    @Test(arguments: [
        "// marks the end", "/// a -> b", "let a = \"// MARK: x\"", "// - item", "/// | a |---|", "let a = 1 // x",
    ])
    func acceptsComments(text: String) {
        #expect(BannerChecker.check(file(text)).isEmpty)
    }

    @Test func findsSleep() {
        let text = "try await Task.sleep(for: .seconds(1))\nusleep(5)\nThread.sleep(forTimeInterval: 1)\nsleep(1)"
        #expect(SleepChecker.check(file(text, "Tests/A/A.swift")).map(\.line) == [1, 3, 4, 2])
        #expect(SleepChecker.check(file("asleep(1)\n// sleep(1)\nlet sleep = 1")).isEmpty)
    }

    @Test func measuresFunctions() {
        let text = """
            protocol P {
                func a(_ b: Int) -> Int
                init(x: Int)
                var c: Int { get }
            }
            struct S {
                var stored = 1
                var d: Int {
                    1
                }
                func e(
                    f: () -> Void = { print("}") }
                ) throws
                    -> Int
                {
                    // }
                    let g = "}\\(h { 1 })"
                    return 1
                }
                init() { self.init(1) }
                func one<T>() where T: P { }
            }
            """
        #expect(
            SizeChecker.functions(SwiftText(text)) == [
                .init(keyword: "var", line: 4, lines: 1),
                .init(keyword: "var", line: 8, lines: 3),
                .init(keyword: "func", line: 11, lines: 9),
                .init(keyword: "init", line: 20, lines: 1),
                .init(keyword: "func", line: 21, lines: 1),
            ]
        )
    }

    @Test func boundsFilesAndFunctions() {
        let body = { (lines: Int) in "func a() {\n" + String(repeating: "    b()\n", count: lines) + "}\n" }
        #expect(SizeChecker.check(file(body(68))).isEmpty)
        #expect(SizeChecker.check(file(body(69))).map(\.text) == ["func of 71 lines"])
        let lines = String(repeating: "// x\n", count: 600)
        #expect(SizeChecker.check(file(lines)).isEmpty)
        #expect(SizeChecker.check(file(lines + "// y")).map(\.text) == ["601 lines"])
        #expect(SizeChecker.check(file(lines + "// y", "Tests/A/PatternTable.swift")).isEmpty)
        #expect(SizeChecker.check(file(lines + "// y", "Sources/A/PatternTable.swift")).count == 1)
    }

    @Test func findsWhatGitMustNotTrack() {
        let bad = ["notes.md", "scratch/a", "Package.resolved", "Tests/.build/a", "certs/ca.key", "deploy/node.p12"]
        #expect(TreeChecker.check(paths: bad).map(\.path) == bad)
        let good = [
            "Package.swift", ".gitignore", ".ci/run", "docs/a.md", "Sources/A/B.swift", "README.md", "certs/make",
        ]
        #expect(TreeChecker.check(paths: good).isEmpty)
        let key = "x\n-----BEGIN EC PRIVATE" + " KEY-----\n"
        #expect(TreeChecker.check("certs/a.pem", content: Array(key.utf8)).map(\.line) == [2])
        #expect(TreeChecker.check("certs/a.pem", content: Array("-----BEGIN CERTIFICATE-----".utf8)).isEmpty)
    }

    @Test func tellsCodeFromText() {
        let text = SwiftText("let a = #\"x\\(b) \\#(c) \"\" \"#\nlet d = \"\\\"\" // e\n/* f\n */ g")
        #expect(
            text.code.map { String(decoding: $0, as: UTF8.self).filter { $0 != " " } } == [
                "leta=\"(c)\"", "letd=\"\"", "", "g",
            ]
        )
        #expect(text.comments.map(\.line) == [2, 3])
    }
}
