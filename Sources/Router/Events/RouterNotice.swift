import Delivery
import SansIO

/// Something that an operator may want to read in the log.
public enum RouterNotice: Sendable {
    /// An event named a bus that does not exist; it was answered as accepted, and dropped.
    case unknownBus(bus: String, caller: String, eventID: String)
    /// A policy refused an event.
    case denied(bus: String, reason: String)
    /// A policy was set that probably does not do what its author wants.
    case doubtfulPolicy(resource: String, warning: String)
    /// A delivery ended for good without reaching its target or a dead-letter queue.
    case dropped(target: String, rule: String, event: UInt64, failure: DeliveryFailure, reason: String)
    /// Deliveries grew too old while their target was down.
    case expired(target: String, rule: String, count: UInt64)
    /// An attempt failed.
    case attemptFailed(target: String, rule: String, failure: DeliveryFailure, willRetry: Bool)
    /// Deliveries went back to their queue untried, for there was no room here to attempt them.
    case heldBack(target: String, rule: String, failure: DeliveryFailure, count: Int)
    /// The store failed.
    case storeFailed(StoreError)
    /// An event was not forwarded, for it had been on the bus before or had made too many hops.
    case loop(bus: String, hops: [String])
    /// A node of another cell claimed what its certificate does not prove, or sent what cannot be read.
    case peerRefused(peer: String, account: String, reason: String)
    /// An account is new here, and an event of another cell waits for one of its buses to get policy and rules.
    case busPending(bus: String, caller: String)
    /// An account sent more from other cells than it may; its events come again later.
    case beyondRate(account: String, peer: String)
    /// A queue towards another cell is full, and refuses events.
    case queueFull(target: String)
    /// A full queue towards another cell pushed deliveries out.
    case overflowed(target: String, rule: String, count: Int)
    /// An intake record cannot be read; its deliveries are kept in the store.
    case unreadableEvent(sequence: UInt64)

    /// The notice's name, the same for all of one kind.
    public var kind: String {
        switch self {
        case .unknownBus: "unknownBus"
        case .denied: "denied"
        case .doubtfulPolicy: "doubtfulPolicy"
        case .dropped: "dropped"
        case .expired: "expired"
        case .attemptFailed: "attemptFailed"
        case .heldBack: "heldBack"
        case .storeFailed: "storeFailed"
        case .loop: "loop"
        case .peerRefused: "peerRefused"
        case .busPending: "busPending"
        case .beyondRate: "beyondRate"
        case .queueFull: "queueFull"
        case .overflowed: "overflowed"
        case .unreadableEvent: "unreadableEvent"
        }
    }
}
