import Glibc

/// Counts objects that the Swift runtime allocates: arrays, strings' storage, boxes and classes.
///
/// The runtime calls its allocator through a variable that exists for such instruments. It is put back as it was, and
/// the benchmark runs on one thread.
enum AllocationCounter {
    private typealias Allocate = @convention(c) (UnsafeRawPointer?, Int, Int) -> UnsafeMutableRawPointer?

    nonisolated(unsafe) private static var original: Allocate?
    nonisolated(unsafe) private static var count = 0
    nonisolated(unsafe) private static let place = dlsym(nil, "_swift_allocObject")?
        .assumingMemoryBound(to: Optional<Allocate>.self)

    static func start() {
        guard let place else { return }
        original = place.pointee
        count = 0
        place.pointee = { metadata, size, alignment in
            AllocationCounter.count += 1
            return AllocationCounter.original?(metadata, size, alignment)
        }
    }

    /// The objects allocated since the start; nil when the runtime has no such variable.
    static func stop() -> Int? {
        guard let place, original != nil else { return nil }
        place.pointee = original
        return count
    }
}
