import AccessPolicy
import EventModel

/// A caller and its wish in the plainest terms.
struct PlainRequest {
    var principal: Principal
    var action: String
    var resource: String
    /// By lower-cased key.
    var context: [String: [String]]

    var authorizationRequest: AuthorizationRequest {
        var request = AuthorizationRequest(principal: principal, action: PolicyAction(action), resource: resource)
        for key in context.keys.sorted() {
            for value in context[key] ?? [] {
                request.context.add(ConditionKey(key), value)
            }
        }
        return request
    }
}

/// Spec: control §8 written down word for word over strings and dictionaries, without any care for speed. The compiled
/// evaluator is compared with it.
struct PlainEvaluator {
    var resource: PolicyDocument?
    var identity: [PolicyDocument]?
    var boundary: PolicyDocument?
    var session: PolicyDocument?
    var owner: AccountID

    func decide(_ request: PlainRequest) -> String {
        let isService = request.principal.kind == .service
        let identityStatements = (identity ?? []).flatMap { document in document.statements.map { (document, $0) } }
        let callerSide = isService ? [] : identityStatements + statements(boundary) + statements(session)
        for (document, statement) in statements(resource) + callerSide where statement.effect == .deny {
            if matches(statement, document, request) { return "DENY(explicit)" }
        }
        let levels = statements(resource).filter { $1.effect == .allow && matches($1, $0, request) }
            .map { level($1, request.principal) }
        if isService { return levels.isEmpty ? "DENY(implicit)" : "ALLOW" }
        let identityAllows = identity == nil || allows(identityStatements, request)
        let isLimited =
            boundary.map { !allows(statements($0), request) } ?? false
            || session.map { !allows(statements($0), request) } ?? false
        if request.principal.account == owner {
            if levels.contains(3) || request.principal.kind == .root { return "ALLOW" }
            if levels.contains(2), !isLimited { return "ALLOW" }
            return identityAllows && !isLimited ? "ALLOW" : "DENY(implicit)"
        }
        let callerMay = request.principal.kind == .root || identityAllows && !isLimited
        return callerMay && !levels.isEmpty ? "ALLOW" : "DENY(implicit)"
    }

    private func statements(_ document: PolicyDocument?) -> [(PolicyDocument, PolicyStatement)] {
        document.map { document in document.statements.map { (document, $0) } } ?? []
    }

    private func allows(_ statements: [(PolicyDocument, PolicyStatement)], _ request: PlainRequest) -> Bool {
        statements.contains { $1.effect == .allow && matches($1, $0, request) }
    }

    /// 3: everyone or the caller itself; 2: its role; 1: its account; 0: not named.
    private func level(_ statement: PolicyStatement, _ principal: Principal) -> Int {
        guard let principals = statement.principals else { return 3 }
        let account = principal.account?.description ?? "none"
        let levels = principals.names.map { name -> Int in
            switch name {
            case .everyone: return 3
            case .service(let text): return principal.kind == .service && text == principal.arn ? 3 : 0
            case .aws(let text):
                if principal.kind == .service { return 0 }
                if text == account || text == "arn:aws:iam::\(account):root" { return 1 }
                if text == principal.arn { return 3 }
                return text == principal.roleARN ? 2 : 0
            default: return 0
            }
        }
        guard principals.isNegated else { return levels.max() ?? 0 }
        if statement.effect == .allow { return levels.allSatisfy { $0 == 0 } ? 3 : 0 }
        var needed: Set<Int> = [3]
        if principal.kind == .roleSession { needed = [1, 2, 3] }
        if principal.kind == .user { needed = [1, 3] }
        if principal.kind == .root { needed = [1] }
        let isSpared = principals.names.contains(.everyone) || needed.isSubset(of: Set(levels))
        return isSpared ? 0 : 3
    }

