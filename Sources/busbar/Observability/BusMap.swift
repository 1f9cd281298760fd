import AccessPolicy
import EventModel
import Router

/// How events get from this node to the cell that hosts an account, and back.
enum AccountLink: Equatable {
    /// This cell hosts the account.
    case here
    /// Another cell does; its nodes in words, e.g. `west-1 10.0.1.1:7443 alive`.
    case cell(name: String, nodes: [String])
    /// No cell is known to host it.
    case unknown

    var text: String {
        switch self {
        case .here: "in this cell"
        case .cell(let name, let nodes) where nodes.isEmpty: "cell \(name), of which no node is known"
        case .cell(let name, let nodes): "cell \(name): \(nodes.joined(separator: ", "))"
        case .unknown: "no known cell hosts it"
        }
    }
}

/// What a map is drawn from besides policies and rules.
protocol AccountLinks {
    /// How an account is reached.
    func link(to account: AccountID) -> AccountLink

    /// Every account that is hosted somewhere, in order.
    var knownAccounts: [AccountID] { get }
}

/// Who can reach which bus, by which statement of its policy, over which link: as this node sees it.
struct BusMap {
    /// What the policy in force says of a way.
    enum Verdict: Equatable {
        case allowed
        /// A statement allows it when its conditions hold.
        case conditional([String])
        case denied
        /// The bus is in another cell, whose policies are not known here.
        case decidedThere
    }

    /// A way to a bus: from an account, or along a rule.
    struct Way: Equatable {
        var account: AccountID
        /// The rule that takes events along it; nil for an account that puts events.
        var rule: String?
        /// The bus at the end.
        var bus: BusAddress
        var verdict: Verdict
        /// The statement that decided, from one, with its Sid.
        var statement: String?
        var link: AccountLink
    }

    /// A bus of this cell.
    struct Place: Equatable {
        var bus: BusAddress
        var from: [Way] = []
        var to: [Way] = []
    }

    private(set) var places: [Place] = []
    /// True when there was more than a map can hold.
    private(set) var isCutOff = false

    /// Ways and accounts beyond this many are left out: a map is for people.
    static let maximumWays = 10_000
    private static let maximumAccountsPerBus = 1_000
    private var ways = 0

    /// Draws up the map.
    ///
    /// - Parameters:
    ///   - state: buses and rules.
    ///   - links: how accounts are reached.
    ///   - explain: asks the policies in force.
    init(_ state: CatalogState, links: any AccountLinks, explain: (AccessQuestion) -> AccessExplanation?) {
        for (address, bus) in state.storedBuses {
            var place = Place(bus: address)
            for account in Self.candidates(bus, of: address.account, links.knownAccounts) {
                guard let way = way(account, to: address, over: links.link(to: account), explain) else { continue }
                place.from.append(way)
            }
            place.to = routes(state, from: address, links, explain)
            guard !place.from.isEmpty || !place.to.isEmpty || bus.policy != nil else { continue }
            places.append(place)
            if isCutOff { return }
        }
    }

    /// The other accounts that a policy may let in: those that it names, or all when it names everyone.
    private static func candidates(_ bus: Bus, of owner: AccountID, _ known: [AccountID]) -> [AccountID] {
        guard let text = bus.policy, let document = try? PolicyDocument(parsing: text) else { return [] }
        var found: Set<AccountID> = []
        for statement in document.statements {
            guard let principals = statement.principals else { continue }
            if principals.isNegated || principals.names.contains(.everyone) { found.formUnion(known) }
            for case .aws(let name) in principals.names {
                if let account = AccountID(name) ?? ARN(name).flatMap({ AccountID($0.account) }) {
                    found.insert(account)
                }
            }
        }
        found.remove(owner)
        return Array(found.sorted().prefix(maximumAccountsPerBus))
    }

    private mutating func way(
        _ account: AccountID,
        to bus: BusAddress,
        over link: AccountLink,
        _ explain: (AccessQuestion) -> AccessExplanation?
    ) -> Way? {
        guard ways < Self.maximumWays else {
            isCutOff = true
            return nil
        }
        ways += 1
        let question = AccessQuestion(
            principal: "arn:aws:iam::\(account):root",
            action: "events:PutEvents",
            resource: bus.arn
        )
        guard let explanation = explain(question) else { return nil }
        return Way(
            account: account,
            bus: bus,
            verdict: Self.verdict(explanation),
            statement: explanation.statement.map { place in
                "statement \(place.index + 1)" + (place.sid.map { " (\"\($0)\")" } ?? "")
            },
            link: link
        )
    }

    /// A refusal for conditions alone leaves the way open to events that fulfil them.
    private static func verdict(_ explanation: AccessExplanation) -> Verdict {
        if explanation.verdict.isAllowed { return .allowed }
        let misses = explanation.lines.filter { $0.hasPrefix("  ") }.map { $0.drop { $0 == " " } }
        let isConditional = !misses.isEmpty && misses.allSatisfy { $0.hasPrefix("condition ") }
        return isConditional ? .conditional(misses.map(String.init)) : .denied
    }

    private mutating func routes(
        _ state: CatalogState,
        from bus: BusAddress,
        _ links: any AccountLinks,
        _ explain: (AccessQuestion) -> AccessExplanation?
    ) -> [Way] {
        var found: [Way] = []
        for name in state.ruleNames(on: bus) {
            guard let rule = try? state.existingRule(name, on: bus), rule.state != .disabled else { continue }
            for target in rule.targets {
                guard let end = BusAddress(arn: target.arn) else { continue }
                let link = links.link(to: end.account)
                var route: Way?
                if link == .here, end.account != bus.account {
                    route = way(bus.account, to: end, over: link, explain)
                } else {
                    let verdict = link == .here ? Verdict.allowed : .decidedThere
                    route = Way(account: bus.account, bus: end, verdict: verdict, link: link)
                }
                route?.rule = name
                if let route { found.append(route) }
            }
        }
        return found
    }
}
