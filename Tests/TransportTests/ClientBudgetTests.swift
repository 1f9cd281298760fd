import Testing

@testable import Transport

/// Whose bodies may take how much, across connections.
@Suite struct ClientBudgetTests {
    @Test func aBudgetOutlivesItsConnectionsWhileBytesAreHeld() {
        var budgets = ClientBudgets(limit: 100, total: 1000)
        let held = HeldBytes(budgets.join("a"))
        #expect(held.add(80))
        budgets.leave("a")
        let again = HeldBytes(budgets.join("a"))
        #expect(!again.add(30) && again.add(20))
        #expect(budgets.held == 100)
        budgets.leave("a")
        held.remove(80)
        again.remove(20)
        // Others' coming and going is when those without bytes are looked for.
        _ = budgets.join("b")
        budgets.leave("b")
        #expect(budgets.count == 0 && budgets.held == 0)
    }

    @Test func budgetsOfManyClientsAreForgotten() {
        var budgets = ClientBudgets(limit: 100, total: 100_000)
        var held: [HeldBytes] = []
        for number in 0..<500 {
            let bytes = HeldBytes(budgets.join("\(number)"))
            #expect(bytes.add(10))
            held.append(bytes)
            budgets.leave("\(number)")
        }
        #expect(budgets.count == 500)
        held = []
        for _ in 0..<500 {
            _ = budgets.join("other")
            budgets.leave("other")
        }
        #expect(budgets.count == 0 && budgets.held == 0)
    }
}
