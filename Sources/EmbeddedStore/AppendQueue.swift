import SansIO

/// Appends that wait for the disk, in the order of the calls.
struct AppendQueue {
    private var entries: [EmbeddedStore.PendingAppend?] = []
    private var head = 0

    var first: EmbeddedStore.PendingAppend? { head < entries.count ? entries[head] : nil }

    mutating func append(_ entry: EmbeddedStore.PendingAppend) {
        entries.append(entry)
    }

    mutating func popFirst() -> EmbeddedStore.PendingAppend? {
        guard head < entries.count else { return nil }
        let entry = entries[head]
        entries[head] = nil
        head += 1
        if head == entries.count {
            entries.removeAll(keepingCapacity: entries.count <= 4096)
            head = 0
        } else if head >= 1024, head * 2 >= entries.count {
            entries.removeFirst(head)
            head = 0
        }
        return entry
    }
}
