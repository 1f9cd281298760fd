import EventModel
import SansIO

/// The values that a request carries for conditions and policy variables.
///
/// Keys may have several values, which form a set: adding one twice changes nothing. All text lies in one pool, so building a
/// context costs two allocations, or none when one is cleared and filled again.
public struct RequestContext: Sendable {
    struct Entry: Sendable {
        var code: UInt8
        /// For keys without a code: the lower-cased name.
        var name: ByteSlice
        var value: ByteSlice
    }

    private(set) var pool: [UInt8] = []
    private(set) var entries: [Entry] = []
    /// Bit n is set when an entry has code n; bit 0 stands for all keys without one.
    private(set) var mask: UInt64 = 0

    /// Creates an empty context.
    ///
    /// - Parameters:
    ///   - values: how many values there will be, to allocate once.
    ///   - bytes: how many bytes of text there will be.
    public init(reservingValues values: Int = 16, bytes: Int = 384) {
        entries.reserveCapacity(values)
        pool.reserveCapacity(bytes)
    }

    /// Adds a value to a key; values already there stay.
    public mutating func add(_ key: ConditionKey, _ value: String) {
        add(key, bytes: value.utf8)
    }

    /// Adds a truth value.
    public mutating func add(_ key: ConditionKey, _ value: Bool) {
        add(key, bytes: (value ? "true" : "false").utf8)
    }

    /// Adds a value given as UTF-8 bytes.
    public mutating func add(_ key: ConditionKey, bytes: some Collection<UInt8>) {
        let name = appendName(key)
        let start = pool.count
        pool.append(contentsOf: bytes)
        finish(key, name, valueStart: start)
    }

    /// Adds `aws:CurrentTime` and `aws:EpochTime`.
    public mutating func addTime(_ now: Timestamp) {
        let civil = CivilTime(now)
        let start = pool.count
        appendDigits(civil.year, width: 4)
        appendDigits(civil.month, width: 2, after: UInt8(ascii: "-"))
        appendDigits(civil.day, width: 2, after: UInt8(ascii: "-"))
        appendDigits(civil.hour, width: 2, after: UInt8(ascii: "T"))
        appendDigits(civil.minute, width: 2, after: UInt8(ascii: ":"))
        appendDigits(civil.second, width: 2, after: UInt8(ascii: ":"))
        pool.append(UInt8(ascii: "Z"))
        finish(.currentTime, .empty, valueStart: start)
        let epochStart = pool.count
        if now.seconds < 0 { pool.append(UInt8(ascii: "-")) }
        appendDigits(Int(now.seconds.magnitude), width: 1)
        finish(.epochTime, .empty, valueStart: epochStart)
    }

    /// Removes every value of a key.
    public mutating func remove(_ key: ConditionKey) {
        let kept = entries.filter { !matches($0, key) }
        entries.removeAll(keepingCapacity: true)
        mask = 0
        for entry in kept {
            entries.append(entry)
            mask |= 1 << UInt64(entry.code)
        }
    }

    /// Removes everything but keeps the memory.
    public mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        pool.removeAll(keepingCapacity: true)
        mask = 0
    }

    /// The values of a key in the order they were added; empty when it is absent.
    public func values(of key: ConditionKey) -> [String] {
        entries.filter { matches($0, key) }.map { String(decoding: pool[$0.value.range], as: UTF8.self) }
    }

    private mutating func appendName(_ key: ConditionKey) -> ByteSlice {
        guard key.known == nil else { return .empty }
        let slice = ByteSlice(start: Int32(pool.count), count: Int32(key.custom.count))
        pool.append(contentsOf: key.custom)
        return slice
    }

    private mutating func finish(_ key: ConditionKey, _ name: ByteSlice, valueStart: Int) {
        let value = ByteSlice(start: Int32(valueStart), count: Int32(pool.count - valueStart))
        let code = key.code
        if mask & (1 << UInt64(code)) != 0 {
            for index in entries.indices where matches(entries[index], key) {
                let span = pool.span
                if Bytes.equal(span.extracting(entries[index].value.range), span.extracting(value.range)) { return }
            }
        }
        entries.append(Entry(code: code, name: name, value: value))
        mask |= 1 << UInt64(code)
    }

    private func matches(_ entry: Entry, _ key: ConditionKey) -> Bool {
        guard entry.code == key.code else { return false }
        return key.known != nil || Bytes.equal(pool.span.extracting(entry.name.range), key.custom.span)
    }

    private mutating func appendDigits(_ value: Int, width: Int, after separator: UInt8? = nil) {
        if let separator { pool.append(separator) }
        let start = pool.count
        var rest = value.magnitude
        repeat {
            pool.append(0x30 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0 || pool.count - start < width
        pool[start...].reverse()
    }
}
