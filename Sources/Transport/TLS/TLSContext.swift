import COpenSSL
import SansIO
import Synchronization

/// Certificates and TLS policy for new connections, reloadable while connections are open.
///
/// Safe to share between event loops: what new connections use is swapped under a lock, and each ``TLSSession`` holds its
/// own reference to what it started with, so a reload disturbs no open connection. A context that a ``CertificateStore``
/// made is reloaded by that.
public final class TLSContext: Sendable {
    /// Which end of the connection the sessions of this context are.
    public enum Role: Sendable, Hashable {
        /// Accepts connections.
        case server
        /// Opens connections.
        case client
    }

    /// Which end of the connection the sessions of this context are.
    public let role: Role
    /// The wall clock that certificates are verified by.
    let clock: @Sendable () -> Timestamp
    let counting = TLSCounting()
    private let state: Mutex<State>

    private struct State {
        var snapshot: TLSSnapshot
        var configuration: TLSConfiguration
    }

    /// Reads the files and builds a context.
    ///
    /// - Parameters:
    ///   - role: which end of the connection.
    ///   - configuration: files and policy.
    ///   - clock: the wall clock that certificates are verified by; nil is the system's.
    /// - Throws: ``TLSError`` naming the file or setting that is not usable.
    public convenience init(
        role: Role,
        configuration: TLSConfiguration,
        clock: (@Sendable () -> Timestamp)? = nil
    ) throws(TLSError) {
        try self.init(role: role, configuration: configuration, material: Self.read(configuration), clock: clock)
    }

    init(
        role: Role,
        configuration: TLSConfiguration,
        material: TLSMaterial,
        clock: (@Sendable () -> Timestamp)?
    ) throws(TLSError) {
        self.role = role
        self.clock = clock ?? { Timestamp(milliseconds: WallClock.milliseconds()) }
        let snapshot = try TLSSnapshot(role: role, configuration: configuration, material: material)
        state = Mutex(State(snapshot: snapshot, configuration: configuration))
    }

    /// What the context was last built from.
    public var configuration: TLSConfiguration {
        state.withLock { $0.configuration }
    }

    /// What its connections have come to.
    public var counters: TLSCounters { counting.snapshot }

    /// Grows with each reload; open connections that were verified under an older one are worth a
    /// ``TLSSession/revalidate()``.
    public var generation: UInt64 { snapshot.generation }

    /// Whether the other side's certificate is asked for.
    var verifiesPeers: Bool { snapshot.trust != nil }

    /// Reads the files again, or those of a new configuration, and uses them for connections from now on.
    ///
    /// - Parameter replacement: the new configuration; nil reads the same files.
    /// - Throws: ``TLSError``; the former certificates then stay in use.
    public func reload(_ replacement: TLSConfiguration? = nil) throws(TLSError) {
        let configuration = replacement ?? self.configuration
        let material = try Self.read(configuration)
        let snapshot = try TLSSnapshot(role: role, configuration: configuration, material: material)
        state.withLock { $0 = State(snapshot: snapshot, configuration: configuration) }
    }

    /// What new connections use.
    var snapshot: TLSSnapshot { state.withLock { $0.snapshot } }

    /// Uses what was built with ``TLSSnapshot/init(role:configuration:material:)`` for connections from now on.
    func install(_ snapshot: TLSSnapshot) {
        state.withLock { $0.snapshot = snapshot }
    }

    private static func read(_ configuration: TLSConfiguration) throws(TLSError) -> TLSMaterial {
        let files = configuration.files
        return try TLSMaterial(files, CertificateFileContents.read(files))
    }
}
