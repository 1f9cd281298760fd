/// Unreliable datagrams, as one driver sees them: any may be lost, repeated, reordered or forged.
///
/// A port belongs to one shard: it is called on that shard only, and calls back on it.
public protocol DatagramPort: AnyObject {
    /// The largest datagram that is sent whole, in bytes.
    var maximumBytes: Int { get }

    /// Hears of each datagram and of the address that it claims to come from.
    var onReceive: (([UInt8], NodeEndpoint) -> Void)? { get set }

    /// Sends a datagram, or drops it when the socket takes none now. Never calls back from inside.
    ///
    /// - Parameters:
    ///   - bytes: at most ``maximumBytes``.
    ///   - endpoint: an IP address and port; a host name is not resolved.
    func send(_ bytes: [UInt8], to endpoint: NodeEndpoint)
}
