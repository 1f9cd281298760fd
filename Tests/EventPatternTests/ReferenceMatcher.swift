import EventModel

/// Matching written once more, directly from the definition and without any care for speed
/// (spec: patterns §2.2, §2.4, §2.16). It knows literals, `exists`, `prefix` and `anything-but` of literals.
enum ReferenceMatcher {
    private struct Entry {
        var path: String
        var token: JSONValue
        var memberships: [Int: Int]
    }

    private typealias Branch = [(path: String, alternatives: [JSONValue])]

    static func matches(pattern: JSONValue, event: JSONValue) -> Bool {
        var entries: [Entry] = []
        var arrays = 0
        flatten(event, path: nil, memberships: [:], &arrays, &entries)
        var branches: [Branch] = [[]]
        expand(pattern, prefix: nil, &branches)
        return branches.contains { branch in
            let fields = branch.sorted { $0.path.utf16.lexicographicallyPrecedes($1.path.utf16) }
            return go(0, fields, entries, [:])
        }
    }

    private static func join(_ prefix: String?, _ key: String) -> String {
        prefix.map { "\($0).\(key)" } ?? key
    }

    private static func flatten(
        _ value: JSONValue,
        path: String?,
        memberships: [Int: Int],
        _ arrays: inout Int,
        _ entries: inout [Entry]
    ) {
        if let object = value.object {
            for member in object.members {
                flatten(member.value, path: join(path, member.key), memberships: memberships, &arrays, &entries)
            }
        } else if let elements = value.array {
            let id = arrays
            arrays += 1
            for (index, element) in elements.enumerated() {
                var inner = memberships
                if element.object != nil || element.array != nil { inner[id] = index }
                flatten(element, path: path, memberships: inner, &arrays, &entries)
            }
        } else {
            entries.append(Entry(path: path ?? "", token: value, memberships: memberships))
        }
    }

    private static func expand(_ value: JSONValue, prefix: String?, _ branches: inout [Branch]) {
        for member in value.object?.members ?? [] {
            if member.key == "$or" {
                let saved = branches
                var result: [Branch] = []
                for alternative in member.value.array ?? [] {
                    branches = saved
                    expand(alternative, prefix: prefix, &branches)
                    result += branches
                }
                branches = result
            } else if let alternatives = member.value.array {
                let path = join(prefix, member.key)
                for index in branches.indices {
                    branches[index].removeAll { $0.path == path }
                    branches[index].append((path, alternatives))
                }
            } else {
                expand(member.value, prefix: join(prefix, member.key), &branches)
            }
        }
    }

    private static func consistent(_ left: [Int: Int], _ right: [Int: Int]) -> Bool {
        left.allSatisfy { right[$0.key] == nil || right[$0.key] == $0.value }
    }

    private static func go(_ index: Int, _ fields: Branch, _ entries: [Entry], _ memberships: [Int: Int]) -> Bool {
        guard index < fields.count else { return true }
        let field = fields[index]
        let seen = entries.filter { $0.path == field.path && consistent($0.memberships, memberships) }
        for entry in seen where field.alternatives.contains(where: { accepts($0, entry.token) }) {
            let joined = memberships.merging(entry.memberships) { first, _ in first }
            if go(index + 1, fields, entries, joined) { return true }
        }
        let absence: JSONValue = .object(["exists": false])
        return seen.isEmpty && field.alternatives.contains(absence) && go(index + 1, fields, entries, memberships)
    }

    private static func accepts(_ alternative: JSONValue, _ token: JSONValue) -> Bool {
        guard let object = alternative.object, let operation = object.members.first else {
            return equal(alternative, token)
        }
        switch operation.key {
        case "exists": return operation.value.bool == true
        case "prefix": return token.string?.hasPrefix(operation.value.string ?? "") ?? false
        default: return !(operation.value.array ?? [operation.value]).contains { equal($0, token) }
        }
    }

    private static func equal(_ left: JSONValue, _ right: JSONValue) -> Bool {
        if let number = left.double, let other = right.double { return number == other }
        return left == right
    }
}
