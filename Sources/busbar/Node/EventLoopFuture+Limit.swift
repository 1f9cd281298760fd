import NIOCore

extension EventLoopFuture<Void> {
    /// Waits until the future completes or the time is over; the loop may be blocked meanwhile.
    ///
    /// - Returns: whether it completed, with a value or an error.
    func completes(within limit: Duration) async -> Bool {
        let (outcomes, outcome) = AsyncStream.makeStream(of: Bool.self)
        whenComplete { _ in outcome.yield(true) }
        let timer = Task {
            try? await Task.sleep(for: limit)
            outcome.yield(false)
        }
        defer { timer.cancel() }
        var first = outcomes.makeAsyncIterator()
        return await first.next() ?? false
    }
}
