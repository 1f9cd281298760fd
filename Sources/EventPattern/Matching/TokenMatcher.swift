/// Finds the atoms that a token satisfies, and sets off what waits for them.
enum TokenMatcher {
    static let numberKinds = AtomKind.number.bit | AtomKind.lexeme.bit | AtomKind.range.bit
    private static let foldedKinds = AtomKind.foldedExact.bit | AtomKind.foldedPrefix.bit | AtomKind.foldedSuffix.bit
    private static let addressKinds = AtomKind.address4.bit | AtomKind.address6.bit | AtomKind.block.bit

    /// Counts a token and sets off what any token does.
    @inline(__always) static func anyToken(_ node: Block, _ scratch: inout MatchScratch) {
        scratch.token &+= 1
        let path = PathNode.at(node)
        if path.pointee.counted > 0 { scratch.fired.count(path.pointee.id, token: scratch.token) }
        if path.pointee.holds(.any) { literal(.any, path, &scratch) }
    }

    /// A token `true`, `false` or `null`.
    static func literal(_ kind: AtomKind, _ node: Block, _ scratch: inout MatchScratch) {
        anyToken(node, &scratch)
        let path = PathNode.at(node)
        if path.pointee.holds(kind) { literal(kind, path, &scratch) }
    }

    private static func literal(
        _ kind: AtomKind,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        // The key has no bytes, so any address will do.
        fire(kind, scratch.folded.base, 0, path, &scratch)
    }

    /// Sets off an atom if some rule has it.
    @inline(__always) private static func fire(
        _ kind: AtomKind,
        _ bytes: BytePointer,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        guard let entry = MatcherMap.find(path.pointee.values, MapKey(kind, bytes, count)) else { return }
        fire(entry, &scratch)
        if MapEntry.at(entry).pointee.head.flags & MapEntry.actsOnEveryToken != 0 {
            actOnToken(entry, bytes, count, path, &scratch)
        }
    }

    /// Notes that an atom fired and brings up the branches that wait for it, once an event.
    @inline(__always) private static func fire(_ entry: Block, _ scratch: inout MatchScratch) {
        guard scratch.fired.insert(MapEntry.at(entry).pointee.id) else { return }
        MapEntry.at(entry).pointee.items.visit { item in
            if item.tag == MatcherItem.Kind.rule.rawValue {
                scratch.matched.append(UInt32(truncatingIfNeeded: item.value))
            } else if item.tag == MatcherItem.Kind.branch.rawValue, let branch = item.block {
                scratch.candidates.append(branch)
            }
        }
    }

    /// Counts the exclusions that name the token.
    private static func actOnToken(
        _ entry: Block,
        _ bytes: BytePointer,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        MapEntry.at(entry).pointee.items.visit { item in
            if item.tag == MatcherItem.Kind.exclusion.rawValue {
                scratch.fired.count(item.value, token: scratch.token)
            }
        }
    }

