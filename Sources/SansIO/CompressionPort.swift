/// Makes bytes smaller, and large again: a library in production.
public protocol CompressionPort: Sendable {
    /// Smaller bytes that hold the same; nil when that cannot be done.
    func compress(_ bytes: ArraySlice<UInt8>) -> [UInt8]?

    /// The bytes that were made smaller.
    ///
    /// - Parameters:
    ///   - bytes: what a stranger sent; it may be anything.
    ///   - count: how many bytes it says they are. No more memory than for these is used.
    /// - Returns: exactly `count` bytes; nil when it is not what it says.
    func expand(_ bytes: ArraySlice<UInt8>, count: Int) -> [UInt8]?
}
