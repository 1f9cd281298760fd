/// The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), seeded and read as Python's `random` does, so that the
/// benchmark's data is the same wherever it is generated.
struct MersenneTwister {
    private var state = [UInt32](repeating: 0, count: 624)
    private var index = 624

    /// Seeds by an array of one word.
    init(seed: UInt32) {
        state[0] = 19_650_218
        for place in 1..<624 {
            let previous = state[place - 1] ^ state[place - 1] >> 30
            state[place] = 1_812_433_253 &* previous &+ UInt32(place)
        }
        var place = 1
        for _ in 0..<624 {
            let previous = state[place - 1] ^ state[place - 1] >> 30
            state[place] = (state[place] ^ previous &* 1_664_525) &+ seed
            advance(&place)
        }
        for _ in 0..<623 {
            let previous = state[place - 1] ^ state[place - 1] >> 30
            state[place] = (state[place] ^ previous &* 1_566_083_941) &- UInt32(place)
            advance(&place)
        }
        state[0] = 0x8000_0000
    }

    private mutating func advance(_ place: inout Int) {
        place += 1
        if place == 624 {
            state[0] = state[623]
            place = 1
        }
    }

    private mutating func refill() {
        for place in 0..<624 {
            let bits = state[place] & 0x8000_0000 | state[(place + 1) % 624] & 0x7FFF_FFFF
            state[place] = state[(place + 397) % 624] ^ bits >> 1 ^ (bits & 1 == 0 ? 0 : 0x9908_B0DF)
        }
        index = 0
    }

    private mutating func word() -> UInt32 {
        if index == 624 { refill() }
        var word = state[index]
        index += 1
        word ^= word >> 11
        word ^= word << 7 & 0x9D2C_5680
        word ^= word << 15 & 0xEFC6_0000
        return word ^ word >> 18
    }

    /// A number from 0 up to 1, of 53 bits.
    mutating func unit() -> Double {
        let high = Double(word() >> 5)
        let low = Double(word() >> 6)
        return (high * 67_108_864 + low) / 9_007_199_254_740_992
    }
}
