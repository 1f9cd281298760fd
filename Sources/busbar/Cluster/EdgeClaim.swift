import Cluster
import EventModel
import Logging
import Membership
import PeerProtocol
import SansIO
import Transport

/// What an edge says of itself for gossip, by way of the nodes that it dials. Belongs to the node's shard.
final class EdgeClaim {
    private let credentials: NodeCredentials
    private let claimant: LeafClaimant
    private let log: Logger

    /// Signs nothing before ``greet(with:accounts:)``.
    ///
    /// - Throws: what is wrong with the certificate.
    init(
        _ identity: NodeIdentity,
        trustDomain: String,
        certificates: CertificateStore,
        clock: any ClockPort,
        seed: UInt64,
        log: Logger
    ) throws {
        self.log = log
        credentials = try NodeCredentials(store: certificates, sealer: nil, trustDomain: trustDomain, clock: clock)
        guard
            let claimant = LeafClaimant(
                identity: identity,
                version: GossipNode.version,
                trustDomain: trustDomain,
                crypto: credentials,
                clock: clock,
                seed: seed
            )
        else { throw StartFailure(description: "the certificate does not entitle this node to be known by gossip") }
        self.claimant = claimant
    }

    /// Has the greetings of uplinks carry the claim.
    func greet(with keeper: UplinkKeeper, accounts: @escaping () -> [AccountID]) {
        keeper.presence = { [claimant, log] dialled in
            let before = claimant.accountsLeftOut
            let presence = claimant.presence(accounts: accounts(), dialled: dialled)
            if claimant.accountsLeftOut > before {
                log.error(
                    "too many accounts to announce; other cells do not hear of all of them",
                    metadata: ["leftOut": "\(claimant.accountsLeftOut)"]
                )
            }
            return presence
        }
        claimant.onChange = { [weak keeper] in keeper?.announce() }
        keeper.onHeldClaim = { [claimant] in claimant.heard($0) }
    }

    /// Takes up certificates that were read again.
    func certificatesReloaded() {
        let before = credentials.ownCertificate
        do {
            try credentials.reloaded()
        } catch {
            log.error("the new certificate is not used for what gossip says", metadata: ["error": "\(error)"])
            return
        }
        if credentials.ownCertificate != before { claimant.certificateRenewed() }
    }
}
