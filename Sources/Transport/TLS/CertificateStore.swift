import NIOPosix
import SansIO
import Synchronization

/// A node's certificates, authorities and revocation lists, shared by its listeners and clients, and kept up to date with
/// the files they come from.
///
/// Every ``TLSContext`` that the store makes is reloaded with it, all at once. A look that finds the files changed waits
/// for a second one that finds them the same, so that a half-written file is not taken; one that is not usable changes
/// nothing and is reported once. Safe to use from any thread.
public final class CertificateStore: Sendable {
    /// Whether the other side's certificate is asked for.
    public enum Verification: Sendable, Hashable {
        /// It is not.
        case none
        /// A server asks for one and accepts its absence.
        case optional
        /// The handshake fails without one.
        case required
    }

    /// Where certificates come from.
    public let files: CertificateFiles
    /// What certificates of others must fulfil.
    public let policy: CertificatePolicy
    private let clock: @Sendable () -> Timestamp
    private let state: Mutex<State>

    private struct State {
        var contents: CertificateFileContents
        var material: TLSMaterial
        var contexts: [TLSContext] = []
        /// What the last look found, when it differed from what is in use.
        var pending: CertificateFileContents?
        /// What was reported last, so that it is reported once.
        var problem: TLSError?
        var ownProblem: TLSError?
        var monitor = ExpiryMonitor()
        var reloads: UInt64 = 0
        var reloadFailures: UInt64 = 0
        var loadedAt: Timestamp
    }

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - files: where certificates come from.
    ///   - policy: what certificates of others must fulfil.
    ///   - clock: the wall clock; nil is the system's.
    /// - Throws: ``TLSError`` naming the file that is not usable.
    public init(
        files: CertificateFiles,
        policy: CertificatePolicy = .member,
        clock: (@Sendable () -> Timestamp)? = nil
    ) throws(TLSError) {
        let clock = clock ?? { Timestamp(milliseconds: WallClock.milliseconds()) }
        self.files = files
        self.policy = policy
        self.clock = clock
        let contents = try CertificateFileContents.read(files)
        let material = try TLSMaterial(files, contents)
        state = Mutex(State(contents: contents, material: material, loadedAt: clock()))
        _ = try makeTrust(material)
    }

    /// Makes a context that follows the store.
    ///
    /// - Parameters:
    ///   - role: which end of the connection.
    ///   - verification: whether the other side's certificate is asked for; needs authorities.
    ///   - minimumVersion: the oldest protocol version.
    ///   - applicationProtocols: the protocols for ALPN.
    /// - Returns: the context; the store keeps it as long as itself.
    /// - Throws: ``TLSError`` when that does not fit the files.
    public func makeContext(
        role: TLSContext.Role,
        verification: Verification,
        minimumVersion: TLSConfiguration.MinimumVersion = .tls12,
        applicationProtocols: TLSConfiguration.ApplicationProtocols = .http2AndHTTP1
    ) throws(TLSError) -> TLSContext {
        if verification != .none, files.authorityFiles.isEmpty {
            throw TLSError(operation: "certificate authorities", reason: "none to verify the other side with")
        }
        let peerVerification: TLSConfiguration.PeerVerification =
            switch verification {
            case .none: .none
            case .optional: .optional(caFiles: files.authorityFiles)
            case .required: .required(caFiles: files.authorityFiles)
            }
        var configuration = TLSConfiguration(
            certificateChainFile: files.certificateChainFile,
            privateKeyFile: files.privateKeyFile,
            peerVerification: peerVerification,
            minimumVersion: minimumVersion,
            applicationProtocols: applicationProtocols
        )
        configuration.revocationListFiles = files.revocationListFiles
        configuration.policy = policy
        let made = state.withLock { state -> Result<TLSContext, TLSError> in
            Result { () throws(TLSError) in
                try TLSContext(role: role, configuration: configuration, material: state.material, clock: clock)
            }.map { context in
                state.contexts.append(context)
                return context
            }
        }
        return try made.get()
    }

    /// Looks at the files: takes changed ones into use, and tells what there is to tell. Meant for a timer off the event
    /// loops: it reads files.
    public func poll() -> [CertificateEvent] { look(takesAtOnce: false) }

    /// As ``poll()``, but takes changed files into use at once: for a signal, whose sender knows that they are complete.
    public func reload() -> [CertificateEvent] { look(takesAtOnce: true) }

    /// Polls until the task is cancelled, on a thread for blocking work.
    ///
    /// - Parameters:
    ///   - interval: how often; a change is in use after two looks at most.
    ///   - report: hears of every event.
    public func watch(every interval: Duration, report: @Sendable (CertificateEvent) -> Void) async {
        while !Task.isCancelled {
            guard (try? await Task.sleep(for: interval)) != nil else { return }
            let events = try? await NIOThreadPool.singleton.runIfActive { self.poll() }
            for event in events ?? [] { report(event) }
        }
    }

    /// What the store is at.
    public var status: CertificateStatus {
        state.withLock { state in
            var status = CertificateStatus()
            status.validities = Self.validities(state.material)
            status.reloads = state.reloads
            status.reloadFailures = state.reloadFailures
            status.usesFormerFiles = state.problem != nil
            status.loadedAt = state.loadedAt
            for context in state.contexts { status.counters += context.counters }
            return status
        }
    }

    /// This node's own certificate and what leads to its authority; empty for a client without one.
    public var ownChain: [X509Certificate] { state.withLock { $0.material.chain } }

