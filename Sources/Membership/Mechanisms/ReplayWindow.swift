/// Tells datagrams of one sender that were seen before from those that are new.
///
/// A sender counts its datagrams from 1 within an epoch. The window remembers the last 256 numbers; an older one is taken
/// for a repeat. Only datagrams whose signature was checked may move the window: anybody who holds the ring's key could
/// otherwise push it past everything that the sender is about to say.
struct ReplayWindow: Equatable, Sendable {
    static let size: UInt32 = 256

    private(set) var epoch: UInt64 = 0
    private var highest: UInt32 = 0
    private var bits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// Whether a datagram would be new.
    func isNew(epoch: UInt64, number: UInt32) -> Bool {
        if epoch != self.epoch { return epoch > self.epoch }
        if number > highest { return true }
        let age = highest - number
        return age < Self.size && !bit(age)
    }

    /// Notes a datagram that is new.
    mutating func note(epoch: UInt64, number: UInt32) {
        if epoch > self.epoch {
            self.epoch = epoch
            highest = number
            bits = (1, 0, 0, 0)
            return
        }
        guard epoch == self.epoch else { return }
        if number > highest {
            shift(by: number - highest)
            highest = number
            bits.0 |= 1
        } else if highest - number < Self.size {
            let age = highest - number
            set(age)
        }
    }

    /// Forgets everything before an epoch.
    mutating func begin(epoch: UInt64) {
        guard epoch > self.epoch else { return }
        self.epoch = epoch
        highest = 0
        bits = (0, 0, 0, 0)
    }

    private func bit(_ age: UInt32) -> Bool {
        let mask = UInt64(1) << UInt64(age & 63)
        switch age >> 6 {
        case 0: return bits.0 & mask != 0
        case 1: return bits.1 & mask != 0
        case 2: return bits.2 & mask != 0
        default: return bits.3 & mask != 0
        }
    }

    private mutating func set(_ age: UInt32) {
        let mask = UInt64(1) << UInt64(age & 63)
        switch age >> 6 {
        case 0: bits.0 |= mask
        case 1: bits.1 |= mask
        case 2: bits.2 |= mask
        default: bits.3 |= mask
        }
    }

    private mutating func shift(by distance: UInt32) {
        guard distance < Self.size else {
            bits = (0, 0, 0, 0)
            return
        }
        for _ in 0..<(distance >> 6) { bits = (0, bits.0, bits.1, bits.2) }
        let rest = UInt64(distance & 63)
        guard rest > 0 else { return }
        let back = 64 - rest
        bits = (
            bits.0 << rest, bits.1 << rest | bits.0 >> back, bits.2 << rest | bits.1 >> back,
            bits.3 << rest | bits.2 >> back
        )
    }

    static func == (left: ReplayWindow, right: ReplayWindow) -> Bool {
        left.epoch == right.epoch && left.highest == right.highest && left.bits == right.bits
    }
}
