import SansIO

/// What a ``CertificateStore`` has to say to whoever keeps the log.
public enum CertificateEvent: Sendable, Hashable, CustomStringConvertible {
    /// Changed files are in use; the text says which certificate this node now shows.
    case reloaded(String)
    /// Changed files are not usable; what was loaded before stays in use.
    case reloadFailed(TLSError)
    /// A certificate or a revocation list has entered a later stage of its life.
    case aged(CertificateValidity, ExpiryStage)
    /// This node's own certificate does not verify with its own authorities, so others will hardly take it.
    case ownCertificateRefused(TLSError)
    /// Handshakes failed, or open connections were ended, since the last look: how many, and the last of them. One event
    /// for each kind.
    case peersRefused(count: Int, example: TLSError)
    /// Others refused connections of this node since the last look, most likely for its certificate: how many, and the last
    /// refusal. Connections that were made with a former certificate go on.
    case refusedByPeers(count: Int, example: TLSError)

    /// How urgent an event is.
    public enum Severity: Sendable, Hashable {
        /// For the record.
        case info
        /// Someone should look in working hours.
        case warning
        /// Something fails now or will soon.
        case error
    }

    /// How urgent it is.
    public var severity: Severity {
        switch self {
        case .reloaded: .info
        case .reloadFailed: .warning
        case .aged(_, let stage): stage >= .nearExpiry ? .error : .warning
        case .ownCertificateRefused, .refusedByPeers: .error
        case .peersRefused: .warning
        }
    }

    /// The event in words.
    public var description: String {
        switch self {
        case .reloaded(let text):
            return "certificates reloaded: \(text)"
        case .reloadFailed(let error):
            return "certificates not reloaded, the former ones stay in use: \(error)"
        case .aged(let item, let stage):
            return Self.describe(item, stage)
        case .ownCertificateRefused(let error):
            return "this node's own certificate does not verify: \(error.reason)"
        case .peersRefused(let count, let example):
            return "\(count) connections refused (\(example.code.rawValue)), the last one for: \(example)"
        case .refusedByPeers(let count, let example):
            let words = "others refused \(count) connections of this node, most likely for its certificate"
            return words + ", the last one with: \(example)"
        }
    }

    private static func describe(_ item: CertificateValidity, _ stage: ExpiryStage) -> String {
        let time = item.notAfter.certificateText
        if item.kind == .revocationList {
            let state = stage == .expired ? "is too old to rely on" : "is overdue"
            return "the revocation list of \(item.name) \(state): its next update was due at \(time)"
        }
        let what =
            switch item.kind {
            case .own: "this node's certificate"
            case .intermediate: "the intermediate certificate"
            case .authority, .revocationList: "the authority"
            }
        let state =
            switch stage {
            case .fresh: "is fresh"
            case .halfLife: "is past half of its life"
            case .nearExpiry: "is about to expire"
            case .expired: "has expired"
            }
        return "\(what) \(item.name) \(state): valid until \(time)"
    }
}

extension Timestamp {
    /// The time as the `date` field of HTTP has it.
    var certificateText: String { String(decoding: DateCache.format(seconds), as: UTF8.self) }
}

/// What a ``CertificateStore`` is at: for metrics.
public struct CertificateStatus: Sendable, Hashable {
    /// Own certificates, authorities and revocation lists, in this order; each once.
    public var validities: [CertificateValidity] = []
    /// Times that changed files were taken into use.
    public var reloads: UInt64 = 0
    /// Times that changed files turned out not to be usable.
    public var reloadFailures: UInt64 = 0
    /// True while the files cannot be read or used, and what was loaded before is in use.
    public var usesFormerFiles = false
    /// When the files in use were loaded.
    public var loadedAt = Timestamp.zero
    /// The counters of all contexts.
    public var counters = TLSCounters()

    /// A status without anything.
    public init() {}
}
