/// One alternative of a pattern's field (spec: patterns §2.1).
public enum ValueMatcher: Hashable, Sendable {
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
    /// A string equal byte for byte.
    case string([UInt8])
    /// A bare string that reads as an IP address, compared by address (spec: patterns §2.7), with its spelling.
    case address(IPAddress, [UInt8])
    /// A number of equal value.
    case number(NumberValue)
    /// A string that begins with the operand.
    case prefix([UInt8])
    /// A string that ends with the operand.
    case suffix([UInt8])
    /// A string equal but for case.
    case equalsIgnoreCase(CaseInsensitiveText)
    /// A string that begins with the operand but for case.
    case prefixIgnoreCase(CaseInsensitiveText)
    /// A string that ends with the operand but for case.
    case suffixIgnoreCase(CaseInsensitiveText)
    /// A string that the wildcard describes.
    case wildcard(Wildcard)
    /// A number within a range.
    case numeric(NumericRange)
    /// A string that reads as an IP address of the block.
    case cidr(AddressBlock)
    /// Whether there is any token.
    case exists(Bool)
    /// Any token that the exclusion does not name.
    case anythingBut(Exclusion)

    /// What an `anything-but` excludes. Lists are in the order of the pattern and never empty.
    public enum Exclusion: Hashable, Sendable {
        /// Strings.
        case strings([[UInt8]])
        /// Comparable numbers.
        case numbers([Double])
        /// Strings that begin with one of these.
        case prefixes([[UInt8]])
        /// Strings that end with one of these.
        case suffixes([[UInt8]])
        /// Strings equal to one of these but for case.
        case equalsIgnoreCase([CaseInsensitiveText])
        /// Strings that one of these describes.
        case wildcards([Wildcard])
    }
}

/// The operand of `numeric`: bounds between comparable numbers (spec: patterns §2.11).
public struct NumericRange: Hashable, Sendable {
    /// One end of a range.
    public struct Bound: Hashable, Sendable {
        /// The number.
        public let value: Double
        /// Whether the number itself is inside.
        public let isInclusive: Bool
    }

    /// The lower end, if there is one.
    public let lower: Bound?
    /// The upper end, if there is one. For `=` both ends are the same inclusive number.
    public let upper: Bound?

    /// Whether a comparable number is inside.
    public func contains(_ value: Double) -> Bool {
        if let lower, lower.isInclusive ? value < lower.value : value <= lower.value { return false }
        if let upper, upper.isInclusive ? value > upper.value : value >= upper.value { return false }
        return true
    }
}

extension ValueMatcher {
    /// Whether this is `{"exists": false}`, the one matcher that no token satisfies.
    public var isAbsence: Bool {
        if case .exists(false) = self { return true }
        return false
    }

    /// Whether a token of an event satisfies this matcher.
    func accepts(_ token: FlatEvent.Entry, _ text: Span<UInt8>) -> Bool {
        let start = Int(token.start)
        let end = Int(token.end)
        switch self {
        case .bool(let value): return token.kind == (value ? .true : .false)
        case .null: return token.kind == .null
        case .exists(let value): return value
        case .number(.comparable(let value)): return token.kind == .number && token.number == value
        case .number(.opaque(let lexeme)):
            return token.kind == .number && Bytes.equal(text, start, end, lexeme)
        case .numeric(let range):
            return token.kind == .number && !token.number.isNaN && range.contains(token.number)
        case .anythingBut(let exclusion): return !exclusion.names(token, text)
        default: return token.kind == .string && acceptsString(text, start, end)
        }
    }

    private func acceptsString(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        switch self {
        case .string(let value): Bytes.equal(text, start, end, value)
        case .address(let address, _): IPAddress(text, start, end).map { address.accepts($0) } ?? false
        case .prefix(let prefix): Bytes.hasPrefix(text, start, end, prefix)
        case .suffix(let suffix): Bytes.hasSuffix(text, start, end, suffix)
        case .equalsIgnoreCase(let operand): operand.equals(text, start, end)
        case .prefixIgnoreCase(let operand): operand.end(in: text, from: start, to: end) != nil
        case .suffixIgnoreCase(let operand): operand.isSuffix(of: text, start, end)
        case .wildcard(let wildcard): wildcard.matches(text, start, end)
        case .cidr(let block): IPAddress(text, start, end).map { block.contains($0) } ?? false
        case .bool, .null, .number, .numeric, .exists, .anythingBut: false
        }
    }
}

extension ValueMatcher.Exclusion {
    /// Whether a token is one that the exclusion names.
    func names(_ token: FlatEvent.Entry, _ text: Span<UInt8>) -> Bool {
        let start = Int(token.start)
        let end = Int(token.end)
        if case .numbers(let numbers) = self {
            guard token.kind == .number else { return false }
            for number in numbers where number == token.number { return true }
            return false
        }
        guard token.kind == .string else { return false }
        switch self {
        case .numbers: return false
        case .strings(let strings):
            for string in strings where Bytes.equal(text, start, end, string) { return true }
        case .prefixes(let prefixes):
            for prefix in prefixes where Bytes.hasPrefix(text, start, end, prefix) { return true }
        case .suffixes(let suffixes):
            for suffix in suffixes where Bytes.hasSuffix(text, start, end, suffix) { return true }
        case .equalsIgnoreCase(let operands):
            for operand in operands where operand.equals(text, start, end) { return true }
        case .wildcards(let wildcards):
            for wildcard in wildcards where wildcard.matches(text, start, end) { return true }
        }
        return false
    }
}
