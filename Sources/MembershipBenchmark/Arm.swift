import Membership

/// What is measured beside what.
enum Arm: String, CaseIterable {
    /// The protocol as it is: Lifeguard, corroboration, and no verdict of others counts.
    case busbar = "Busbar"
    /// Lifeguard as published: local health, suspicions that few share take longer, a probe tells of a suspicion. Any node's
    /// verdict kills, as in plain SWIM.
    case lifeguard = "Lifeguard"
    /// Plain SWIM: none of these, and any node's verdict kills.
    case swim = "SWIM"

    var configuration: MembershipConfiguration {
        switch self {
        case .busbar: return .lan
        case .lifeguard:
            var configuration = MembershipConfiguration.lan.withoutLifeguard
            configuration.lifeguard = [.localHealth, .dynamicSuspicion, .buddy]
            return configuration
        case .swim: return MembershipConfiguration.lan.withoutLifeguard
        }
    }
}
