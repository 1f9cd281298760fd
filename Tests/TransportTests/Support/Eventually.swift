/// Waits for conditions that other threads bring about.
enum Eventually {
    /// A condition did not come true in time.
    struct DeadlinePassed: Error {}

    /// Yields until `condition` is true.
    ///
    /// - Throws: ``DeadlinePassed`` after `limit`, or a `CancellationError`: a condition that never comes true fails its
    ///   test instead of holding up the whole run.
    static func holds(within limit: Duration = .seconds(300), _ condition: () -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while !condition() {
            try Task.checkCancellation()
            guard clock.now < deadline else { throw DeadlinePassed() }
            await Task.yield()
        }
    }

    /// The same for a condition that has to be asked for elsewhere.
    static func holds(within limit: Duration = .seconds(300), _ condition: () async throws -> Bool) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + limit
        while try await !condition() {
            try Task.checkCancellation()
            guard clock.now < deadline else { throw DeadlinePassed() }
            await Task.yield()
        }
    }
}
