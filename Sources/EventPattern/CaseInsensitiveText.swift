/// The operand of `equals-ignore-case` (spec: patterns §2.9).
///
/// Each UTF-16 unit of the operand stands for the UTF-8 of its lower-case or of its upper-case mapping; half a surrogate
/// pair has none and stands for `?`. The two forms of a unit never begin or end with one another unless they are equal, so
/// that at most one of them fits at any place and no backtracking is needed.
public struct CaseInsensitiveText: Hashable, Sendable {
    /// The operand as it was written.
    public let text: [UInt8]
    /// Lower and upper form of each unit, one behind the other.
    private let forms: [UInt8]
    /// Where in `forms` each form ends: lower, upper, lower, upper and so on.
    private let ends: [Int32]

    /// Creates the operand from decoded text.
    public init(_ text: [UInt8]) {
        self.text = text
        var forms: [UInt8] = []
        var ends: [Int32] = []
        for unit in WTF8.utf16(text) {
            let (lower, upper) = Self.mappings(of: unit)
            forms.append(contentsOf: lower)
            ends.append(Int32(forms.count))
            forms.append(contentsOf: upper)
            ends.append(Int32(forms.count))
        }
        self.forms = forms
        self.ends = ends
    }

    /// The forms that a unit may take in an event.
    public static func mappings(of unit: UInt16) -> (lower: [UInt8], upper: [UInt8]) {
        guard let scalar = Unicode.Scalar(unit) else { return ([UInt8(ascii: "?")], [UInt8(ascii: "?")]) }
        return (Array(scalar.properties.lowercaseMapping.utf8), Array(scalar.properties.uppercaseMapping.utf8))
    }

    /// The number of units in the operand.
    public var count: Int { ends.count / 2 }

    /// The forms of the unit at `index`.
    public func forms(at index: Int) -> (lower: [UInt8], upper: [UInt8]) {
        (Array(forms[range(2 * index)]), Array(forms[range(2 * index + 1)]))
    }

    private func range(_ form: Int) -> Range<Int> {
        (form == 0 ? 0 : Int(ends[form - 1]))..<Int(ends[form])
    }

    /// The offset behind the operand where it stands at `start`, or nil.
    func end(in bytes: Span<UInt8>, from start: Int, to limit: Int) -> Int? {
        var position = start
        for index in 0..<count {
            let lower = range(2 * index)
            let upper = range(2 * index + 1)
            if stands(lower, in: bytes, at: position, before: limit) {
                position += lower.count
            } else if stands(upper, in: bytes, at: position, before: limit) {
                position += upper.count
            } else {
                return nil
            }
        }
        return position
    }

    /// Whether `bytes[start..<end]` is the operand.
    func equals(_ bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        self.end(in: bytes, from: start, to: end) == end
    }

    /// Whether `bytes[start..<end]` ends with the operand.
    func isSuffix(of bytes: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var position = end
        for index in stride(from: count - 1, through: 0, by: -1) {
            let lower = range(2 * index)
            let upper = range(2 * index + 1)
            if position - lower.count >= start, stands(lower, in: bytes, at: position - lower.count, before: end) {
                position -= lower.count
            } else if position - upper.count >= start, stands(upper, in: bytes, at: position - upper.count, before: end)
            {
                position -= upper.count
            } else {
                return false
            }
        }
        return true
    }

    private func stands(_ form: Range<Int>, in bytes: Span<UInt8>, at position: Int, before limit: Int) -> Bool {
        guard position + form.count <= limit else { return false }
        for offset in 0..<form.count where bytes[position + offset] != forms[form.lowerBound + offset] {
            return false
        }
        return true
    }
}