    /// What is loaded now.
    var material: TLSMaterial { state.withLock { $0.material } }

    /// Authorities, revocation lists and policy as they are now.
    func makeTrust(_ material: TLSMaterial) throws(TLSError) -> TrustStore {
        try TrustStore(authorities: material.authorities, revocationLists: material.revocationLists, policy: policy)
    }

    private func look(takesAtOnce: Bool) -> [CertificateEvent] {
        let found = Result { () throws(TLSError) in try CertificateFileContents.read(files) }
        let now = clock()
        return state.withLock { state in
            var events = takeChange(found, takesAtOnce: takesAtOnce, now: now, &state)
            events += checkOwnCertificate(now: now, &state)
            let validities = Self.validities(state.material)
            let aged = state.monitor.check(
                validities,
                maximumStaleness: policy.maximumRevocationStaleness,
                now: now
            )
            events += aged.map { .aged($0.item, $0.stage) }
            for context in state.contexts {
                events += context.counting.takeRefusals().map { refusal in
                    // A listener is refused by whoever likes, which is no error of this node.
                    refusal.example.code == .refusedByPeer && context.role == .client
                        ? .refusedByPeers(count: refusal.count, example: refusal.example)
                        : .peersRefused(count: refusal.count, example: refusal.example)
                }
            }
            return events
        }
    }

    private func takeChange(
        _ found: Result<CertificateFileContents, TLSError>,
        takesAtOnce: Bool,
        now: Timestamp,
        _ state: inout State
    ) -> [CertificateEvent] {
        do {
            let contents = try found.get()
            if contents == state.contents {
                state.pending = nil
                state.problem = nil
                return []
            }
            if !takesAtOnce, contents != state.pending {
                state.pending = contents
                return []
            }
            try apply(contents, now: now, &state)
            let leaf = state.material.chain.first
            let text = leaf.map { "\($0.subject), valid until \($0.notAfter.certificateText)" }
            return [.reloaded(text ?? "no certificate of its own")]
        } catch {
            // Whoever sent a signal wants to hear again.
            if state.problem == error, !takesAtOnce { return [] }
            state.problem = error
            state.reloadFailures += 1
            return [.reloadFailed(error)]
        }
    }

    /// Builds everything anew, and swaps it only when all of it could be built.
    private func apply(
        _ contents: CertificateFileContents,
        now: Timestamp,
        _ state: inout State
    ) throws(TLSError) {
        let material = try TLSMaterial(files, contents)
        try Self.check(material, replacing: state.material, now: now)
        _ = try makeTrust(material)
        var snapshots: [TLSSnapshot] = []
        for context in state.contexts {
            snapshots.append(
                try TLSSnapshot(role: context.role, configuration: context.configuration, material: material)
            )
        }
        for (context, snapshot) in zip(state.contexts, snapshots) { context.install(snapshot) }
        state.contents = contents
        state.material = material
        state.pending = nil
        state.problem = nil
        state.reloads += 1
        state.loadedAt = now
    }

    /// Refuses a replacement that would be worse than what is in use.
    private static func check(
        _ material: TLSMaterial,
        replacing current: TLSMaterial,
        now: Timestamp
    ) throws(TLSError) {
        guard let new = material.chain.first, let old = current.chain.first else { return }
        let operation = "certificate \(new.subject)"
        if old.identity.uris != new.identity.uris {
            let names = new.identity.uris.joined(separator: ", ")
            throw TLSError(operation: operation, reason: "for another identity (\(names)), which takes a restart")
        }
        guard old.notBefore <= now, now <= old.notAfter else { return }
        if now > new.notAfter {
            throw TLSError(.certificateExpired, operation: operation, reason: "has expired already")
        }
        if now < new.notBefore {
            throw TLSError(.certificateNotYetValid, operation: operation, reason: "is not valid yet")
        }
    }

    /// Looks at the own certificate as another node would. Only for nodes: an API listener's certificate may well come
    /// from an authority that this node asks nobody else for.
    private func checkOwnCertificate(now: Timestamp, _ state: inout State) -> [CertificateEvent] {
        let material = state.material
        guard let leaf = material.chain.first, leaf.identity.uris.count == 1, !material.authorities.isEmpty,
            let trust = try? makeTrust(material)
        else { return [] }
        let others = material.chain.dropFirst().map(\.pointer)
        switch trust.verify(leaf: leaf.pointer, intermediates: others, usage: .client, now: now) {
        case .valid:
            state.ownProblem = nil
            return []
        case .refused(let error):
            defer { state.ownProblem = error }
            return state.ownProblem == error ? [] : [.ownCertificateRefused(error)]
        }
    }

    private static func validities(_ material: TLSMaterial) -> [CertificateValidity] {
        var found: [CertificateValidity] = []
        func add(_ kind: CertificateValidity.Kind, _ name: String, _ start: Timestamp, _ end: Timestamp) {
            let item = CertificateValidity(kind: kind, name: name, notBefore: start, notAfter: end)
            if !found.contains(item) { found.append(item) }
        }
        for (index, certificate) in material.chain.enumerated() {
            let kind: CertificateValidity.Kind = index == 0 ? .own : .intermediate
            add(kind, certificate.subject, certificate.notBefore, certificate.notAfter)
        }
        for authority in material.authorities {
            add(.authority, authority.subject, authority.notBefore, authority.notAfter)
        }
        for list in material.revocationLists {
            add(.revocationList, list.issuer, list.thisUpdate, list.nextUpdate)
        }
        return found
    }
}
