/// Bytes that all connections of one client, or of one event loop, may hold together. Belongs to that loop.
final class ByteBudget {
    private let limit: Int
    private let parent: ByteBudget?
    /// How many bytes are held.
    private(set) var held = 0

    /// Creates an empty budget; what it takes, its parent takes as well.
    init(limit: Int, parent: ByteBudget? = nil) {
        self.limit = limit
        self.parent = parent
    }

    /// Takes bytes.
    ///
    /// - Returns: false, taking none, when there are not as many left here or in the parent.
    fileprivate func take(_ count: Int) -> Bool {
        guard held + count <= limit, parent?.take(count) ?? true else { return false }
        held += count
        return true
    }

    fileprivate func giveBack(_ count: Int) {
        held -= count
        parent?.giveBack(count)
    }
}

/// What one holder has of a ``ByteBudget``; its end gives everything back.
final class HeldBytes {
    private let budget: ByteBudget
    private var count = 0

    init(_ budget: ByteBudget) {
        self.budget = budget
    }

    deinit {
        budget.giveBack(count)
    }

    /// Takes more.
    ///
    /// - Returns: false when the budget does not have as many left.
    func add(_ more: Int) -> Bool {
        guard budget.take(more) else { return false }
        count += more
        return true
    }

    /// Gives some back.
    func remove(_ fewer: Int) {
        budget.giveBack(fewer)
        count -= fewer
    }
}

/// The budgets of the clients of one event loop, each as long as the client has a connection or handlers have its bodies.
struct ClientBudgets {
    private let limit: Int
    private let total: ByteBudget
    private var clients: [String: Entry] = [:]
    /// Clients without a connection whose bodies handlers had when it closed.
    private var lingering: [String] = []
    private var nextLook = 0

    private struct Entry {
        let budget: ByteBudget
        var connections = 0
        /// The client is in `lingering`.
        var lingers = false
    }

    init(limit: Int, total: Int) {
        self.limit = limit
        self.total = ByteBudget(limit: total)
    }

    /// How many bytes all clients hold.
    var held: Int { total.held }
    /// How many clients have a budget.
    var count: Int { clients.count }

    /// The budget of a client that opens a connection.
    mutating func join(_ client: String) -> ByteBudget {
        forgetSome()
        var entry = clients[client] ?? Entry(budget: ByteBudget(limit: limit, parent: total))
        entry.connections += 1
        clients[client] = entry
        return entry.budget
    }

    /// Notes that one of the client's connections is gone.
    mutating func leave(_ client: String) {
        forgetSome()
        guard var entry = clients[client] else { return }
        entry.connections -= 1
        // Closing a connection must not buy a client a new budget while handlers still have the bodies.
        if entry.connections == 0, entry.budget.held > 0, !entry.lingers {
            entry.lingers = true
            lingering.append(client)
        }
        clients[client] = entry.connections > 0 || entry.lingers ? entry : nil
    }

    /// Looks at two of those that linger, which is one more than can come meanwhile.
    private mutating func forgetSome() {
        for _ in 0..<min(2, lingering.count) {
            nextLook = (nextLook + 1) % lingering.count
            let client = lingering[nextLook]
            guard var entry = clients[client], entry.connections > 0 || entry.budget.held == 0 else { continue }
            lingering.swapAt(nextLook, lingering.count - 1)
            lingering.removeLast()
            entry.lingers = false
            clients[client] = entry.connections > 0 ? entry : nil
        }
    }
}
