import EventModel

/// How closely a statement's principal names the caller. What an `Allow` needs besides depends on it (spec: control §8.8).
enum PrincipalMatch: UInt8, Comparable, Sendable {
    /// Not at all.
    case none
    /// By its account, which delegates to the account's identity policies.
    case account
    /// By its role.
    case role
    /// By its own ARN, or as everyone.
    case direct

    static func < (left: PrincipalMatch, right: PrincipalMatch) -> Bool { left.rawValue < right.rawValue }
}

extension PolicyTables {
    func principalMatch(_ statement: CompiledStatement, _ principal: Principal.Storage) -> PrincipalMatch {
        guard statement.hasPrincipals else { return .direct }
        guard statement.notPrincipals else {
            var best = PrincipalMatch.none
            for index in statement.principals.range {
                best = max(best, match(principals[index], principal))
            }
            return best
        }
        return isExempt(statement, principal) ? .none : .direct
    }

    private func match(_ named: CompiledPrincipal, _ principal: Principal.Storage) -> PrincipalMatch {
        switch named.kind {
        case .everyone: return .direct
        case .account: return named.account == principal.account?.number ? .account : .none
        case .arn:
            guard principal.kind != .service else { return .none }
            let text = pool.span.extracting(named.text.range)
            if Bytes.equal(text, principal.rootARN.utf8.span) { return .account }
            if Bytes.equal(text, principal.arn.utf8.span) { return .direct }
            guard principal.kind == .roleSession else { return .none }
            return Bytes.equal(text, principal.roleARN.utf8.span) ? .role : .none
        case .service:
            guard principal.kind == .service else { return .none }
            return Bytes.equal(pool.span.extracting(named.text.range), principal.arn.utf8.span) ? .direct : .none
        case .nobody: return .none
        }
    }

    /// Whether `NotPrincipal` spares the caller.
    ///
    /// A `Deny` spares it only when the list names it in every way it can be named: itself, its role and its account. An
    /// `Allow` leaves it out as soon as the list names it in any way. Both err on the side of refusing.
    private func isExempt(_ statement: CompiledStatement, _ principal: Principal.Storage) -> Bool {
        var byItself = false
        var byRole = false
        var byAccount = false
        for index in statement.principals.range {
            switch match(principals[index], principal) {
            case .none: break
            case .account: byAccount = true
            case .role: byRole = true
            case .direct:
                if principals[index].kind == .everyone { return true }
                byItself = true
            }
        }
        guard statement.isDeny else { return byItself || byRole || byAccount }
        switch principal.kind {
        case .service: return byItself
        case .root: return byAccount
        case .user: return byItself && byAccount
        case .roleSession: return byItself && byRole && byAccount
        }
    }

    func actionMatches(_ statement: CompiledStatement, _ request: AuthorizationRequest) -> Bool {
        anyPattern(statement.actions, request.action.lowered.span, request) != statement.notActions
    }

    func resourceMatches(_ statement: CompiledStatement, _ request: AuthorizationRequest) -> Bool {
        anyPattern(statement.resources, request.resource.utf8.span, request) != statement.notResources
    }

    private func anyPattern(_ range: TableRange, _ text: Span<UInt8>, _ request: AuthorizationRequest) -> Bool {
        for index in range.range where patternMatches(index, text, request) {
            return true
        }
        return false
    }

    func patternMatches(_ index: Int, _ text: Span<UInt8>, _ request: AuthorizationRequest) -> Bool {
        let pattern = patterns[index]
        switch pattern.kind {
        case .anything: return true
        case .exact: return Bytes.equal(text, pool.span.extracting(pattern.text.range))
        case .prefix: return Bytes.hasPrefix(text, pool.span.extracting(pattern.text.range))
        case .program: return programs[Int(pattern.index)].matches(text)
        case .template:
            guard let tokens = templates[Int(pattern.index)].tokens(for: request) else { return false }
            return GlobProgram(tokens).matches(text)
        }
    }
}
