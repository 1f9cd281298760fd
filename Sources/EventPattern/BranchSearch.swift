/// The search for consistent array memberships within one branch (spec: patterns §2.4).
///
/// The definition tries every combination. Here the candidates of a field are looked at once per array element, elements
/// that contradict the memberships fixed so far are jumped over, and failed positions are remembered by the memberships
/// that later fields can see. For events whose objects have distinct keys that makes the work about linear; an
/// event made to have the same path in many sibling arrays can encode any search problem, so the number of steps is
/// bounded as well, and a pattern that exceeds it does not match.
struct BranchSearch {
    private struct Field {
        /// Scopes with an accepted token, ascending, each once.
        var candidates: [Int32]
        /// Scopes of all tokens likewise, if absence satisfies the field.
        var present: [Int32]
        var acceptsAbsence: Bool
    }

    private let event: FlatEvent
    private var fields: [Field] = []
    /// The element fixed for each array, or 0.
    private var fixed: [Int32]
    /// The arrays for which one is fixed, in that order.
    private var fixedArrays: [Int32] = []
    /// The last field that looks at each array, or -1.
    private var lastUse: [Int32]
    private var failed: Set<[Int32]> = []
    /// Steps left.
    private(set) var budget: Int
    /// The furthest field that was reached.
    private(set) var furthest = 0

    /// The steps that an event's matching may take for one pattern.
    static func budget(for event: FlatEvent) -> Int {
        64 * (event.entries.count + event.scopes.count) + 250_000
    }

    init(_ pattern: Pattern, _ branch: Pattern.Branch, _ event: FlatEvent, numbers: [Int32], budget: Int) {
        self.event = event
        self.budget = budget
        fixed = [Int32](repeating: 0, count: event.arrayEnds.count)
        lastUse = [Int32](repeating: -1, count: event.arrayEnds.count)
        let text = event.storage.span
        for (position, index) in branch.conditions.enumerated() {
            let condition = pattern.conditions[Int(index)]
            var field = Field(candidates: [], present: [], acceptsAbsence: condition.acceptsAbsence)
            var next = event.heads[Int(numbers[condition.path])]
            while next >= 0 {
                let entry = event.entries[Int(next)]
                if condition.acceptsAbsence, field.present.last != entry.scope { field.present.append(entry.scope) }
                if field.candidates.last != entry.scope, condition.accepts(entry, text) {
                    field.candidates.append(entry.scope)
                }
                next = entry.next
            }
            field.candidates = Self.ascending(field.candidates)
            field.present = Self.ascending(field.present)
            for scope in condition.acceptsAbsence ? field.present : field.candidates {
                markUse(of: scope, by: Int32(position))
            }
            fields.append(field)
        }
    }

    /// Scopes sorted without repeats. They nearly always come that way already.
    private static func ascending(_ scopes: [Int32]) -> [Int32] {
        for index in scopes.indices.dropFirst() where scopes[index - 1] >= scopes[index] {
            return Set(scopes).sorted()
        }
        return scopes
    }

    private mutating func markUse(of scope: Int32, by field: Int32) {
        var scope = scope
        while scope > 0 {
            let element = event.scopes[Int(scope)]
            // The elements around were marked together with this one.
            guard lastUse[Int(element.array)] < field else { return }
            lastUse[Int(element.array)] = field
            scope = element.parent
        }
    }

    /// Whether the branch matches.
    mutating func run() -> Bool {
        go(0)
    }

    /// Whether the fields from `index` on can be satisfied with the memberships fixed. Recursion is bounded by the fields of
    /// a branch.
    private mutating func go(_ index: Int) -> Bool {
        furthest = max(furthest, index)
        guard budget > 0 else { return false }
        guard index < fields.count else { return true }
        let key = state(at: index)
        guard !failed.contains(key) else { return false }
        var position = 0
        while let next = consistent(in: fields[index].candidates, from: position) {
            let before = fixedArrays.count
            fix(fields[index].candidates[next])
            let found = go(index + 1)
            while fixedArrays.count > before { fixed[Int(fixedArrays.removeLast())] = 0 }
            if found { return true }
            position = next + 1
        }
        if fields[index].acceptsAbsence, consistent(in: fields[index].present, from: 0) == nil, go(index + 1) {
            return true
        }
        failed.insert(key)
        return false
    }

    /// What the fields from `index` on can tell apart: the index and the elements fixed for arrays they look at.
    private func state(at index: Int) -> [Int32] {
        var key: [Int32] = []
        for array in fixedArrays where lastUse[Int(array)] >= Int32(index) { key.append(fixed[Int(array)]) }
        key.sort()
        key.append(Int32(index))
        return key
    }

    /// Fixes the element of every array around a scope.
    private mutating func fix(_ scope: Int32) {
        var scope = scope
        while scope > 0 {
            let element = event.scopes[Int(scope)]
            // An array is never fixed without those around it.
            guard fixed[Int(element.array)] == 0 else { return }
            fixed[Int(element.array)] = scope
            fixedArrays.append(element.array)
            scope = element.parent
        }
    }

    /// The first place from `start` on whose scope contradicts no fixed membership; nil if there is none or the budget ends.
    private mutating func consistent(in scopes: [Int32], from start: Int) -> Int? {
        var position = start
        while position < scopes.count, budget > 0 {
            // The outermost contradiction decides how far to jump.
            var conflict: Int32 = 0
            var scope = scopes[position]
            budget -= 1
            while scope > 0 {
                let element = event.scopes[Int(scope)]
                let chosen = fixed[Int(element.array)]
                if chosen > 0, chosen != scope { conflict = scope }
                scope = element.parent
                budget -= 1
            }
            guard conflict > 0 else { return position }
            // Numbers grow in the order of the text, so all up to the fixed element, or behind it up to the end of the
            // array, contradict as well.
            let array = Int(event.scopes[Int(conflict)].array)
            let target = conflict < fixed[array] ? fixed[array] : event.arrayEnds[array]
            position = Self.lowerBound(of: target, in: scopes, from: position + 1)
        }
        return nil
    }

    private static func lowerBound(of target: Int32, in scopes: [Int32], from start: Int) -> Int {
        var low = start
        var high = scopes.count
        while low < high {
            let middle = (low + high) / 2
            if scopes[middle] < target { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
