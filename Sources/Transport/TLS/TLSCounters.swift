import Synchronization

/// What the connections of a ``TLSContext`` have come to since it was made.
public struct TLSCounters: Sendable, Hashable {
    /// Handshakes with certificates.
    public var fullHandshakes: UInt64 = 0
    /// Handshakes that resumed an earlier session.
    public var resumedHandshakes: UInt64 = 0
    /// Sessions that a client wanted to resume and that were verified in full instead.
    public var resumptionsRefused: UInt64 = 0
    /// Failed handshakes by kind. No entry means none.
    public var failures: [TLSError.Code: UInt64] = [:]
    /// Open connections whose other side no longer verified, by kind. No entry means none.
    public var revalidationFailures: [TLSError.Code: UInt64] = [:]

    /// Counters that are all zero.
    public init() {}

    /// Adds the counters of another context.
    public static func += (left: inout TLSCounters, right: TLSCounters) {
        left.fullHandshakes += right.fullHandshakes
        left.resumedHandshakes += right.resumedHandshakes
        left.resumptionsRefused += right.resumptionsRefused
        left.failures.merge(right.failures, uniquingKeysWith: +)
        left.revalidationFailures.merge(right.revalidationFailures, uniquingKeysWith: +)
    }
}

/// The counters while they count, with the last failure of each kind for the log.
///
/// Under a lock, which is nothing beside the cost of a handshake.
final class TLSCounting: Sendable {
    private struct State {
        var counters = TLSCounters()
        /// Failures since the last ``takeRefusals()``: how many, and the last one.
        var refusals: [TLSError.Code: (count: Int, example: TLSError)] = [:]
    }

    private let state = Mutex(State())

    var snapshot: TLSCounters { state.withLock { $0.counters } }

    func handshakeCompleted(resumed: Bool) {
        state.withLock { state in
            if resumed { state.counters.resumedHandshakes += 1 } else { state.counters.fullHandshakes += 1 }
        }
    }

    func resumptionRefused() {
        state.withLock { $0.counters.resumptionsRefused += 1 }
    }

    func failed(_ error: TLSError) {
        state.withLock { state in
            state.counters.failures[error.code, default: 0] += 1
            state.refusals[error.code] = ((state.refusals[error.code]?.count ?? 0) + 1, error)
        }
    }

    func revalidationFailed(_ error: TLSError) {
        state.withLock { state in
            state.counters.revalidationFailures[error.code, default: 0] += 1
            state.refusals[error.code] = ((state.refusals[error.code]?.count ?? 0) + 1, error)
        }
    }

    /// What failed since the last call, one entry a kind, ordered by the kind's name.
    func takeRefusals() -> [(count: Int, example: TLSError)] {
        let taken = state.withLock { state in
            defer { state.refusals = [:] }
            return state.refusals
        }
        return taken.sorted { $0.key.rawValue < $1.key.rawValue }.map(\.value)
    }
}
