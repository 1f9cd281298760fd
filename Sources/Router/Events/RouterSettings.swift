import Delivery
import EventModel

/// How a router works.
public struct RouterSettings: Sendable {
    /// The limits of accounts.
    public var quotas = Quotas()
    /// Delivery's own settings.
    public var delivery = DeliverySettings()
    /// When true: EventBridge's hop rules (spec: patterns §6.3), and a queue of the rule's own account needs a policy that
    /// lets the service in. When false, the default: more hops with loops detected, and a queue without any policy takes
    /// events of its own account.
    public var strictCompatibility = false
    /// Buses that may pass an event on before it is refused, when not strict. Default 16.
    public var maximumHops = 16
    /// Bytes of events that may wait for the disk before PutEvents answers that it is throttled. Default 64 MB.
    public var appendingBytes = 64 << 20

    /// How to exchange events with other cells; nil for a cell that is alone.
    public var peers: PeerSettings?

    /// Regions in which accounts have buses; nil for any. Bounds what clients can make the node keep books of.
    public var regions: Set<String>?

    /// The defaults.
    public init() {}
}
