/// A tenant: twelve decimal digits.
public struct AccountID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The account's number, below 10^12.
    public let number: UInt64

    /// Parses exactly twelve ASCII digits.
    public init?(_ text: some StringProtocol) {
        var number: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            guard byte >= 0x30, byte <= 0x39, count < 12 else { return nil }
            number = number * 10 + UInt64(byte - 0x30)
            count += 1
        }
        guard count == 12 else { return nil }
        self.number = number
    }

    /// The account of that number; nil when it has more than twelve digits.
    public init?(number: UInt64) {
        guard number < 1_000_000_000_000 else { return nil }
        self.number = number
    }

    /// The twelve digits.
    public var description: String {
        String(unsafeUninitializedCapacity: 12) { buffer in
            var rest = number
            for index in (0..<12).reversed() {
                buffer[index] = 0x30 + UInt8(rest % 10)
                rest /= 10
            }
            return 12
        }
    }

    /// Orders by number, which is the order of the text.
    public static func < (left: AccountID, right: AccountID) -> Bool {
        left.number < right.number
    }
}
