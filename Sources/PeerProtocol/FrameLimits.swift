import EventModel

/// What a decoder takes at most. Every length in a frame is held against one of these before memory is set aside for it.
public struct FrameLimits: Sendable, Equatable {
    /// Bytes of a whole frame. Default 4 MB: an event of the largest size fits three times.
    public var frameBytes = 4 << 20
    /// Entries of a frame. Default 256.
    public var entries = 256
    /// Bytes of one envelope. Default 1 MB and 64 KB: the largest entry of PutEvents with what the envelope adds.
    public var envelopeBytes = (1 << 20) + (64 << 10)
    /// Bytes of a text such as an ARN. Default 2,048, the longest that the service takes.
    public var textBytes = 2_048
    /// Hops of one event. Default 64.
    public var hops = 64
    /// Bytes of the reason in a verdict; a longer one is cut. Default 1,024.
    public var reasonBytes = 1_024

    /// The defaults.
    public init() {}
}
