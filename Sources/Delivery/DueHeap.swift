import SansIO

/// Targets by the time of their next due delivery: a binary heap that keeps at most one live entry a target.
///
/// A changed time leaves its old entry behind, which is skipped when it surfaces.
struct DueHeap {
    private var heap: [(due: Timestamp, target: UInt64)] = []
    private var current: [UInt64: Timestamp] = [:]

    /// The earliest due time.
    var earliest: Timestamp? {
        mutating get {
            discardStale()
            return heap.first?.due
        }
    }

    /// Sets or removes a target's due time.
    mutating func set(_ due: Timestamp?, for target: UInt64) {
        guard current[target] != due else { return }
        current[target] = due
        if let due { push((due, target)) }
    }

    /// Moves a target's due time forward, never back.
    mutating func setEarlier(_ due: Timestamp, for target: UInt64) {
        if let present = current[target], present <= due { return }
        set(due, for: target)
    }

    /// Removes and returns the targets that are due, earliest first.
    mutating func takeDue(at now: Timestamp) -> [UInt64] {
        var targets: [UInt64] = []
        discardStale()
        while let first = heap.first, first.due <= now {
            pop()
            current[first.target] = nil
            targets.append(first.target)
            discardStale()
        }
        return targets
    }

    private mutating func discardStale() {
        while let first = heap.first, current[first.target] != first.due { pop() }
    }

    private static func precedes(
        _ left: (due: Timestamp, target: UInt64),
        _ right: (due: Timestamp, target: UInt64)
    ) -> Bool {
        (left.due, left.target) < (right.due, right.target)
    }

    private mutating func push(_ entry: (due: Timestamp, target: UInt64)) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard Self.precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if Self.precedes(heap[child], heap[smallest]) { smallest = child }
            }
            guard smallest != parent else { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
