/// A set of numbers of which many are neighbours, in blocks of 4,096: a list of the low bits while there are few, a map of
/// bits when there are more.
final class NumberSet {
    /// Numbers that differ in their low 12 bits only.
    private final class Block {
        private var few: [UInt16] = []
        private var bits: [UInt64] = []
        private(set) var count = 0
        private static let maximumFew = 32

        /// An object and its places in a dictionary and a list; then what the list or the map takes.
        var bytes: Int { bits.isEmpty ? 256 : 768 }

        func contains(_ low: UInt16) -> Bool {
            if bits.isEmpty { return few.contains(low) }
            return bits[Int(low >> 6)] & (1 << UInt64(low & 63)) != 0
        }

        func insert(_ low: UInt16) -> Bool {
            guard !contains(low) else { return false }
            count += 1
            if !bits.isEmpty {
                set(low)
                return true
            }
            few.append(low)
            guard count > Self.maximumFew else { return true }
            bits = [UInt64](repeating: 0, count: 64)
            for one in few { set(one) }
            few = []
            return true
        }

        private func set(_ low: UInt16) {
            bits[Int(low >> 6)] |= 1 << UInt64(low & 63)
        }
    }

    private var blocks: [UInt64: Block] = [:]
    /// The block that was asked for last: numbers mostly rise.
    private var last: (index: UInt64, block: Block)?
    /// Bytes of memory, rounded up.
    private(set) var bytes = 0

    /// How many blocks there are.
    var blockCount: Int { blocks.count }

    /// The block that a number belongs to.
    static func block(of number: UInt64) -> UInt64 { number >> 12 }

    func contains(_ number: UInt64) -> Bool {
        block(Self.block(of: number))?.contains(Self.low(number)) ?? false
    }

    /// Adds a number; false when it is there already.
    func insert(_ number: UInt64) -> Bool {
        let index = Self.block(of: number)
        let block: Block
        if let known = self.block(index) {
            block = known
        } else {
            block = Block()
            blocks[index] = block
            last = (index, block)
            bytes += block.bytes
        }
        let before = block.bytes
        guard block.insert(Self.low(number)) else { return false }
        bytes += block.bytes - before
        return true
    }

    /// Removes a whole block; returns how many numbers it held.
    func removeBlock(_ index: UInt64) -> Int {
        guard let block = blocks.removeValue(forKey: index) else { return 0 }
        last = nil
        bytes -= block.bytes
        return block.count
    }

    private func block(_ index: UInt64) -> Block? {
        if let last, last.index == index { return last.block }
        guard let block = blocks[index] else { return nil }
        last = (index, block)
        return block
    }

    private static func low(_ number: UInt64) -> UInt16 { UInt16(number & 0xFFF) }
}
