import Foundation
import Yams

/// Reads a YAML mapping strictly: every key must be asked for, and every problem is noted with its line.
final class ConfigurationReader {
    /// What is wrong with a file.
    final class Problems {
        var lines: [String] = []
        /// What works and is seldom meant.
        var warnings: [String] = []
    }

    let problems: Problems
    private let path: String
    private let node: Node
    private let mapping: Node.Mapping?
    private var known: [String] = []

    init(_ node: Node, path: String, problems: Problems) {
        self.node = node
        self.path = path
        self.problems = problems
        mapping = node.mapping
        if mapping == nil, node.null == nil { note("must be a mapping of keys to values", at: node) }
    }

    /// Notes a problem with the line it is on.
    func note(_ text: String, at place: Node? = nil, key: String? = nil) {
        problems.lines.append(remark(text, at: place, key: key))
    }

    /// Notes what does not keep a node from running.
    func warn(_ text: String, at place: Node? = nil, key: String? = nil) {
        problems.warnings.append(remark(text, at: place, key: key))
    }

    private func remark(_ text: String, at place: Node?, key: String?) -> String {
        let line = (place ?? node).mark.map { "line \($0.line): " } ?? ""
        let name = [path, key ?? ""].filter { !$0.isEmpty }.joined(separator: ".")
        return "\(line)\(name.isEmpty ? "the file" : name) \(text)"
    }

    /// Warns when everybody on the machine may read a secret file.
    func warnOfReaders(_ file: String, key: String) {
        let attributes = try? FileManager.default.attributesOfItem(atPath: file)
        guard let mode = (attributes?[.posixPermissions] as? NSNumber)?.intValue, mode & 0o004 != 0 else { return }
        warn("can be read by every user of this machine: chmod o= \(file)", at: value(key), key: key)
    }

    func value(_ key: String) -> Node? {
        known.append(key)
        guard let value = mapping?[key], value.null == nil else { return nil }
        return value
    }

    /// Whether the file says anything for a key, right or wrong.
    func has(_ key: String) -> Bool { value(key) != nil }

    func string(_ key: String) -> String? {
        guard let value = value(key) else { return nil }
        guard let scalar = value.scalar, !scalar.string.isEmpty else {
            note("must be a text that is not empty", at: value, key: key)
            return nil
        }
        return scalar.string
    }

    /// A list of texts; empty when the key is absent.
    func strings(_ key: String) -> [String] {
        guard let value = value(key) else { return [] }
        guard let sequence = value.sequence, sequence.allSatisfy({ $0.scalar != nil }) else {
            note("must be a list of texts", at: value, key: key)
            return []
        }
        return sequence.compactMap { $0.scalar?.string }
    }

    /// A mapping of texts to texts, in its order; empty when the key is absent.
    func texts(_ key: String) -> [(key: String, value: String)] {
        guard let value = value(key) else { return [] }
        guard let mapping = value.mapping, mapping.allSatisfy({ $0.key.scalar != nil && $0.value.scalar != nil }) else {
            note("must map texts to texts", at: value, key: key)
            return []
        }
        return mapping.compactMap { pair in
            guard let name = pair.key.scalar?.string, let text = pair.value.scalar?.string else { return nil }
            return (name, text)
        }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = value(key) else { return nil }
        guard let number = value.int, range.contains(number) else {
            note("must be a whole number from \(range.lowerBound) to \(range.upperBound)", at: value, key: key)
            return nil
        }
        return number
    }

    func bool(_ key: String) -> Bool? {
        guard let value = value(key) else { return nil }
        guard let flag = value.bool else {
            note("must be true or false", at: value, key: key)
            return nil
        }
        return flag
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        guard let text = string(key) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let all = Choice.allCases.map(\.rawValue)
        let hint = Suggestion.closest(to: text, among: all).map { "; did you mean '\($0)'?" } ?? ""
        note("must be one of \(all.joined(separator: ", "))\(hint)", at: value(key), key: key)
        return nil
    }

    /// The reader of a nested mapping, or nil when the key is absent.
    func nested(_ key: String) -> ConfigurationReader? {
        value(key).map { ConfigurationReader($0, path: path.isEmpty ? key : "\(path).\(key)", problems: problems) }
    }

    /// The readers of a list of mappings.
    func list(_ key: String) -> [ConfigurationReader] {
        guard let value = value(key) else { return [] }
        guard let sequence = value.sequence else {
            note("must be a list", at: value, key: key)
            return []
        }
        let place = path.isEmpty ? key : "\(path).\(key)"
        return sequence.enumerated().map {
            ConfigurationReader($0.element, path: "\(place)[\($0.offset)]", problems: problems)
        }
    }

    /// Refuses keys that nobody asked for. Called after the last question.
    func finish() {
        for (key, _) in mapping ?? [:] {
            let name = key.string ?? "?"
            guard !known.contains(name) else { continue }
            let hint = Suggestion.closest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
            note("is not a known key\(hint)", at: key, key: name)
        }
    }
}

/// Finds what a mistyped word may have meant.
enum Suggestion {
    /// The candidate with the fewest edits, if these are at most a third of the word.
    static func closest(to word: String, among candidates: [String]) -> String? {
        let scored = candidates.map { (distance(word.lowercased(), $0.lowercased()), $0) }
        guard let best = scored.min(by: { ($0.0, $0.1) < ($1.0, $1.1) }) else { return nil }
        return best.0 <= max(1, word.count / 3) ? best.1 : nil
    }

    /// Edits that turn one text into the other: insertions, removals, replacements (Levenshtein).
    static func distance(_ left: String, _ right: String) -> Int {
        let target = Array(right)
        var row = Array(0...target.count)
        for (i, character) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in target.enumerated() {
                let replaced = diagonal + (character == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[target.count]
    }
}
