/// The kinds of key in a matcher's maps.
enum AtomKind: UInt8 {
    /// The part of a path between dots.
    case edge
    /// A rule's number.
    case rule
    /// Any token.
    case any
    /// `true`
    case `true`
    /// `false`
    case `false`
    /// `null`
    case null
    /// A string.
    case exact
    /// How a string begins.
    case prefix
    /// How a string ends.
    case suffix
    /// A string but for the case of ASCII letters; the key is in lower case, as for the next two.
    case foldedExact
    /// How a string begins but for case.
    case foldedPrefix
    /// How a string ends but for case.
    case foldedSuffix
    /// A run of one to four bytes within a string.
    case gram
    /// A comparable number: the bits of the double, zero without a sign.
    case number
    /// The lexeme of a number that is not comparable.
    case lexeme
    /// The first 32 bits of an address.
    case address4
    /// All 128 bits of an address.
    case address6
    /// A range of numbers.
    case range
    /// An address block.
    case block
    /// Text to be compared unit by unit.
    case units
    /// A wildcard.
    case wildcard
    /// What an `anything-but` excludes: its atoms' keys.
    case exclusion
    /// A key that was removed.
    case removed

    var bit: UInt32 { 1 << UInt32(rawValue) }

    /// A key of this kind costs the less the more selective it is; what to watch for a branch is chosen by that.
    var cost: Int {
        switch self {
        case .exact, .number, .lexeme, .address4, .address6, .foldedExact: 1
        case .prefix, .suffix, .foldedPrefix, .foldedSuffix, .wildcard, .units, .block: 4
        case .range, .true, .false, .null: 40
        default: 400
        }
    }
}

/// What a token is compared with, in canonical form: equal keys accept equal tokens.
struct AtomKey: Hashable {
    var kind: AtomKind
    var bytes: [UInt8] = []

    func withKey<Result>(_ body: (MapKey) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else {
                return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1) { empty in
                    // A buffer of one byte has an address.
                    guard let base = empty.baseAddress else { preconditionFailure("a buffer without an address") }
                    return body(MapKey(kind, base, 0))
                }
            }
            return body(MapKey(kind, base, buffer.count))
        }
    }
}

/// Writes the parts of keys and recipes.
struct KeyWriter {
    var bytes: [UInt8] = []

    mutating func append(_ number: some FixedWidthInteger) {
        withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ text: [UInt8]) {
        append(UInt32(text.count))
        bytes.append(contentsOf: text)
    }

    mutating func append(_ key: AtomKey) {
        bytes.append(key.kind.rawValue)
        append(key.bytes)
    }
}

/// Reads what a ``KeyWriter`` wrote.
struct KeyReader {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position >= bytes.count }

    mutating func number<Number: FixedWidthInteger>(_ type: Number.Type) -> Number {
        var value: Number = 0
        for index in 0..<(Number.bitWidth / 8) {
            value |= Number(truncatingIfNeeded: bytes[position + index]) << (8 * index)
        }
        position += Number.bitWidth / 8
        return value
    }

    mutating func text() -> [UInt8] {
        let count = Int(number(UInt32.self))
        position += count
        return Array(bytes[(position - count)..<position])
    }

    mutating func key() -> AtomKey {
        guard let kind = AtomKind(rawValue: number(UInt8.self)) else { preconditionFailure("a key of no known kind") }
        return AtomKey(kind: kind, bytes: text())
    }
}
