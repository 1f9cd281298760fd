/// A map whose keys are in order: reading from the front costs nothing, and a change touches a few hundred entries however
/// many there are.
///
/// Entries lie in short runs, and the runs in an array. A run that grows too long is parted in two.
struct OrderedMap<Key: Comparable, Value> {
    private struct Run {
        var keys: [Key]
        var values: [Value]
    }

    private static var runLength: Int { 128 }

    private var runs: [Run] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    var firstKey: Key? { runs.first?.keys.first }

    subscript(key: Key) -> Value? {
        guard let run = run(of: key) else { return nil }
        let place = place(of: key, in: run)
        guard place < runs[run].keys.count, runs[run].keys[place] == key else { return nil }
        return runs[run].values[place]
    }

    /// Puts a value in the place of the one that was there.
    ///
    /// - Parameters:
    ///   - value: the new value; nil takes the entry away.
    ///   - key: the entry's key.
    /// - Returns: the value that was there.
    @discardableResult
    mutating func set(_ value: Value?, for key: Key) -> Value? {
        guard let run = run(of: key) else {
            if let value { addRun(0, key, value) }
            return nil
        }
        let place = place(of: key, in: run)
        if place < runs[run].keys.count, runs[run].keys[place] == key {
            let old = runs[run].values[place]
            if let value {
                runs[run].values[place] = value
            } else {
                remove(place, from: run)
            }
            return old
        }
        if let value { insert(key, value, at: place, into: run) }
        return nil
    }

    /// The first entries, as long as they are wanted.
    func first(_ limit: Int, while isWanted: (Key, Value) -> Bool = { _, _ in true }) -> [(key: Key, value: Value)] {
        first(limit, beyond: { _ in true }, while: isWanted)
    }

    /// The first entries beyond a point in the order, as long as they are wanted.
    ///
    /// - Parameters:
    ///   - limit: how many at most.
    ///   - isBeyond: false for every key before the point, true for the others.
    ///   - isWanted: is asked about each in order; the first that is not ends it.
    /// - Returns: the entries in order.
    func first(
        _ limit: Int,
        beyond isBeyond: (Key) -> Bool,
        while isWanted: (Key, Value) -> Bool
    ) -> [(key: Key, value: Value)] {
        var found: [(key: Key, value: Value)] = []
        for run in runs where run.keys.last.map(isBeyond) ?? false {
            for place in run.keys.indices where isBeyond(run.keys[place]) {
                guard found.count < limit, isWanted(run.keys[place], run.values[place]) else { return found }
                found.append((run.keys[place], run.values[place]))
            }
        }
        return found
    }

    /// The first key beyond a point in the order.
    ///
    /// - Parameter isBeyond: false for every key before the point, true for the others.
    /// - Returns: the key; nil when there is none.
    func firstKey(where isBeyond: (Key) -> Bool) -> Key? {
        var low = 0
        var high = runs.count
        while low < high {
            let middle = (low + high) / 2
            if runs[middle].keys.last.map(isBeyond) ?? true { high = middle } else { low = middle + 1 }
        }
        guard low < runs.count else { return nil }
        return runs[low].keys.first(where: isBeyond)
    }

    /// Calls `body` with each entry in order.
    func visit(_ body: (Key, Value) -> Void) {
        for run in runs {
            for place in run.keys.indices { body(run.keys[place], run.values[place]) }
        }
    }

    /// The last run that begins at or before a key, or the first one; nil when there is none.
    private func run(of key: Key) -> Int? {
        guard !runs.isEmpty else { return nil }
        var low = 0
        var high = runs.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if runs[middle].keys[0] <= key { low = middle } else { high = middle }
        }
        return low
    }

    /// Where a key is in a run, or would be.
    private func place(of key: Key, in run: Int) -> Int {
        runs[run].keys.withUnsafeBufferPointer { keys in
            var low = 0
            var high = keys.count
            while low < high {
                let middle = (low + high) / 2
                if keys[middle] < key { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private mutating func insert(_ key: Key, _ value: Value, at place: Int, into run: Int) {
        let length = runs[run].keys.count
        // Keys mostly rise, so a full last run is left full.
        if place == length, length >= Self.runLength, run == runs.count - 1 { return addRun(run + 1, key, value) }
        runs[run].keys.insert(key, at: place)
        runs[run].values.insert(value, at: place)
        count += 1
        guard length >= Self.runLength else { return }
        let half = (length + 1) / 2
        let upper = Run(keys: Array(runs[run].keys[half...]), values: Array(runs[run].values[half...]))
        runs[run].keys.removeSubrange(half...)
        runs[run].values.removeSubrange(half...)
        runs.insert(upper, at: run + 1)
    }

    private mutating func addRun(_ run: Int, _ key: Key, _ value: Value) {
        runs.insert(Run(keys: [key], values: [value]), at: run)
        count += 1
    }

    private mutating func remove(_ place: Int, from run: Int) {
        count -= 1
        if runs[run].keys.count == 1 {
            runs.remove(at: run)
        } else {
            runs[run].keys.remove(at: place)
            runs[run].values.remove(at: place)
        }
    }
}
