/// Checks of a string by the bytes of an atom's key.
enum TextProgram {
    @inline(__always) private static func length(_ p: BytePointer) -> Int {
        Int(UInt32(littleEndian: UnsafeRawPointer(p).loadUnaligned(as: UInt32.self)))
    }

    /// A wildcard of at least two pieces: the first and the last at the ends, the others in order between.
    static func wildcard(_ program: BytePointer, _ programLength: Int, _ bytes: BytePointer, _ count: Int) -> Bool {
        let programEnd = program + programLength
        let first = length(program)
        guard first <= count, ByteHash.equal(program + 4, bytes, first) else { return false }
        var piece = program + 4 + first
        var position = first
        while true {
            let size = length(piece)
            let text = piece + 4
            piece = text + size
            if piece == programEnd {
                return count - position >= size && ByteHash.equal(text, bytes + (count - size), size)
            }
            while true {
                guard position + size <= count else { return false }
                if ByteHash.equal(text, bytes + position, size) { break }
                position += 1
            }
            position += size
        }
    }

    /// Text but for case, unit by unit (spec: patterns §2.9). The first byte tells whether all of the string is meant, its
    /// beginning or its end; then come the two forms of each unit, each behind its length.
    static func units(_ program: BytePointer, _ programLength: Int, _ bytes: BytePointer, _ count: Int) -> Bool {
        let mode = program[0]
        if mode == 2 { return suffixUnits(program, programLength, bytes, count) }
        var form = 1
        var position = 0
        while form < programLength {
            let lower = Int(program[form])
            let upperAt = form + 1 + lower
            let upper = Int(program[upperAt])
            if stands(program + form + 1, lower, bytes, position, count) {
                position += lower
            } else if stands(program + upperAt + 1, upper, bytes, position, count) {
                position += upper
            } else {
                return false
            }
            form = upperAt + 1 + upper
        }
        return mode == 1 || position == count
    }

    @inline(__always) private static func stands(
        _ form: BytePointer,
        _ size: Int,
        _ bytes: BytePointer,
        _ position: Int,
        _ count: Int
    ) -> Bool {
        position + size <= count && ByteHash.equal(form, bytes + position, size)
    }

    /// The same from the end of the string.
    private static func suffixUnits(
        _ program: BytePointer,
        _ programLength: Int,
        _ bytes: BytePointer,
        _ count: Int
    ) -> Bool {
        var starts: [Int] = []
        var form = 1
        while form < programLength {
            starts.append(form)
            form += 1 + Int(program[form])
            form += 1 + Int(program[form])
        }
        var position = count
        while let form = starts.popLast() {
            let lower = Int(program[form])
            let upperAt = form + 1 + lower
            let upper = Int(program[upperAt])
            if position >= lower, ByteHash.equal(program + form + 1, bytes + (position - lower), lower) {
                position -= lower
            } else if position >= upper, ByteHash.equal(program + upperAt + 1, bytes + (position - upper), upper) {
                position -= upper
            } else {
                return false
            }
        }
        return true
    }

    /// An address block, by its first and last address.
    static func block(_ program: BytePointer, _ programLength: Int, _ address: IPAddress) -> Bool {
        let bounds = UnsafeRawPointer(program)
        if programLength == 8 {
            let first = UInt32(littleEndian: bounds.loadUnaligned(as: UInt32.self))
            let last = UInt32(littleEndian: bounds.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
            return address.leading >= first && address.leading <= last
        }
        let first = UInt128(littleEndian: bounds.loadUnaligned(as: UInt128.self))
        let last = UInt128(littleEndian: bounds.loadUnaligned(fromByteOffset: 16, as: UInt128.self))
        if case .v6(let value) = address { return value >= first && value <= last }
        // An IPv4 address and an IPv6 block compare by their leading digits, ends excluded (spec: patterns §2.12).
        return address.leading > UInt32(truncatingIfNeeded: first >> 96)
            && address.leading < UInt32(truncatingIfNeeded: last >> 96)
    }
}

/// Looks for the runs of bytes that wildcards have in their middle.
enum GramScan {
    static func run(
        _ bytes: BytePointer,
        _ count: Int,
        _ grams: Block,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        let lengths = GramFilter.at(grams).pointee.lengths
        let words = GramFilter.words(grams)
        for length in 1...4 where lengths & 1 << UInt64(length) != 0 && length <= count {
            let mask = UInt32.max &>> UInt32(32 - 8 * length)
            for position in 0...(count - length) {
                var gram: UInt32
                if position &+ 4 <= count {
                    gram =
                        UInt32(littleEndian: UnsafeRawPointer(bytes + position).loadUnaligned(as: UInt32.self)) & mask
                } else {
                    gram = 0
                    for index in 0..<length { gram |= UInt32(bytes[position + index]) << UInt32(8 * index) }
                }
                let place = GramFilter.place(gram, length)
                guard words[place >> 6] & 1 &<< UInt64(place & 63) != 0 else { continue }
                hit(bytes, position, length, count, path, &scratch)
            }
        }
    }

    private static func hit(
        _ bytes: BytePointer,
        _ position: Int,
        _ length: Int,
        _ count: Int,
        _ path: UnsafeMutablePointer<PathNode>,
        _ scratch: inout MatchScratch
    ) {
        guard let entry = MatcherMap.find(path.pointee.values, MapKey(.gram, bytes + position, length)) else { return }
        // A run that comes up often is looked at once a token.
        guard scratch.fired.isNew(MapEntry.at(entry).pointee.id, token: scratch.token) else { return }
        TokenMatcher.wildcards(of: entry, bytes, count, path, &scratch)
    }
}
