/// Versions of the peer protocol (DESIGN §7).
///
/// The first four bytes of every frame are fixed for all versions: two that say what it is, one that says which version wrote it,
/// and one of the frame's own. A receiver that does not speak the version answers
/// with ``VerdictFrame/Status/unsupportedVersion`` in the form of version 1, which every release reads, and says which it
/// speaks; the sender then takes the highest that both know. Within a version, fields may be added: a reader skips fields
/// whose tag is 128 or above, and refuses others that it does not know, since they change what the entry means.
public struct PeerProtocolVersions: Hashable, Sendable {
    /// The oldest version that is spoken, from 1.
    public var oldest: UInt8
    /// The newest version that is spoken.
    public var newest: UInt8

    /// What this release speaks.
    public static let spoken = PeerProtocolVersions(oldest: 1, newest: 1)

    /// Creates a range; `newest` is at least `oldest`.
    public init(oldest: UInt8, newest: UInt8) {
        precondition(oldest >= 1 && newest >= oldest, "a range of versions is in order")
        self.oldest = oldest
        self.newest = newest
    }

    /// The highest version that both sides speak; nil when there is none.
    public func best(with other: PeerProtocolVersions) -> UInt8? {
        let best = min(newest, other.newest)
        return best >= max(oldest, other.oldest) ? best : nil
    }

    /// Whether a version is spoken.
    public func contains(_ version: UInt8) -> Bool {
        (oldest...newest).contains(version)
    }
}

/// Where the protocol lives on a peer listener.
public enum PeerPath {
    /// Takes a ``ForwardFrame`` by POST and answers with a ``VerdictFrame``.
    public static let events = "/peer/v1/events"
    /// Takes a ``ForwardFrame`` of at most ``maximumQuestions`` events by POST, takes none of them in, and answers with a
    /// ``VerdictFrame`` of what would become of them.
    public static let explain = "/peer/v1/explain"
    /// Events of one question.
    public static let maximumQuestions = 16
    /// Opens a channel of ``ChannelMessage`` over which the other side forwards too.
    public static let uplink = "/peer/v1/uplink"
}