    /// A number: its value, NaN if it is not comparable, and its lexeme.
    static func number(
        _ value: Double,
        _ start: BytePointer,
        _ count: Int,
        _ node: Block,
        _ scratch: inout MatchScratch
    ) {
        anyToken(node, &scratch)
        let path = PathNode.at(node)
        if value.isNaN {
            if path.pointee.holds(.lexeme) { fire(.lexeme, start, count, path, &scratch) }
            return
        }
        if path.pointee.holds(.number) {
            withUnsafeBytes(of: value.bitPattern.littleEndian) { bits in
                if let base = bits.assumingMemoryBound(to: UInt8.self).baseAddress {
                    fire(.number, base, 8, path, &scratch)
                }
            }
        }
        path.pointee.ranges.visit { item in
            guard let program = item.block else { return }
            let bytes = Program.bytes(program)
            let bounds = UnsafeRawPointer(bytes)
            let lower = Double(bitPattern: UInt64(littleEndian: bounds.loadUnaligned(as: UInt64.self)))
            let upper = Double(
                bitPattern: UInt64(littleEndian: bounds.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
            guard value >= lower, value <= upper else { return }
            if value == lower, bytes[16] & 1 == 0 { return }
            if value == upper, bytes[16] & 2 == 0 { return }
            fire(.range, bytes, 17, path, &scratch)
        }
    }

    /// A string, decoded.
    static func string(_ bytes: BytePointer, _ count: Int, _ node: Block, _ scratch: inout MatchScratch) {
        anyToken(node, &scratch)
        let path = PathNode.at(node)
        let kinds = path.pointee.kinds
        if kinds & AtomKind.exact.bit != 0 { fire(.exact, bytes, count, path, &scratch) }
        if let table = path.pointee.lengths.0 {
            forEachLength(table, count) { affix(.prefix, bytes, bytes, $0, count, path, &scratch) }
        }
        if let table = path.pointee.lengths.1 {
            forEachLength(table, count) { affix(.suffix, bytes + (count &- $0), bytes, $0, count, path, &scratch) }
        }
        if kinds & foldedKinds != 0 { foldedString(bytes, count, path, &scratch) }
        if let grams = path.pointee.grams, kinds & AtomKind.gram.bit != 0 {
            GramScan.run(bytes, count, grams, path, &scratch)
        }
        if kinds & addressKinds != 0 { address(bytes, count, path, &scratch) }
        if kinds & AtomKind.units.bit != 0 {
            path.pointee.scans.visit { item in
                guard let program = item.block, Program.at(program).pointee.head.kind == .units else { return }
                let length = Int(Program.at(program).pointee.length)
                if TextProgram.units(Program.bytes(program), length, bytes, count) {
                    fire(.units, Program.bytes(program), length, path, &scratch)
                }
            }
        }
    }

    @inline(__always) private static func forEachLength(_ table: Block, _ limit: Int, _ body: (Int) -> Void) {
        let lengths = LengthTable.lengths(table)
        for index in 0..<Int(LengthTable.at(table).pointee.count) {
            let length = Int(lengths[index].length)
            guard length <= limit else { return }
            body(length)
        }
    }

    /// Sets off an affix, and checks the wildcards that have it.
    @inline(__always) private static func affix(
        _ kind: AtomKind,
        _ start: BytePointer,
        _ bytes: BytePointer,
        _ length: Int,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        guard let entry = MatcherMap.find(path.pointee.values, MapKey(kind, start, length)) else { return }
        fire(entry, &scratch)
        guard MapEntry.at(entry).pointee.head.flags & MapEntry.actsOnEveryToken != 0 else { return }
        actOnToken(entry, start, length, path, &scratch)
        wildcards(of: entry, bytes, count, path, &scratch)
    }

    /// Checks the wildcards that an atom is the trigger of.
    static func wildcards(
        of entry: Block,
        _ bytes: BytePointer,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        MapEntry.at(entry).pointee.items.visit { item in
            guard item.tag == MatcherItem.Kind.program.rawValue, let program = item.block else { return }
            let length = Int(Program.at(program).pointee.length)
            if TextProgram.wildcard(Program.bytes(program), length, bytes, count) {
                fire(.wildcard, Program.bytes(program), length, path, &scratch)
            }
        }
    }

    private static func foldedString(
        _ bytes: BytePointer,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        scratch.folded.reserve(count)
        let folded = scratch.folded.base
        for index in 0..<count {
            let byte = bytes[index]
            folded[index] = byte | ((byte &- 0x41) < 26 ? 0x20 : 0)
        }
        if path.pointee.holds(.foldedExact) { fire(.foldedExact, folded, count, path, &scratch) }
        if let table = path.pointee.lengths.2 {
            forEachLength(table, count) { fire(.foldedPrefix, folded, $0, path, &scratch) }
        }
        if let table = path.pointee.lengths.3 {
            forEachLength(table, count) { fire(.foldedSuffix, folded + (count &- $0), $0, path, &scratch) }
        }
    }

    private static func address(
        _ bytes: BytePointer,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        let text = UnsafeBufferPointer(start: bytes, count: count)
        guard let address = IPAddress(text.span, 0, count) else { return }
        withUnsafeBytes(of: address.leading.littleEndian) { word in
            if let base = word.assumingMemoryBound(to: UInt8.self).baseAddress {
                fire(.address4, base, 4, path, &scratch)
            }
        }
        if case .v6(let value) = address {
            withUnsafeBytes(of: value.littleEndian) { word in
                if let base = word.assumingMemoryBound(to: UInt8.self).baseAddress {
                    fire(.address6, base, 16, path, &scratch)
                }
            }
        }
        path.pointee.scans.visit { item in
            guard let program = item.block, Program.at(program).pointee.head.kind == .block else { return }
            let length = Int(Program.at(program).pointee.length)
            if TextProgram.block(Program.bytes(program), length, address) {
                fire(.block, Program.bytes(program), length, path, &scratch)
            }
        }
    }
}
