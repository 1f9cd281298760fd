import EventModel

/// A path into an event: `InputPath`, a value of `InputPathsMap`, `PartitionKeyPath` (spec: patterns §4.3).
///
///     path := "$" { "." name | "[" digits "]" | "[*]" }
///     name := one or more of A–Z a–z 0–9 _ - /
public struct InputPath: Hashable, Sendable, CustomStringConvertible {
    /// One step from a value to values inside it.
    public enum Step: Hashable, Sendable {
        /// The member of an object; the name's bytes are ASCII.
        case name([UInt8])
        /// The element of an array, counted from 0. Numbers too large for any array are `Int.max`.
        case index(Int)
        /// Every element of an array.
        case all
    }

    /// Characters that a path may have (spec: patterns §4.1).
    public static let maximumLength = 256

    /// The path as it was written.
    public let text: String
    /// The steps from the envelope inwards.
    public let steps: [Step]
    private let tree: PathTree

    /// Parses a path.
    ///
    /// - Throws: ``InputPathError`` when the text breaks the grammar or is too long.
    public init(_ text: String) throws(InputPathError) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumLength else { throw InputPathError(offset: Self.maximumLength) }
        guard bytes.first == UInt8(ascii: "$") else { throw InputPathError(offset: 0) }
        var steps: [Step] = []
        var position = 1
        while position < bytes.count {
            steps.append(try Self.step(bytes, &position))
        }
        self.text = text
        self.steps = steps
        tree = PathTree([steps])
    }

    private static func step(_ bytes: [UInt8], _ position: inout Int) throws(InputPathError) -> Step {
        let start = position
        switch bytes[position] {
        case UInt8(ascii: "."):
            position += 1
            while position < bytes.count, isNameByte(bytes[position]) { position += 1 }
            guard position > start + 1 else { throw InputPathError(offset: position) }
            return .name(Array(bytes[(start + 1)..<position]))
        case UInt8(ascii: "["):
            position += 1
            var step = Step.all
            if position < bytes.count, bytes[position] == UInt8(ascii: "*") {
                position += 1
            } else {
                step = .index(try digits(bytes, &position))
            }
            guard position < bytes.count, bytes[position] == UInt8(ascii: "]") else {
                throw InputPathError(offset: position)
            }
            position += 1
            return step
        default:
            throw InputPathError(offset: position)
        }
    }

    private static func digits(_ bytes: [UInt8], _ position: inout Int) throws(InputPathError) -> Int {
        let start = position
        var value = 0
        while position < bytes.count, case let digit = bytes[position] &- 0x30, digit < 10 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carried) = product.addingReportingOverflow(Int(digit))
            value = overflow || carried || value == .max ? .max : sum
            position += 1
        }
        guard position > start else { throw InputPathError(offset: position) }
        return value
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "/"):
            return true
        default:
            return false
        }
    }

    /// Whether the path selects a list, i.e. has a `[*]`.
    public var selectsList: Bool { steps.contains(.all) }

    /// What the path delivers from an event: compact JSON, `{}` for `null` and for nothing found, an array for a path with
    /// `[*]` (spec: patterns §4.3). One pass, no tree; duplicate keys: the last wins.
    ///
    /// - Parameter event: the JSON text of the event.
    /// - Returns: the JSON text; nil when `event` is not JSON.
    public func evaluate(_ event: [UInt8]) -> [UInt8]? {
        var collector = PathCollector(tree: tree, maximumResults: .max)
        guard collector.collect(event) else { return nil }
        var output = BoundedOutput(limit: .max)
        switch collector.selection(slot: tree.slots[0], of: event) {
        case .value(.null, _), .nothing: output.append("{}")
        case .value(_, let range): output.appendCompact(event, range)
        case .list(let ranges): output.appendCompact(event, listOf: ranges)
        }
        return output.bytes
    }

    /// The path as it was written.
    public var description: String { text }

    /// Paths are equal when their steps are.
    public static func == (left: InputPath, right: InputPath) -> Bool {
        left.steps == right.steps
    }

    /// Hashes the steps.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(steps)
    }
}

/// A path that breaks the grammar of ``InputPath``.
public struct InputPathError: Error, Hashable, Sendable {
    /// Offset of the first byte that cannot stand where it stands.
    public let offset: Int

    /// Creates an error.
    public init(offset: Int) {
        self.offset = offset
    }
}
