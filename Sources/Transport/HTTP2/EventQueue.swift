/// Events in the order in which they came, which are taken one by one.
///
/// An event with a request is large, so it is moved in and out rather than copied. Invariant: of `memory`, exactly the
/// places from `first` up to `end` are initialised.
final class EventQueue {
    private var memory: UnsafeMutablePointer<HTTP2Event>
    private var capacity = 16
    private var first = 0
    private var end = 0

    /// What the queue keeps when it is empty; a burst's memory is not held by a connection that is idle.
    private static let keptCapacity = 64

    init() {
        memory = .allocate(capacity: capacity)
    }

    deinit {
        (memory + first).deinitialize(count: end - first)
        memory.deallocate()
    }

    /// Adds an event.
    func append(_ event: consuming HTTP2Event) {
        if end == capacity { move(to: capacity * 2) }
        (memory + end).initialize(to: event)
        end += 1
    }

    /// Takes the first event, or nil when there is none.
    func next() -> HTTP2Event? {
        guard first < end else {
            first = 0
            end = 0
            if capacity > Self.keptCapacity { move(to: Self.keptCapacity) }
            return nil
        }
        first += 1
        return (memory + first - 1).move()
    }

    private func move(to capacity: Int) {
        let other = UnsafeMutablePointer<HTTP2Event>.allocate(capacity: capacity)
        other.moveInitialize(from: memory + first, count: end - first)
        memory.deallocate()
        memory = other
        self.capacity = capacity
        end -= first
        first = 0
    }
}
