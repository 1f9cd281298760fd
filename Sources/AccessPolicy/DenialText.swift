extension PolicyDecision {
    /// The message of an `AccessDeniedException` (spec: control §8.9); nil when the request is allowed.
    public func denialText(for request: AuthorizationRequest) -> String? {
        guard case .deny(let refusal) = self else { return nil }
        let head = "User: \(request.principal.arn) is not authorized to perform: \(request.action.name) "
        return head + "on resource: \(request.resource) " + refusal.ending(action: request.action.name)
    }
}

extension PolicyDecision.Refusal {
    func ending(action: String) -> String {
        switch self {
        case .implicit(let missing): "because no \(missing.adjectiveAndNoun) allows the \(action) action"
        case .explicit(let statement):
            "with an explicit deny in \(statement.policy.article) \(statement.policy.adjectiveAndNoun)"
        }
    }
}

extension PolicyKind {
    /// The name that messages use, without an article.
    var adjectiveAndNoun: String {
        switch self {
        case .serviceControl: "service control policy"
        case .identity: "identity-based policy"
        case .resource: "resource-based policy"
        case .permissionsBoundary: "permissions boundary"
        case .session: "session policy"
        }
    }

    var article: String { self == .identity ? "an" : "a" }
}
