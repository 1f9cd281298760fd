import EventModel
import SansIO

/// All that is held of one core member. Slot 0 is this node itself.
struct MemberRecord: Sendable {
    /// A probe under way.
    struct Probe: Sendable {
        var nonce: UInt64
        /// Who was asked to probe too, and how many of them said that they got no answer either.
        var asked = 0
        var nacks = 0
        /// What the target is told that it is held as, when it is worse than what is held here.
        var hearsay: Member.State?
        /// True when it was not this member's turn.
        var isExtra = false
    }

    /// A suspicion that is not resolved.
    struct Suspicion: Sendable {
        struct Signer: Sendable {
            var node: NodeKey
            var bytes: [UInt8]
            var isVerdict: Bool
        }

        var serial: UInt64
        var startedAt: Int64
        /// How many nodes were present then: were it to follow a growing cluster, its time would move away from the timer.
        var nodes: Int
        var signers: [Signer] = []
        /// Set when the subject is asked for the last time: no death before then.
        var decidesAt: Int64?

        var doubts: Int { signers.count { !$0.isVerdict } }
        var verdicts: Int { signers.count { $0.isVerdict } }
    }

    /// A certificate that may still sign datagrams after it was renewed.
    struct Previous: Sendable {
        var fingerprint: CertificateFingerprint
        var until: Int64
    }

    /// By how much its view's sum differs from this node's.
    struct Difference: Sendable {
        var value: UInt64
        var since: Int64
    }

    var claim: NodeClaim
    /// The claim as its subject signed it.
    var signed: [UInt8]
    var facts: CertificateFacts
    var state: Member.State
    var since: Int64
    var sinceWall: Timestamp
    /// What this member adds to the view's sum; zero when it does not count.
    var share: UInt64 = 0
    /// Which of the accounts that it claims count.
    var hosting = HostedAccounts()
    var previous: Previous?
    /// Certificates of its name that vouched for the one after them, as was verified; the last few.
    var supersedes: [CertificateFingerprint] = []
    /// Whether a former certificate was taken up that this node has not seen in use as the present one.
    var hasLearnedFormer = false
    var window = ReplayWindow()
    var suspicion: Suspicion?
    var probe: Probe?
    var difference: Difference?
    /// At a leaf: who says that it does not answer, the leaf itself included.
    var doubters: [NodeKey] = []
    var isActive = false
    var isDeparted = false
    var isQueuedForProbe = false
    /// Its certificate replaced another that did not vouch for it.
    var isProvisional = false
    /// The last claim of its name under another certificate that was refused: heard again when this node is dead.
    var contender: [UInt8]?

    var changes = Allowance()
    var suspicions = Allowance()
    var attachments = Allowance()
    var hearsay = Allowance()
    /// Pings to it, as it is held dead or left, that its own datagrams set off.
    var returns = Allowance()
    /// Its requests for chains.
    var chainRequests = Allowance()
    /// Its own claim, sent back to who speaks of an earlier epoch in its name.
    var echoes = Allowance()
    /// Certificates asked for since it passed on claims.
    var certificates = Allowance()
    var alarms = Allowance()
    var forgeries = Allowance()
    var syncs = Allowance()
    /// Its datagrams that were verified, and those in its name from its own address whose signature was wrong.
    var datagrams = Allowance()
    var wrongSignatures = Allowance()
    var mutedUntil = Int64.min

    /// Takes over what the same name has used up of its shares before it was a leaf for a while.
    mutating func resume(_ former: MemberRecord) {
        window = former.window
        changes = former.changes
        suspicions = former.suspicions
        attachments = former.attachments
        hearsay = former.hearsay
        returns = former.returns
        chainRequests = former.chainRequests
        echoes = former.echoes
        certificates = former.certificates
        alarms = former.alarms
        forgeries = former.forgeries
        syncs = former.syncs
        datagrams = former.datagrams
        wrongSignatures = former.wrongSignatures
        mutedUntil = former.mutedUntil
    }

    var key: NodeKey { claim.node }
    var identity: NodeIdentity { claim.identity }
    var isPresent: Bool { state == .alive || state == .suspect }

    /// The member as others are told of it.
    var member: Member {
        var description = claim.description
        description.accounts = hosting.accounts
        return Member(
            identity: claim.identity,
            key: claim.node,
            state: state,
            incarnation: claim.incarnation,
            certificate: facts.fingerprint,
            notAfter: facts.notAfter,
            description: description,
            since: sinceWall
        )
    }
}
