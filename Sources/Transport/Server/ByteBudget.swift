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

/// The budgets of the clients of one event loop, each as long as the client has a connection.
struct ClientBudgets {
    private let limit: Int
    private let total: ByteBudget
    private var clients: [String: (budget: ByteBudget, connections: Int)] = [:]

    init(limit: Int, total: Int) {
        self.limit = limit
        self.total = ByteBudget(limit: total)
    }

    /// The budget of a client that opens a connection.
    mutating func join(_ client: String) -> ByteBudget {
        let entry = clients[client] ?? (ByteBudget(limit: limit, parent: total), 0)
        clients[client] = (entry.budget, entry.connections + 1)
        return entry.budget
    }

    /// Notes that one of the client's connections is gone.
    mutating func leave(_ client: String) {
        guard let entry = clients[client] else { return }
        clients[client] = entry.connections > 1 ? (entry.budget, entry.connections - 1) : nil
    }
}
