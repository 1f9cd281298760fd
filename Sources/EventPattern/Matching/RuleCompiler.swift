/// A rule as atoms: what adding it puts into a matcher, and what removing it takes out.
struct CompiledRule {
    struct Condition: Hashable {
        var path: [UInt8]
        var acceptsAbsence = false
        /// One of these must fire.
        var atoms: [AtomKey] = []
        /// Or one of these must leave a token over.
        var exclusions: [AtomKey] = []
    }

    struct Branch {
        var conditions: [Condition]
        /// The condition whose atoms bring the branch up, or -1 if it must be looked at for every event.
        var access = -1
    }

    var branches: [Branch]

    init(_ pattern: Pattern) {
        branches = pattern.branches.map { branch in
            Branch(
                conditions: branch.conditions.map { index in
                    let condition = pattern.conditions[Int(index)]
                    return Self.compile(condition, path: pattern.paths[condition.path])
                }
            )
        }
    }

    private static func compile(_ condition: Pattern.Condition, path: [UInt8]) -> Condition {
        var compiled = Condition(path: path, acceptsAbsence: condition.acceptsAbsence)
        for alternative in condition.alternatives {
            guard let key = AtomKey(alternative) else { continue }
            if key.kind == .exclusion {
                if !compiled.exclusions.contains(key) { compiled.exclusions.append(key) }
            } else if !compiled.atoms.contains(key) {
                compiled.atoms.append(key)
            }
        }
        return compiled
    }

    /// The rule as bytes.
    var recipe: [UInt8] {
        var writer = KeyWriter()
        writer.append(UInt16(branches.count))
        for branch in branches {
            writer.append(Int16(branch.access))
            writer.append(UInt16(branch.conditions.count))
            for condition in branch.conditions {
                writer.append(condition.path)
                writer.append(UInt8(condition.acceptsAbsence ? 1 : 0))
                writer.append(UInt16(condition.atoms.count))
                for atom in condition.atoms { writer.append(atom) }
                writer.append(UInt16(condition.exclusions.count))
                for exclusion in condition.exclusions { writer.append(exclusion) }
            }
        }
        return writer.bytes
    }

    init(recipe: [UInt8]) {
        var reader = KeyReader(recipe)
        branches = []
        for _ in 0..<reader.number(UInt16.self) {
            var branch = Branch(conditions: [], access: Int(reader.number(Int16.self)))
            for _ in 0..<reader.number(UInt16.self) {
                var condition = Condition(path: reader.text(), acceptsAbsence: reader.number(UInt8.self) == 1)
                for _ in 0..<reader.number(UInt16.self) { condition.atoms.append(reader.key()) }
                for _ in 0..<reader.number(UInt16.self) { condition.exclusions.append(reader.key()) }
                branch.conditions.append(condition)
            }
            branches.append(branch)
        }
    }

    /// Whether this rule is nothing but one atom.
    var isSingleAtom: Bool {
        guard branches.count == 1, branches[0].conditions.count == 1 else { return false }
        let condition = branches[0].conditions[0]
        return condition.atoms.count == 1 && condition.exclusions.isEmpty && !condition.acceptsAbsence
    }
}

extension AtomKey {
    /// The key of an alternative; nil for `{"exists": false}`.
    init?(_ matcher: ValueMatcher) {
        switch matcher {
        case .bool(let value): self.init(kind: value ? .true : .false)
        case .null: self.init(kind: .null)
        case .exists(let isPresent):
            guard isPresent else { return nil }
            self.init(kind: .any)
        case .string(let text): self.init(kind: .exact, bytes: text)
        case .address(.v4(let address), _): self.init(kind: .address4, bytes: Self.word(address))
        case .address(.v6(let address), _): self.init(kind: .address6, bytes: Self.word(address))
        case .number(.comparable(let value)): self.init(kind: .number, bytes: Self.double(value))
        case .number(.opaque(let lexeme)): self.init(kind: .lexeme, bytes: lexeme)
        case .prefix(let text): self.init(kind: .prefix, bytes: text)
        case .suffix(let text): self.init(kind: .suffix, bytes: text)
        case .equalsIgnoreCase(let text): self.init(text, .foldedExact, mode: 0)
        case .prefixIgnoreCase(let text): self.init(text, .foldedPrefix, mode: 1)
        case .suffixIgnoreCase(let text): self.init(text, .foldedSuffix, mode: 2)
        case .wildcard(let wildcard): self.init(wildcard)
        case .numeric(let range): self.init(range)
        case .cidr(let block): self.init(block)
        case .anythingBut(let exclusion): self.init(exclusion)
        }
    }

    private static func word(_ number: some FixedWidthInteger) -> [UInt8] {
        var writer = KeyWriter()
        writer.append(number)
        return writer.bytes
    }

    private static func double(_ value: Double) -> [UInt8] {
        word((value == 0 ? 0 : value).bitPattern)
    }

