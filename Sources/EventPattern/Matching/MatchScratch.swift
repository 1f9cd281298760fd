/// The working memory of one thread that matches events. It grows to what the events and rules at hand need and is kept from
/// one event to the next, so that matching allocates nothing in the long run.
public struct MatchScratch: ~Copyable {
    /// An open container below which some rule's path goes.
    struct Frame {
        var node: Block
        var isObject: Bool
        /// For an array, the containers among its elements so far, as far as that matters.
        var containers: UInt32
    }

    /// The deepest nesting of containers that rules look into.
    static let maximumDepth = 1_101

    let frames: UnsafeMutablePointer<Frame>
    let powers: UnsafeMutablePointer<Double>
    var fired = FiredSet()
    /// Branches that may match, to be looked at when the event has ended.
    var candidates = ScratchBuffer<Block>()
    /// The numbers of the rules that match.
    var matched = ScratchBuffer<UInt32>()
    /// A string or name without its escapes.
    var decoded = ScratchBuffer<UInt8>()
    /// A string in lower case.
    var folded = ScratchBuffer<UInt8>()
    /// Some array that several fields of a rule lie below holds several containers.
    var hasSharedArray = false
    /// Counts the event's tokens.
    var token: UInt32 = 0

    /// Creates working memory.
    public init() {
        frames = .allocate(capacity: Self.maximumDepth)
        powers = FastNumber.makePowers()
    }

    deinit {
        frames.deallocate()
        powers.deallocate()
        fired.deallocate()
        candidates.deallocate()
        matched.deallocate()
        decoded.deallocate()
        folded.deallocate()
    }

    /// The numbers of the rules that the last event matched, ascending.
    public var matches: UnsafeBufferPointer<UInt32> {
        UnsafeBufferPointer(start: matched.base, count: matched.count)
    }
}

/// A growing buffer that keeps its memory when it is emptied.
struct ScratchBuffer<Element: BitwiseCopyable> {
    private(set) var base = UnsafeMutablePointer<Element>.allocate(capacity: 64)
    private var capacity = 64
    var count = 0

    @inline(__always) mutating func append(_ element: Element) {
        if count == capacity { grow(to: count + 1) }
        base[count] = element
        count &+= 1
    }

    mutating func reserve(_ needed: Int) {
        if needed > capacity { grow(to: needed) }
    }

    private mutating func grow(to needed: Int) {
        let larger = max(needed, 2 * capacity)
        let new = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        new.update(from: base, count: count)
        base.deallocate()
        base = new
        capacity = larger
    }

    func deallocate() {
        base.deallocate()
    }
}

/// What has happened during an event, by id: atoms that fired, tokens counted. Forgetting an event takes no time.
struct FiredSet {
    struct Slot {
        var key: UInt64
        /// The event that the rest is about.
        var event: UInt32
        var count: UInt32
        /// The last token that was counted.
        var token: UInt32
    }

    /// Marks the numbers of rules among the keys.
    static let rule: UInt64 = 1 << 63

    private var slots: UnsafeMutablePointer<Slot>
    private var shift: UInt64
    private var used = 0
    private var event: UInt32 = 0

    init() {
        shift = 64 - 8
        slots = Self.allocate(1 << 8)
    }

    private static func allocate(_ count: Int) -> UnsafeMutablePointer<Slot> {
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: count)
        slots.initialize(repeating: Slot(key: 0, event: 0, count: 0, token: 0), count: count)
        return slots
    }

    private var capacity: Int { 1 << Int(64 - shift) }

    /// Begins an event.
    mutating func begin() {
        used = 0
        event &+= 1
        if event == 0 {
            slots.initialize(repeating: Slot(key: 0, event: 0, count: 0, token: 0), count: capacity)
            event = 1
        }
    }

    @inline(__always) private func slot(_ key: UInt64) -> UnsafeMutablePointer<Slot> {
        var index = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
        let mask = capacity &- 1
        while true {
            let slot = slots + index
            if slot.pointee.event != event || slot.pointee.key == key { return slot }
            index = (index &+ 1) & mask
        }
    }

    /// Notes a key; tells whether it is new in this event.
    @inline(__always) mutating func insert(_ key: UInt64) -> Bool {
        let slot = slot(key)
        guard slot.pointee.event != event else { return false }
        add(slot, key, count: 1, token: 0)
        return true
    }

    @inline(__always) private mutating func add(
        _ slot: UnsafeMutablePointer<Slot>,
        _ key: UInt64,
        count: UInt32,
        token: UInt32
    ) {
        slot.pointee = Slot(key: key, event: event, count: count, token: token)
        used &+= 1
        if used &* 2 > capacity { grow() }
    }

    /// Counts a key, at most once for a token.
    @inline(__always) mutating func count(_ key: UInt64, token: UInt32) {
        let slot = slot(key)
        if slot.pointee.event != event {
            add(slot, key, count: 1, token: token)
        } else if slot.pointee.token != token {
            slot.pointee.count &+= 1
            slot.pointee.token = token
        }
    }

    /// Notes a key for a token; tells whether that is new.
    @inline(__always) mutating func isNew(_ key: UInt64, token: UInt32) -> Bool {
        let slot = slot(key)
        if slot.pointee.event != event {
            add(slot, key, count: 1, token: token)
            return true
        }
        guard slot.pointee.token != token else { return false }
        slot.pointee.token = token
        return true
    }

    /// How often a key was counted or noted in this event.
    @inline(__always) func count(of key: UInt64) -> UInt32 {
        let slot = slot(key)
        return slot.pointee.event == event ? slot.pointee.count : 0
    }

    private mutating func grow() {
        let old = slots
        let count = capacity
        shift -= 1
        slots = Self.allocate(2 * count)
        for index in 0..<count where old[index].event == event {
            slot(old[index].key).pointee = old[index]
        }
        old.deallocate()
    }

    func deallocate() {
        slots.deallocate()
    }
}