    private func matches(_ statement: PolicyStatement, _ document: PolicyDocument, _ request: PlainRequest) -> Bool {
        let expander = PlainExpander(document: document, request: request)
        let action = statement.actions.values.contains {
            PlainGlob.matches(PlainGlob.tokens($0.lowercased()), request.action.lowercased())
        }
        let resource = statement.resources.values.contains { text in
            guard let tokens = expander.tokens(text, wildcards: true, fromPart: 5) else { return false }
            return PlainGlob.matches(tokens, request.resource)
        }
        return level(statement, request.principal) > 0 && action != statement.actions.isNegated
            && resource != statement.resources.isNegated
            && statement.conditions.allSatisfy { PlainCondition(condition: $0, expander: expander).holds }
    }
}

/// Wildcards by trying everything.
enum PlainGlob {
    enum Token: Equatable {
        case scalar(Unicode.Scalar)
        case one
        case run
    }

    static func tokens(_ text: String) -> [Token] {
        text.unicodeScalars.map { $0 == "*" ? .run : $0 == "?" ? .one : .scalar($0) }
    }

    static func matches(_ tokens: [Token], _ text: String) -> Bool {
        matches(tokens[...], Array(text.unicodeScalars)[...])
    }

    private static func matches(_ tokens: ArraySlice<Token>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
        guard let first = tokens.first else { return text.isEmpty }
        let rest = tokens.dropFirst()
        switch first {
        case .run: return matches(rest, text) || (!text.isEmpty && matches(tokens, text.dropFirst()))
        case .one: return !text.isEmpty && matches(rest, text.dropFirst())
        case .scalar(let scalar): return text.first == scalar && matches(rest, text.dropFirst())
        }
    }
}

/// Policy variables by splitting at `${` and `}`.
struct PlainExpander {
    var document: PolicyDocument
    var request: PlainRequest

    func values(_ key: String) -> [String] {
        let principal = request.principal
        switch key.lowercased() {
        case "aws:principalaccount": return principal.account.map { [$0.description] } ?? []
        case "aws:principalarn": return principal.kind == .service ? [] : [principal.roleARN ?? principal.arn]
        case "aws:username":
            return principal.kind == .user ? [String(principal.arn.split(separator: "/").last ?? "")] : []
        case "aws:principalorgid": return principal.attributes.organizationID.map { [$0] } ?? []
        default:
            var seen: [String] = []
            for value in request.context[key.lowercased()] ?? [] where !seen.contains(value) {
                seen.append(value)
            }
            return seen
        }
    }

    /// Nil when a variable cannot be resolved. Variables before part number `fromPart` of an ARN are text.
    func tokens(_ text: String, wildcards: Bool, fromPart: Int = 0) -> [PlainGlob.Token]? {
        func plain(_ text: some StringProtocol) -> [PlainGlob.Token] {
            wildcards ? PlainGlob.tokens(String(text)) : text.unicodeScalars.map { .scalar($0) }
        }
        var tokens: [PlainGlob.Token] = []
        var rest = text[...]
        if fromPart > 0 {
            let parts = text.split(separator: ":", maxSplits: fromPart, omittingEmptySubsequences: false)
            guard parts.count > fromPart else { return plain(text) }
            rest = parts[fromPart]
            tokens = plain(text.dropLast(rest.count))
        }
        guard document.version == .v2012 else { return tokens + plain(rest) }
        while let start = rest.firstRange(of: "${"), let end = rest[start.upperBound...].firstIndex(of: "}") {
            tokens += plain(rest[..<start.lowerBound])
            let body = String(rest[start.upperBound..<end])
            rest = rest[rest.index(after: end)...]
            if ["*", "?", "$"].contains(body) {
                tokens += body.unicodeScalars.map { .scalar($0) }
                continue
            }
            let sides = body.split(separator: ",", maxSplits: 1).map { $0.filter { $0 != " " } }
            let values = values(sides[0])
            let fallback = sides.count > 1 ? sides[1].dropFirst().dropLast() : nil
            guard let value = values.count == 1 ? values[0] : fallback.map(String.init) else { return nil }
            tokens += value.unicodeScalars.map { .scalar($0) }
        }
        return tokens + plain(rest)
    }
}
