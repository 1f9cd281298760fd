import Cluster
import Delivery
import EventModel
import PeerProtocol
import RetryControl
import Router
import SansIO

/// Names and settings in a world of cells.
///
/// Cells stand in a circle. Each has an account of its own; a further account, the wanderer, is hosted by one of the first two
/// cells and moves between them. The last cell only dials out. Of four or more cells one may have two nodes, each with a
/// store of its own.
struct CellPlan {
    /// One node of a cell.
    struct Site: Equatable {
        var cell: Int
        var node: Int
    }

    static let region = "us-east-1"
    let cells: Int
    let sites: [Site]
    /// How long receivers remember deliveries.
    static let window = Duration.seconds(300)
    /// What a short queue towards another cell holds.
    static let queueLimit = 40

    init(cells: Int, using generator: inout SeededGenerator) {
        self.cells = cells
        let double = cells >= 4 && generator.chance(0.5) ? 2 : -1
        sites = (0..<cells).flatMap { cell in
            (0...(cell == double ? 1 : 0)).map { Site(cell: cell, node: $0) }
        }
    }

    var edge: Int { cells - 1 }

    /// The account of a cell; the wanderer's comes after the last cell's.
    static func account(_ index: Int) -> AccountID {
        guard let account = AccountID(number: 100_000_000_000 + UInt64(index)) else {
            preconditionFailure("cells have numbers of few digits")
        }
        return account
    }

    /// The number of the wanderer's account.
    var wanderer: Int { cells }

    /// Which cell's account it is, or the wanderer's number.
    static func number(of account: AccountID) -> Int {
        Int(account.number - 100_000_000_000)
    }

    static func bus(_ index: Int, _ name: String = BusAddress.defaultName) -> BusAddress {
        BusAddress(region: region, account: account(index), name: name)
    }

    static func uri(_ site: Site) -> String {
        "spiffe://\(ForwardingWorkload.trustDomain)/cell/c\(site.cell)/node/n\(site.node)"
    }

    static func role(_ index: Int) -> String { "arn:aws:iam::\(account(index)):role/forwarder" }

    static func queueARN(_ index: Int, _ name: String) -> String {
        "arn:aws:sqs:\(region):\(account(index)):\(name)"
    }

    /// What a site's certificate speaks for.
    func names(_ site: Site) -> CertificateIdentity {
        let accounts = [site.cell] + (site.cell < 2 ? [wanderer] : [])
        return CertificateIdentity(
            uris: [Self.uri(site)],
            dnsNames: accounts.map { "\(Self.account($0)).account.\(ForwardingWorkload.trustDomain)" }
        )
    }

    /// How a cell's nodes work. Queues towards other cells are short in two cells of three, and each knows another way out.
    func settings(_ cell: Int, hosting accounts: Set<AccountID>) -> ForwardingNode.Plan {
        var plan = ForwardingNode.Plan(hosting: accounts, trustDomain: ForwardingWorkload.trustDomain)
        plan.router.delivery.backoff = RetryBackoff(base: .seconds(1), cap: .seconds(10))
        plan.router.delivery.breaker = CircuitBreaker.Settings(openTimeCap: .seconds(10))
        plan.router.peers?.window.span = Self.window
        if let overflow = overflow(cell) {
            if let bytes = byteLimit(cell) {
                plan.router.peers?.queues.maximumBytes = bytes
            } else {
                plan.router.peers?.queues.maximumDeliveries = UInt64(Self.queueLimit)
            }
            plan.router.peers?.queues.overflow = overflow
        }
        return plan
    }

    /// What a cell's queues towards others do when they are full; nil when they have no limit.
    func overflow(_ cell: Int) -> BacklogLimits.Overflow? {
        let kinds: [BacklogLimits.Overflow?] = [nil, .dropOldest, .refuseNew, .dropNewest]
        return kinds[cell % kinds.count]
    }

    /// The bytes that a cell's queues may hold instead of so many deliveries: of four or five cells those of the second are bounded
    /// so. An event has about 250.
    func byteLimit(_ cell: Int) -> UInt64? { cell == 1 && (cells == 4 || cells == 5) ? 10_000 : nil }

    /// Whether a cell's rules have a dead-letter queue. What ends without one must be told.
    func hasLetters(_ cell: Int) -> Bool { cell % 3 != 1 }
}

/// A way that events take.
enum Route: String, CaseIterable {
    /// By a rule to the next cell, in the name of the account.
    case next
    /// By a rule to the cell after it, which lets nothing in at first.
    case stranger
    /// By a rule with a role to a bus of the next cell that lets in this role only.
    case role
    /// By a rule without a role to that bus.
    case impostor
    /// By a rule to the wanderer's bus.
    case wanderer
    /// Put to a bus of the next cell by a caller.
    case direct
    /// Put to a bus of the cell after it by a caller.
    case trespass

    /// The rules that forward, as against what callers put to foreign buses.
    static let rules: [Route] = [.next, .stranger, .role, .impostor, .wanderer]

    /// The bus of another account at which a route of a cell ends.
    func destination(from cell: Int, in plan: CellPlan) -> BusAddress {
        switch self {
        case .next, .direct: CellPlan.bus((cell + 1) % plan.cells)
        case .stranger, .trespass: CellPlan.bus((cell + 2) % plan.cells)
        case .role, .impostor: CellPlan.bus((cell + 1) % plan.cells, "roles")
        case .wanderer: CellPlan.bus(plan.wanderer)
        }
    }

    /// The statement that lets it in: the same for a rule and for a caller in the name of one account.
    var statement: Route {
        switch self {
        case .direct: .next
        case .trespass: .stranger
        default: self
        }
    }
}
