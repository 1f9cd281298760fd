/// A number that follows from everything that happened in a run, in order: the run's *unseed*.
///
/// Two runs of one seed that end with different numbers have taken different ways, so something in them depends on more
/// than the seed: a clock, the system's randomness, the order of a hashed collection.
public struct TraceHash: Sendable, Equatable {
    /// The number so far.
    public private(set) var value: UInt64 = 0x6A09_E667_F3BC_C909

    /// Creates the number of a run in which nothing happened.
    public init() {}

    /// Takes a number in.
    @inline(__always)
    public mutating func fold(_ number: UInt64) {
        value = (value ^ number) &* 0x9E37_79B9_7F4A_7C15
        value ^= value >> 32
    }

    /// Takes bytes in, eight at a time.
    public mutating func fold(_ bytes: [UInt8]) {
        fold(UInt64(bytes.count))
        bytes.withUnsafeBytes { raw in
            var position = 0
            while position + 8 <= raw.count {
                fold(raw.loadUnaligned(fromByteOffset: position, as: UInt64.self))
                position += 8
            }
            var rest: UInt64 = 0
            while position < raw.count {
                rest = rest << 8 | UInt64(raw[position])
                position += 1
            }
            fold(rest)
        }
    }
}
