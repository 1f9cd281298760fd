import Cluster
import EventModel
import Membership
import PeerProtocol
import RetryControl
import SansIO

/// A process that only dials out: it keeps uplinks open, and what gossip is to say of it goes with their greetings.
public final class LeafNode: SimulatedNode {
    /// Signs what is said of it; the same code as in production.
    public let claimant: LeafClaimant
    /// Keeps its uplinks open; the same code as in production.
    public let keeper: UplinkKeeper
    /// What its cell hosts, in order.
    public let accounts: [AccountID]

    private final class NoQuestions: PeerFrameHandler {
        func answer(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
        func explain(_ body: [UInt8], from identity: CertificateIdentity, completion: @escaping ([UInt8]) -> Void) {}
    }

    /// The certificate that it presents.
    public var certificate: CertificateFingerprint { crypto.ownCertificate }

    private let crypto: SimulatedCrypto
    private let handler = NoQuestions()

    /// Creates a process that has not begun; nil when the machine's certificate names no node.
    ///
    /// - Parameters:
    ///   - machine: what it runs on.
    ///   - accounts: what its cell hosts.
    ///   - dials: the nodes that it keeps uplinks to.
    ///   - crypto: made for this process.
    ///   - trustDomain: of every node.
    public init?(
        machine: Machine,
        accounts: [AccountID],
        dials: [NodeEndpoint],
        crypto: SimulatedCrypto,
        trustDomain: String
    ) {
        guard let identity = machine.nodeIdentity,
            let claimant = LeafClaimant(
                identity: identity,
                version: "1.0.0",
                trustDomain: trustDomain,
                crypto: crypto,
                clock: machine,
                seed: machine.generator.next()
            )
        else { return nil }
        self.claimant = claimant
        self.accounts = accounts.sorted()
        self.crypto = crypto
        // The usual minute between two attempts is as long as a calm.
        let keeper = UplinkKeeper(
            to: dials.map { PeerAddress(endpoint: $0, uri: nil) },
            trustDomain: trustDomain,
            links: machine.links,
            clock: machine,
            seed: machine.generator.next(),
            handler: handler,
            backoff: RetryBackoff(base: .seconds(1), cap: .seconds(10)),
            accounts: { accounts }
        )
        self.keeper = keeper
        keeper.presence = { claimant.presence(accounts: accounts, dialled: $0) }
        claimant.onChange = { [weak keeper] in keeper?.announce() }
        keeper.onHeldClaim = { claimant.heard($0) }
    }

    /// Opens the uplinks.
    public func start() {
        keeper.start()
    }

    /// Closes the uplinks.
    public func leave() {
        keeper.stop()
    }

    /// Reads the certificate anew.
    public func certificatesChanged() {
        crypto.reload()
        claimant.certificateRenewed()
    }
}
