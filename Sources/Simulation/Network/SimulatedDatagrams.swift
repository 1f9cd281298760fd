import SansIO

/// A process's UDP socket in the simulated network.
public final class SimulatedDatagrams: DatagramPort {
    /// What fits in one Ethernet frame with IPv6 and UDP headers.
    public let maximumBytes = 1452
    /// Hears of each datagram and of the address that it claims to come from.
    public var onReceive: (([UInt8], NodeEndpoint) -> Void)?
    /// Datagrams sent since the machine was added.
    public private(set) var sent: UInt64 = 0
    /// Their bytes.
    public private(set) var sentBytes: UInt64 = 0

    private unowned let machine: Machine

    init(machine: Machine) {
        self.machine = machine
    }

    /// Sends a datagram.
    public func send(_ bytes: [UInt8], to endpoint: NodeEndpoint) {
        precondition(bytes.count <= maximumBytes, "a datagram of \(bytes.count) bytes")
        sent += 1
        sentBytes += UInt64(bytes.count)
        machine.world.network.send(bytes, from: machine, as: machine.endpoint, to: endpoint)
    }
}
