import SansIO

/// Things that are to happen, by time and, at one time, in the order in which they were added.
///
/// A heap with four children a node over small entries; the things themselves stay in place in a table. Adding and
/// taking cost O(log n), cancelling O(1): a cancelled entry stays until its time, or until such entries are most of the
/// heap.
struct EventQueue<Event> {
    private struct Entry {
        var time: Int64
        var order: UInt64
        var slot: Int

        static func < (left: Entry, right: Entry) -> Bool {
            left.time != right.time ? left.time < right.time : left.order < right.order
        }
    }

    private struct Slot {
        var event: Event?
        /// Tells the slot's present use from earlier ones.
        var generation: UInt32
    }

    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var lastOrder: UInt64 = 0
    private var cancelled = 0

    /// How many things wait.
    var count: Int { heap.count - cancelled }

    /// Adds a thing and returns what ``cancel(_:)`` takes.
    @discardableResult
    mutating func add(_ event: Event, at time: Int64) -> TimerToken {
        let slot: Int
        if let free = freeSlots.popLast() {
            slot = free
            slots[slot].event = event
        } else {
            slot = slots.count
            slots.append(Slot(event: event, generation: 1))
        }
        lastOrder += 1
        heap.append(Entry(time: time, order: lastOrder, slot: slot))
        rise(heap.count - 1)
        return TimerToken(number: UInt64(slots[slot].generation) << 32 | UInt64(slot))
    }

    /// Removes a thing that has not been taken; false when it is not there.
    @discardableResult
    mutating func cancel(_ token: TimerToken) -> Bool {
        let slot = Int(token.number & 0xFFFF_FFFF)
        guard slot < slots.count, slots[slot].generation == UInt32(truncatingIfNeeded: token.number >> 32),
            slots[slot].event != nil
        else { return false }
        slots[slot].event = nil
        cancelled += 1
        if cancelled > 64, cancelled * 2 > heap.count { compact() }
        return true
    }

    /// Takes the earliest thing when its time is not after `limit`.
    mutating func take(until limit: Int64) -> (time: Int64, token: TimerToken, event: Event)? {
        while let first = heap.first, first.time <= limit {
            removeFirst()
            let token = TimerToken(number: UInt64(slots[first.slot].generation) << 32 | UInt64(first.slot))
            let event = slots[first.slot].event
            release(first.slot)
            if let event { return (first.time, token, event) }
            cancelled -= 1
        }
        return nil
    }

    /// Forgets everything. Tokens given out so far name nothing afterwards.
    mutating func removeAll() {
        for entry in heap { release(entry.slot) }
        heap.removeAll(keepingCapacity: true)
        cancelled = 0
    }

    private mutating func release(_ slot: Int) {
        slots[slot].event = nil
        slots[slot].generation &+= 1
        freeSlots.append(slot)
    }

    private mutating func compact() {
        let entries = heap
        heap.removeAll(keepingCapacity: true)
        for entry in entries {
            if slots[entry.slot].event == nil {
                release(entry.slot)
            } else {
                heap.append(entry)
                rise(heap.count - 1)
            }
        }
        cancelled = 0
    }

    private mutating func rise(_ start: Int) {
        heap.withUnsafeMutableBufferPointer { heap in
            var position = start
            let entry = heap[position]
            while position > 0 {
                let parent = (position - 1) / 4
                guard entry < heap[parent] else { break }
                heap[position] = heap[parent]
                position = parent
            }
            heap[position] = entry
        }
    }

    private mutating func removeFirst() {
        guard let last = heap.popLast(), !heap.isEmpty else { return }
        heap.withUnsafeMutableBufferPointer { heap in
            var position = 0
            while true {
                let firstChild = position * 4 + 1
                guard firstChild < heap.count else { break }
                var least = firstChild
                for child in firstChild + 1..<max(firstChild + 1, min(firstChild + 4, heap.count))
                where heap[child] < heap[least] {
                    least = child
                }
                guard heap[least] < last else { break }
                heap[position] = heap[least]
                position = least
            }
            heap[position] = last
        }
    }
}
