/// Names one delivery among all that one store ever made: 128 bits, so that no two are alike.
///
/// A delivery keeps its id through retries, crashes and restarts. Ids of different stores may be equal: who compares them
/// keeps them apart by sender and ``ForwardFrame/origin``.
public struct DeliveryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The event's sequence in the sender's store.
    public var event: UInt64
    /// The key of the target there; 0 for an event that was put to the receiving bus itself.
    public var target: UInt64

    /// Bytes of an id in a frame.
    public static let bytes = 16

    /// Creates an id.
    public init(event: UInt64, target: UInt64) {
        self.event = event
        self.target = target
    }

    /// Orders by event, then by target.
    public static func < (left: DeliveryID, right: DeliveryID) -> Bool {
        (left.event, left.target) < (right.event, right.target)
    }

    /// `event/target`, in decimal.
    public var description: String { "\(event)/\(target)" }
}
