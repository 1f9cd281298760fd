import EventModel
import SansIO

/// One entry of PutEvents as the client sent it.
public struct PutEventsEntry: Sendable, Equatable {
    /// `Source`; empty when absent.
    public var source: String
    /// `DetailType`; empty when absent.
    public var detailType: String
    /// `Detail`: JSON text; empty when absent.
    public var detail: [UInt8]
    /// `Resources`
    public var resources: [String]
    /// `Time`; nil for the time of the call.
    public var time: Timestamp?
    /// `EventBusName`: a name, an ARN, or nil for the default bus.
    public var bus: String?
    /// `TraceHeader`
    public var traceHeader: String?

    /// Creates an entry.
    public init(
        source: String,
        detailType: String,
        detail: [UInt8],
        resources: [String] = [],
        time: Timestamp? = nil,
        bus: String? = nil,
        traceHeader: String? = nil
    ) {
        self.source = source
        self.detailType = detailType
        self.detail = detail
        self.resources = resources
        self.time = time
        self.bus = bus
        self.traceHeader = traceHeader
    }

    /// The entry's size in bytes as the service counts it (spec: patterns §1.4).
    public var size: Int {
        (time == nil ? 0 : 14) + source.utf8.count + detailType.utf8.count + detail.count
            + resources.reduce(0) { $0 + $1.utf8.count }
    }

    /// The first fault that the service would find, in its order (spec: patterns §1.7); `Detail` is checked later, when
    /// the envelope is written.
    var fault: PutEventsResult? {
        for (name, isMissing) in [
            ("Source", source.isEmpty), ("DetailType", detailType.isEmpty), ("Detail", detail.isEmpty),
        ] where isMissing {
            return .refused(
                code: "InvalidArgument",
                message: "Parameter \(name) is not valid. Reason: \(name) is a required argument."
            )
        }
        return nil
    }
}

/// Who puts events.
public struct EventPutter {
    /// The caller's account; it becomes the event's `account`.
    public var account: AccountID
    /// The caller's ARN.
    public var arn: String
    /// The region of the call.
    public var region: String
    /// When the call was taken in.
    public var now: Timestamp
    /// Condition keys of the call, made when a policy asks for them.
    public var context: () -> [(key: String, values: [String])]
    /// Whether the caller is its account's root.
    let isRoot: Bool

    /// Creates a putter.
    public init(
        account: AccountID,
        arn: String,
        region: String,
        now: Timestamp,
        context: @escaping @autoclosure () -> [(key: String, values: [String])] = []
    ) {
        isRoot = PolicyDecider.isRoot(arn)
        self.account = account
        self.arn = arn
        self.region = region
        self.now = now
        self.context = context
    }
}

/// The answer to one entry.
public enum PutEventsResult: Sendable, Equatable {
    /// The event is durable, or nobody wants it; its id.
    case accepted(id: String)
    /// The entry is refused, for itself.
    case refused(code: String, message: String)

    /// Whether the entry is refused.
    public var isRefused: Bool {
        if case .refused = self { return true }
        return false
    }
}

/// Why a PutEvents call fails as a whole; nothing of it was accepted.
public enum PutEventsFailure: Error, Sendable, Equatable {
    /// A policy refuses; the text for the client.
    case denied(String)
    /// Too much is waiting already.
    case throttled
    /// The events could not be made durable.
    case store(StoreError)
}
