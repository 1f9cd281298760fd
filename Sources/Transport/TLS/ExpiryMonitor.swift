import SansIO

/// From when until when a certificate is valid or a revocation list current.
public struct CertificateValidity: Sendable, Hashable {
    /// What it is.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// This node's own certificate.
        case own
        /// A certificate between this node's own and its authority.
        case intermediate
        /// An authority that others may chain to.
        case authority
        /// A revocation list.
        case revocationList = "revocation_list"
    }

    /// What it is.
    public var kind: Kind
    /// The subject, or a revocation list's issuer, in RFC 2253 form.
    public var name: String
    /// The start of the validity, or when the list was made.
    public var notBefore: Timestamp
    /// The end of the validity, or when the next list is due.
    public var notAfter: Timestamp

    /// Creates a value.
    public init(kind: Kind, name: String, notBefore: Timestamp, notAfter: Timestamp) {
        self.kind = kind
        self.name = name
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

/// How far a certificate's life or a revocation list's currency has gone.
public enum ExpiryStage: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// In the first half of its life, when nothing needs to be done. A list until its next update is due.
    case fresh
    /// In the second half: time to renew. A list is never in this stage.
    case halfLife
    /// In the last tenth. A list whose next update is overdue.
    case nearExpiry
    /// Past its end. A list that is overdue by more than its policy allows.
    case expired

    /// Orders by time.
    public static func < (left: ExpiryStage, right: ExpiryStage) -> Bool { left.rawValue < right.rawValue }

    init(_ item: CertificateValidity, maximumStaleness: Duration, now: Timestamp) {
        if item.kind == .revocationList {
            self =
                now > item.notAfter + maximumStaleness ? .expired : now > item.notAfter ? .nearExpiry : .fresh
            return
        }
        let life = item.notAfter - item.notBefore
        if now > item.notAfter {
            self = .expired
        } else if now + life / 10 > item.notAfter {
            self = .nearExpiry
        } else if now > item.notBefore + life / 2 {
            self = .halfLife
        } else {
            self = .fresh
        }
    }
}

/// Tells once each time that a certificate or a revocation list enters a later stage of its life.
struct ExpiryMonitor {
    private var reported: [CertificateValidity: ExpiryStage] = [:]

    /// What has entered a later stage since the last look, in the order given. Forgets what is no longer there.
    mutating func check(
        _ items: [CertificateValidity],
        maximumStaleness: Duration,
        now: Timestamp
    ) -> [(item: CertificateValidity, stage: ExpiryStage)] {
        var found: [(item: CertificateValidity, stage: ExpiryStage)] = []
        var next: [CertificateValidity: ExpiryStage] = [:]
        for item in items where next[item] == nil {
            let stage = ExpiryStage(item, maximumStaleness: maximumStaleness, now: now)
            let before = reported[item] ?? .fresh
            if stage > before { found.append((item, stage)) }
            // A clock that was set back and forth again repeats nothing.
            next[item] = max(stage, before)
        }
        reported = next
        return found
    }
}
