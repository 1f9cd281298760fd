/// Where a node can be reached: an address and a port.
public struct NodeEndpoint: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// An IP address in its usual text form, e.g. `192.0.2.7` or `2001:db8::7`, or a host name.
    public var host: String
    /// The port, 1 to 65535.
    public var port: UInt16

    /// Creates an endpoint.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// `host:port`, with brackets around an IPv6 address.
    public var description: String {
        host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    /// Orders by host, then by port.
    public static func < (left: NodeEndpoint, right: NodeEndpoint) -> Bool {
        (left.host, left.port) < (right.host, right.port)
    }
}
