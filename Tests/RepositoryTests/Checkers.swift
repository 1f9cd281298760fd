/// Holds every `import` against the module table.
enum ImportChecker {
    static func check(_ file: SourceFile) -> [Violation] {
        guard let target = file.target, !ModuleTable.isBenchmark(target) else { return [] }
        guard let rule = ModuleTable.rule(of: target) else {
            return [Violation(path: file.path, line: nil, text: "target \(target) is not in the module table")]
        }
        return imports(file.swift).compactMap { line, module in
            guard !rule.imports.contains(module) else { return nil }
            return Violation(path: file.path, line: line, text: "\(target) must not import \(module)")
        }
    }

    static func check(folders: [String]) -> [Violation] {
        folders.filter { ModuleTable.rule(of: $0) == nil && !ModuleTable.isBenchmark($0) }
            .map { Violation(path: "Sources/\($0)", line: nil, text: "is not in the module table") }
    }

    static func imports(_ text: SwiftText) -> [(line: Int, module: String)] {
        var found: [(line: Int, module: String)] = []
        for (index, line) in text.code.enumerated() {
            for statement in line.split(separator: UInt8(ascii: ";")) {
                var words = String(decoding: statement, as: UTF8.self).split { $0 == " " || $0 == "\t" }
                while let word = words.first, word.hasPrefix("@") || accessLevels.contains(word) { words.removeFirst() }
                guard words.first == "import" else { continue }
                words.removeFirst()
                if let word = words.first, kinds.contains(word) { words.removeFirst() }
                guard let module = words.first?.split(separator: ".").first else { continue }
                found.append((index + 1, String(module)))
            }
        }
        return found
    }

    private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
    private static let kinds: Set<Substring> = [
        "struct", "class", "enum", "protocol", "typealias", "func", "var", "let", "actor",
    ]
}

/// Keeps clocks, the system's randomness and the system's libraries out of cores, drivers and the simulation.
enum DeterminismChecker {
    static let words = [
        "Date(", "Date.now", "ContinuousClock", "SuspendingClock", "SystemClock", "UTCClock", "clock_gettime",
        "gettimeofday",
        "time(nil)", ".now()", "ProcessInfo", "SystemRandomNumberGenerator", "arc4random", "UUID(", ".shuffled()",
        ".shuffle()", ".randomElement()", ".random()", "Task.sleep",
    ]
    static let modules = ["Foundation", "FoundationEssentials", "Glibc", "Darwin", "Musl", "Dispatch"]

    static func check(_ file: SourceFile) -> [Violation] {
        guard let target = file.target, let rule = ModuleTable.rule(of: target),
            [.core, .driver, .support].contains(rule.layer)
        else { return [] }
        let text = file.swift
        let code = text.joined
        var found = ImportChecker.imports(text).filter { modules.contains($0.module) }.map {
            Violation(path: file.path, line: $0.line, text: "\(target) must not depend on \($0.module)")
        }
        for word in words {
            found += code.offsets(ofWord: word).map {
                Violation(path: file.path, line: code.line(of: $0), text: "\(word) in \(target)")
            }
        }
        for start in code.offsets(ofWord: ".random(in:") where !argumentsHoldGenerator(code, start) {
            let text = ".random(in:) without using: in \(target)"
            found.append(Violation(path: file.path, line: code.line(of: start), text: text))
        }
        return found
    }

    private static func argumentsHoldGenerator(_ code: [UInt8], _ start: Int) -> Bool {
        guard let open = code[start...].firstIndex(of: UInt8(ascii: "(")) else { return false }
        var depth = 0
        for position in open..<code.count {
            if code[position] == UInt8(ascii: "(") { depth += 1 }
            if code[position] == UInt8(ascii: ")") { depth -= 1 }
            if depth == 0 { return !Array(code[open..<position]).offsets(ofWord: "using:").isEmpty }
        }
        return false
    }
}

/// Words that no source file may hold.
enum CrashChecker {
    static let words = ["try!", "as!", "fatalError("]

    static func check(_ file: SourceFile) -> [Violation] {
        let code = file.swift.joined
        return words.flatMap { word in
            code.offsets(ofWord: word).map { Violation(path: file.path, line: code.line(of: $0), text: word) }
        }
    }
}

/// Comments that only divide a file, which should be two files then.
enum BannerChecker {
    static func check(_ file: SourceFile) -> [Violation] {
        file.swift.comments.filter { isBanner($0.text) }
            .map { Violation(path: file.path, line: $0.line, text: "banner comment: \($0.text.prefix(40))") }
    }

    private static func isBanner(_ comment: String) -> Bool {
        let content = comment.drop { $0 == "/" || $0 == "*" || $0 == " " }
        if content.hasPrefix("MARK:") { return true }
        if comment.hasPrefix("////") { return true }
        return comment.split(separator: "\n").contains { line in
            let marks = line.drop { $0 == "/" || $0 == " " }.prefix { "-=*#_~+─━═".contains($0) }
            return marks.count >= 4
        }
    }
}

/// Waiting in tests makes them slow or flaky.
enum SleepChecker {
    static func check(_ file: SourceFile) -> [Violation] {
        let code = file.swift.joined
        return ["sleep(", "usleep(", "nanosleep("].flatMap { word in
            code.offsets(ofWord: word).map { Violation(path: file.path, line: code.line(of: $0), text: word) }
        }
    }
}
