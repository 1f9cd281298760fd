/// What a receiving node says about one event.
public enum PeerVerdict: Sendable, Equatable {
    /// The event is durable there, or no rule wants it.
    case accepted
    /// The event was taken in before, within the receiver's window.
    case duplicate
    /// The policy of the bus refuses; the text names the principal and what was missing.
    case denied(String)
    /// The account is hosted there and has no such bus.
    case unknownBus
    /// The account is not hosted there, or not any more.
    case notHosted
    /// The certificate of the sending node does not speak for the source account.
    case notCovered(String)
    /// Too much waits there already; try again after that long.
    case throttled(retryAfter: Duration)
    /// The event has been on the bus before, or has made too many hops.
    case loop(String)
    /// The entry cannot be read or is not an event, now or later.
    case malformed(String)
    /// The event is larger than the receiver takes.
    case tooLarge(String)
    /// The receiver failed; nothing of the event was kept as far as it knows.
    case failed(String)
    /// The account is hosted there since a short while and has no such bus yet; try again after that long.
    case busPending(retryAfter: Duration)

    /// The verdict's name, the same for all of one kind.
    public var kind: String {
        switch self {
        case .accepted: "accepted"
        case .duplicate: "duplicate"
        case .denied: "denied"
        case .unknownBus: "unknownBus"
        case .notHosted: "notHosted"
        case .notCovered: "notCovered"
        case .throttled: "throttled"
        case .loop: "loop"
        case .malformed: "malformed"
        case .tooLarge: "tooLarge"
        case .failed: "failed"
        case .busPending: "busPending"
        }
    }

    /// Whether the sender may forget the event: the receiver has it.
    public var isTaken: Bool { self == .accepted || self == .duplicate }

    /// How long the sender is asked to wait.
    var retryAfter: Duration {
        switch self {
        case .throttled(let delay), .busPending(let delay): delay
        default: .zero
        }
    }

    var code: UInt8 {
        switch self {
        case .accepted: 1
        case .duplicate: 2
        case .denied: 3
        case .unknownBus: 4
        case .notHosted: 5
        case .notCovered: 6
        case .throttled: 7
        case .loop: 8
        case .malformed: 9
        case .tooLarge: 10
        case .failed: 11
        case .busPending: 12
        }
    }

    /// The text for a person; empty for verdicts that need none.
    public var reason: String {
        switch self {
        case .denied(let text), .notCovered(let text), .loop(let text), .malformed(let text), .tooLarge(let text),
            .failed(let text):
            text
        case .accepted, .duplicate, .unknownBus, .notHosted, .throttled, .busPending: ""
        }
    }

    /// A verdict that a later release may have added counts as a failure that a retry may mend.
    init(code: UInt8, milliseconds: UInt32, reason: String) {
        switch code {
        case 1: self = .accepted
        case 2: self = .duplicate
        case 3: self = .denied(reason)
        case 4: self = .unknownBus
        case 5: self = .notHosted
        case 6: self = .notCovered(reason)
        case 7: self = .throttled(retryAfter: .milliseconds(Int64(milliseconds)))
        case 8: self = .loop(reason)
        case 9: self = .malformed(reason)
        case 10: self = .tooLarge(reason)
        case 11: self = .failed(reason)
        case 12: self = .busPending(retryAfter: .milliseconds(Int64(milliseconds)))
        default: self = .failed("verdict \(code), which this release does not know: \(reason)")
        }
    }
}
