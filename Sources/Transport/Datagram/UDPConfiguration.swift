/// The limits of a ``UDPPort``.
public struct UDPConfiguration: Sendable, Hashable {
    /// The largest datagram that is sent or taken, in bytes. 1,400 fits every usual path without fragments.
    public var maximumBytes = 1_400
    /// Bytes that may wait for the socket; a datagram beyond them is dropped.
    public var maximumUnsentBytes = 256 << 10
    /// Datagrams taken a second, with a burst of as many; more are dropped unread, so that a flood costs the loop little.
    public var maximumReceivedPerSecond = 20_000
    /// Bytes that the kernel is asked to hold between two reads.
    public var kernelBufferBytes = 1 << 20
    /// Datagrams that one system call may read.
    public var datagramsPerRead = 32

    /// The defaults, which suit gossip among hundreds of nodes.
    public init() {}

    /// Every problem, in words; empty when the configuration can be used.
    public func validate() -> [String] {
        var found: [String] = []
        if !(64...65_507).contains(maximumBytes) { found.append("maximumBytes must be from 64 to 65507") }
        if maximumUnsentBytes < maximumBytes { found.append("maximumUnsentBytes must be at least maximumBytes") }
        if !(1...1_000_000).contains(maximumReceivedPerSecond) {
            found.append("maximumReceivedPerSecond must be from 1 to 1000000")
        }
        if kernelBufferBytes < 4_096 { found.append("kernelBufferBytes must be at least 4096") }
        if !(1...1_024).contains(datagramsPerRead) { found.append("datagramsPerRead must be from 1 to 1024") }
        return found
    }
}

/// What a ``UDPPort`` has done since it was opened.
public struct UDPCounters: Sendable, Hashable {
    /// Datagrams handed to the receiver.
    public var received: UInt64 = 0
    /// Their bytes.
    public var receivedBytes: UInt64 = 0
    /// Datagrams given to the socket.
    public var sent: UInt64 = 0
    /// Their bytes.
    public var sentBytes: UInt64 = 0
    /// Datagrams that were too long to be one of ours, and were dropped.
    public var oversized: UInt64 = 0
    /// Datagrams beyond ``UDPConfiguration/maximumReceivedPerSecond``, or that nobody waited for.
    public var receiveDrops: UInt64 = 0
    /// Datagrams not sent: too long, too much was waiting, the address was of no use, or the socket was being reopened.
    public var sendDrops: UInt64 = 0
    /// Datagrams that the system refused to send.
    public var sendFailures: UInt64 = 0
    /// Times that the socket had failed and was opened again.
    public var reopenings: UInt64 = 0

    /// Counters that are all zero.
    public init() {}
}
