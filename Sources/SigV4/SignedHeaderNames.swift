/// The list of signed header names: lower-case, in byte order, without repeats, joined by `;`.
struct SignedHeaderNames: Equatable, Sendable {
    /// Real clients sign about ten headers. The limit keeps the work that a stranger can cause small.
    static let maximumCount = 100

    let bytes: [UInt8]

    /// Takes a client's list. Returns nil when a name is empty or cannot be a header name, or when there are too many.
    init?(_ list: ArraySlice<UInt8>) {
        var bytes = Array(list)
        guard Self.isList(bytes.span) else { return nil }
        if bytes.contains(where: { $0 != lowercased($0) }) {
            bytes = bytes.map(lowercased)
        }
        self.bytes = Self.isStrictlyAscending(bytes) ? bytes : Self.sorted(bytes)
    }

    private static func isList(_ list: Span<UInt8>) -> Bool {
        var count = 1
        var length = 0
        for index in list.indices {
            let byte = list[index]
            if byte == ASCII.semicolon {
                guard length > 0 else { return false }
                count += 1
                length = 0
            } else {
                guard byte > ASCII.space, byte < 0x7F, byte != ASCII.comma, byte != ASCII.colon else { return false }
                length += 1
            }
        }
        return length > 0 && count <= maximumCount
    }

    /// The names as strings.
    var strings: [String] {
        var names: [String] = []
        var position = 0
        while let range = next(from: &position) {
            names.append(String(decoding: bytes[range], as: UTF8.self))
        }
        return names
    }

    func contains(_ name: String) -> Bool {
        var position = 0
        while let range = next(from: &position) {
            if name.hasBytes(bytes[range]) { return true }
        }
        return false
    }

    /// The next name at or after `position`, which moves past it.
    func next(from position: inout Int) -> Range<Int>? {
        Self.next(in: bytes, from: &position)
    }

    private static func next(in bytes: [UInt8], from position: inout Int) -> Range<Int>? {
        guard position < bytes.count else { return nil }
        let start = position
        var end = start
        while end < bytes.count, bytes[end] != ASCII.semicolon {
            end += 1
        }
        position = end + 1
        return start..<end
    }

    private static func isStrictlyAscending(_ bytes: [UInt8]) -> Bool {
        var position = 0
        guard var previous = next(in: bytes, from: &position) else { return true }
        while let range = next(in: bytes, from: &position) {
            guard precedes(bytes, previous, range) else { return false }
            previous = range
        }
        return true
    }

    private static func precedes(_ bytes: [UInt8], _ left: Range<Int>, _ right: Range<Int>) -> Bool {
        var (leftIndex, rightIndex) = (left.lowerBound, right.lowerBound)
        while leftIndex < left.upperBound, rightIndex < right.upperBound {
            if bytes[leftIndex] != bytes[rightIndex] { return bytes[leftIndex] < bytes[rightIndex] }
            leftIndex += 1
            rightIndex += 1
        }
        return leftIndex == left.upperBound && rightIndex < right.upperBound
    }

    private static func sorted(_ bytes: [UInt8]) -> [UInt8] {
        var names = bytes.split(separator: ASCII.semicolon)
        names.sort { $0.lexicographicallyPrecedes($1) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var previous: ArraySlice<UInt8>?
        for name in names where name != previous {
            if previous != nil { out.append(ASCII.semicolon) }
            out.append(contentsOf: name)
            previous = name
        }
        return out
    }
}
