import EventModel

/// Decides the branches that came up during an event, now that all atoms that fire have fired.
enum CandidateCheck {
    static func run(_ storage: MatcherStorage, _ event: UnsafeBufferPointer<UInt8>, _ scratch: inout MatchScratch) {
        storage.always.visit { item in
            if let branch = item.block { scratch.candidates.append(branch) }
        }
        var undecided: [UInt32] = []
        for index in 0..<scratch.candidates.count {
            let branch = scratch.candidates.base[index]
            let flags = Blocks.head(branch).pointee.flags
            let needsSearch = scratch.hasSharedArray && flags & BranchBlock.sharesNodes != 0
            let rule = BranchBlock.at(branch).pointee.rule
            if flags & BranchBlock.isDecided == 0, !holds(branch, ignoringAbsence: needsSearch, &scratch) { continue }
            if needsSearch {
                undecided.append(rule)
            } else if flags & BranchBlock.isRepeatable == 0 || scratch.fired.insert(FiredSet.rule | UInt64(rule)) {
                scratch.matched.append(rule)
            }
        }
        if !undecided.isEmpty { search(storage, undecided, event, &scratch) }
        if scratch.matched.count > 1 { sort(&scratch) }
    }

    /// Whether every condition of a branch is met, array memberships aside.
    @inline(__always) private static func holds(
        _ branch: Block,
        ignoringAbsence: Bool,
        _ scratch: inout MatchScratch
    ) -> Bool {
        var words = BranchBlock.words(branch)
        for _ in 0..<BranchBlock.at(branch).pointee.conditions {
            let path = words[0] &>> 1
            let acceptsAbsence = words[0] & 1 != 0
            let atoms = Int(words[1] & 0xFFFF_FFFF)
            let exclusions = Int(words[1] &>> 32)
            words += 2
            var isMet = acceptsAbsence && (ignoringAbsence || scratch.fired.count(of: path) == 0)
            for index in 0..<atoms where !isMet { isMet = scratch.fired.count(of: words[index]) > 0 }
            for index in atoms..<(atoms + exclusions) where !isMet {
                isMet = scratch.fired.count(of: path) > scratch.fired.count(of: words[index])
            }
            guard isMet else { return false }
            words += atoms + exclusions
        }
        return true
    }

    /// Decides rules by the search for consistent memberships (spec: patterns §2.4).
    private static func search(
        _ storage: MatcherStorage,
        _ rules: [UInt32],
        _ event: UnsafeBufferPointer<UInt8>,
        _ scratch: inout MatchScratch
    ) {
        var patterns: [Pattern] = []
        var numbers: [UInt32] = []
        for rule in rules where scratch.fired.insert(FiredSet.rule | UInt64(rule)) {
            guard let pattern = storage.pattern(of: rule) else { continue }
            patterns.append(pattern)
            numbers.append(rule)
        }
        let set = PatternSet(patterns)
        guard let flat = try? set.flatten(Array(event)) else { return }
        for (index, rule) in numbers.enumerated() where set.matches(index, flat) { scratch.matched.append(rule) }
    }

    private static func sort(_ scratch: inout MatchScratch) {
        var matched = UnsafeMutableBufferPointer(start: scratch.matched.base, count: scratch.matched.count)
        guard matched.count <= 16 else {
            matched.sort()
            return
        }
        for index in 1..<matched.count {
            let number = matched[index]
            var place = index
            while place > 0, matched[place - 1] > number {
                matched[place] = matched[place - 1]
                place -= 1
            }
            matched[place] = number
        }
    }
}
