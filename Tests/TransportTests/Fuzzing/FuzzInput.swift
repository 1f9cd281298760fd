import SansIO

/// A fuzzer's input: some bytes steer the check, the rest is what the code under test gets.
public struct FuzzInput {
    /// Steers splits and the like.
    public let steering: UInt64
    /// What is given to the code under test.
    public let bytes: [UInt8]

    /// Takes the steering from the first eight bytes.
    public init(_ input: [UInt8]) {
        steering = input.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        bytes = Array(input.dropFirst(8))
    }

    /// Cuts bytes into pieces by the steering; the same each time.
    public func pieces(of bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var generator = SeededGenerator(seed: steering)
        let longest = [1, 3, 9, 40, 1000][Int(steering % 5)]
        var pieces: [ArraySlice<UInt8>] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + Int.random(in: 1...longest, using: &generator))
            pieces.append(bytes[start..<end])
            start = end
        }
        return pieces
    }
}

/// What a check found wrong.
public struct FuzzFailure: Error, CustomStringConvertible {
    /// In words.
    public let description: String
}

/// Throws ``FuzzFailure`` unless a condition holds.
func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw FuzzFailure(description: problem()) }
}
