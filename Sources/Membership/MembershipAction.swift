import EventModel
import SansIO

/// What the interpreter of a ``SWIMInstance`` must do. Actions are independent; their order is that of their causes.
public enum MembershipAction: Equatable, Sendable {
    /// Send a datagram, sealed and complete.
    case send([UInt8], to: NodeEndpoint)
    /// Make one request to ``MembershipSync/path`` over a peer link and hand its outcome back with the number, by
    /// ``SWIMInstance/receivedSyncReply(_:number:now:using:)`` or ``SWIMInstance/syncFailed(number:now:using:)``.
    case sync(MembershipSync)
    /// Tell whoever listens. Nothing else is to be done.
    case event(MembershipEvent)
}

/// A request for full-state sync with another node.
public struct MembershipSync: Equatable, Sendable {
    /// Where requests go.
    public static let path = "/peer/v1/membership"
    /// How long the exchange may take.
    public static let timeout: Duration = .seconds(5)

    /// Names the exchange to the instance.
    public var number: UInt64
    /// Whom to ask; without URI for a seed.
    public var peer: PeerAddress
    /// The request's body.
    public var body: [UInt8]
}

/// Something that changed in this node's view, or that a person should know.
public enum MembershipEvent: Equatable, Sendable {
    /// A node appeared, or came back after it was dead or had left.
    case joined(Member)
    /// A node did not answer, in the opinion of the named node; it is still used.
    case suspected(Member, by: NodeIdentity)
    /// A suspected node has shown that it is alive.
    case recovered(Member)
    /// A node is held dead.
    case died(Member)
    /// A node left on purpose.
    case left(Member)
    /// A node's certificate does not entitle it to take part any more.
    case ejected(Member, reason: EjectionReason)
    /// A node's description, certificate or address changed.
    case changed(Member)
    /// The directory of accounts changed.
    case directory(DirectoryChange)
    /// Something that may be an attack or a mistake of operation.
    case alarm(MembershipAlarm)
    /// A requested leave has been told to the others: the process may end.
    case leaveCompleted
}

/// Why a certificate does not entitle any more.
public enum EjectionReason: String, Equatable, Sendable {
    /// A revocation list names it.
    case revoked
    /// Its time is over.
    case expired
    /// Its root is not trusted any more.
    case untrusted
}

/// Something that a person should look at.
public enum MembershipAlarm: Equatable, Sendable {
    /// Another certificate claims a live node's name; the claim was refused.
    case nameContested(NodeIdentity, held: CertificateFingerprint, contender: CertificateFingerprint, at: NodeEndpoint)
    /// A node came back with another certificate that its previous one did not vouch for.
    case nameReplaced(NodeIdentity, previous: CertificateFingerprint, now: CertificateFingerprint)
    /// Another process signs claims with this node's own certificate.
    case duplicateSelf(at: NodeEndpoint)
    /// A node claims to host an account that its certificate does not cover; the claim to that account is ignored.
    case accountOutsideScope(NodeIdentity, AccountID)
    /// Two cells claim an account; the directory answers with `owner`.
    case accountContested(AccountID, owner: CellIdentity, other: CellIdentity)
    /// A node names a list of accounts that is too long, or too short, to be one; those that its claim carries count.
    case accountListTooLong(NodeIdentity, accounts: Int)
    /// A node's list of accounts could not be had of anybody; it is still asked for now and then.
    case accountListMissing(NodeIdentity, accounts: Int)
    /// No more lists of accounts can be kept: accounts are missing in this directory.
    case tooManyAccounts(limit: Int)
    /// A node suspects more others than is plausible; its suspicions are ignored for a while.
    case suspicionFlood(NodeIdentity)
    /// A node says more about its leaves than is plausible; what is too much is ignored.
    case attachmentFlood(NodeIdentity)
    /// This node's own clock was set back, after it was so far ahead that others did not believe what this node said.
    case ownClockAhead(by: Duration)
    /// A node's claim lies more than half a day ahead of this node's clock and is refused; so many nodes' did lately. One of the
    /// clocks is wrong: this node's own, if there are several.
    case clockBehind(NodeIdentity, by: Duration, nodes: Int)
    /// No more members can be kept: nodes are missing in this view.
    case tooManyMembers(limit: Int)
}

/// One node, as this node sees it.
public struct Member: Equatable, Sendable {
    /// What is held of a node. Within one incarnation the order is that of the cases: only forward.
    public enum State: String, Equatable, Sendable {
        /// It takes part.
        case alive
        /// It did not answer, and has some time to say that it is alive.
        case suspect
        /// It said nothing in that time. It is tried for days.
        case dead
        /// It left on purpose.
        case left
        /// Its certificate was refused.
        case ejected
    }

    /// Who it is.
    public var identity: NodeIdentity
    /// Names it on the wire.
    public var key: NodeKey
    /// What is held of it.
    public var state: State
    /// The incarnation of the claim that is held.
    public var incarnation: UInt64
    /// Its certificate.
    public var certificate: CertificateFingerprint
    /// The end of its certificate's validity.
    public var notAfter: Timestamp
    /// What it says about itself, without the accounts that its certificate does not cover.
    public var description: NodeDescription
    /// When the state was reached.
    public var since: Timestamp
}