    /// ASCII letters fold to one another alone, so that folded text can be looked up; other operands keep their forms.
    private init(_ text: CaseInsensitiveText, _ folded: AtomKind, mode: UInt8) {
        guard text.text.contains(where: { $0 >= 0x80 }) else {
            self.init(kind: folded, bytes: text.text.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 })
            return
        }
        var bytes = [mode]
        for index in 0..<text.count {
            let (lower, upper) = text.forms(at: index)
            bytes.append(UInt8(lower.count))
            bytes.append(contentsOf: lower)
            bytes.append(UInt8(upper.count))
            bytes.append(contentsOf: upper)
        }
        self.init(kind: .units, bytes: bytes)
    }

    private init(_ wildcard: Wildcard) {
        let pieces = wildcard.pieces
        if pieces.count == 1 {
            self.init(kind: .exact, bytes: pieces[0])
            return
        }
        if pieces.count == 2, pieces[0].isEmpty || pieces[1].isEmpty {
            self.init(kind: pieces[1].isEmpty ? .prefix : .suffix, bytes: pieces[pieces[1].isEmpty ? 0 : 1])
            return
        }
        var writer = KeyWriter()
        for piece in wildcard.pieces { writer.append(piece) }
        self.init(kind: .wildcard, bytes: writer.bytes)
    }

    private init(_ range: NumericRange) {
        var writer = KeyWriter()
        writer.append((range.lower?.value ?? -.infinity).bitPattern)
        writer.append((range.upper?.value ?? .infinity).bitPattern)
        writer.append(UInt8((range.lower?.isInclusive ?? false ? 1 : 0) | (range.upper?.isInclusive ?? false ? 2 : 0)))
        self.init(kind: .range, bytes: writer.bytes)
    }

    private init(_ block: AddressBlock) {
        var writer = KeyWriter()
        switch (block.first, block.last) {
        case (.v4(let first), .v4(let last)):
            writer.append(first)
            writer.append(last)
        case (.v6(let first), .v6(let last)):
            writer.append(first)
            writer.append(last)
        default: preconditionFailure("a block of two families")
        }
        self.init(kind: .block, bytes: writer.bytes)
    }

    private init(_ exclusion: ValueMatcher.Exclusion) {
        let keys: [AtomKey] =
            switch exclusion {
            case .strings(let texts): texts.map { AtomKey(kind: .exact, bytes: $0) }
            case .numbers(let numbers): numbers.map { AtomKey(kind: .number, bytes: Self.double($0)) }
            case .prefixes(let texts): texts.map { AtomKey(kind: .prefix, bytes: $0) }
            case .suffixes(let texts): texts.map { AtomKey(kind: .suffix, bytes: $0) }
            case .equalsIgnoreCase(let texts): texts.map { AtomKey($0, .foldedExact, mode: 0) }
            case .wildcards(let wildcards): wildcards.map { AtomKey($0) }
            }
        var writer = KeyWriter()
        var seen: Set<AtomKey> = []
        for key in keys where seen.insert(key).inserted { writer.append(key) }
        self.init(kind: .exclusion, bytes: writer.bytes)
    }

    /// The keys of what an exclusion names.
    var excluded: [AtomKey] {
        var reader = KeyReader(bytes)
        var keys: [AtomKey] = []
        while !reader.isAtEnd { keys.append(reader.key()) }
        return keys
    }

    /// Where else a wildcard is noted: under how it begins or ends, or under some bytes in its middle. Text without these
    /// does not match. A pure function, so that removing finds what adding chose.
    var trigger: AtomKey {
        var reader = KeyReader(bytes)
        var pieces: [[UInt8]] = []
        while !reader.isAtEnd { pieces.append(reader.text()) }
        let first = pieces[0]
        let last = pieces[pieces.count - 1]
        var longest: [UInt8] = []
        for piece in pieces.dropFirst().dropLast() where piece.count > longest.count { longest = piece }
        if first.count >= min(3, max(last.count, longest.count)), !first.isEmpty {
            return AtomKey(kind: .prefix, bytes: first)
        }
        if last.count >= min(3, longest.count), !last.isEmpty { return AtomKey(kind: .suffix, bytes: last) }
        guard !longest.isEmpty else { return AtomKey(kind: .prefix) }
        // Of a long piece, an arbitrary window, lest wildcards that begin alike all share one.
        let length = min(4, longest.count)
        var best: (hash: UInt64, gram: [UInt8]) = (0, [])
        for start in 0...(longest.count - length) {
            let gram = AtomKey(kind: .gram, bytes: Array(longest[start..<(start + length)]))
            let hash = gram.withKey { $0.hash }
            if best.gram.isEmpty || hash > best.hash { best = (hash, gram.bytes) }
        }
        return AtomKey(kind: .gram, bytes: best.gram)
    }
}
