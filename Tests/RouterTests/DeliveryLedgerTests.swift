import PeerProtocol
import SansIO
import Simulation
import Testing

@testable import Router

/// The rows that keep the ids of deliveries through a restart.
@Suite("DeliveryLedgerTests")
struct DeliveryLedgerTests {
    /// Completions of the store that have not run yet.
    private final class Turns {
        private var actions: [() -> Void] = []

        func add(_ action: @escaping () -> Void) { actions.append(action) }

        func runOne() {
            if !actions.isEmpty { actions.removeFirst()() }
        }

        func run() {
            while !actions.isEmpty { runOne() }
        }
    }

    private let turns = Turns()
    private let clock = VirtualShard(now: Timestamp(milliseconds: 0))

    private func makeLedger(_ store: MemoryStore) -> DeliveryLedger {
        var settings = DuplicateWindow.Settings()
        settings.rows = 2
        let ledger = DeliveryLedger(store: store, clock: clock, settings: settings)
        ledger.load(isNeeded: true) { _ in }
        turns.run()
        return ledger
    }

    /// Has ids made durable that fill so many words; a row holds 4,096.
    private func take(_ words: Int, _ ledger: DeliveryLedger, _ store: MemoryStore) throws {
        var ids = WindowRecord()
        let sender = DuplicateWindow.Sender(cell: "example/a", origin: 1)
        for word in 0..<words { ids.add(DeliveryID(event: UInt64(word) << 6, target: 1), from: sender, on: "bus") }
        let record = try #require(ledger.record(ids))
        store.append([record], settling: []) { result in
            if case .success(let sequences) = result { ledger.appended(sequences[0], record, ids) }
        }
        turns.run()
    }

    private func advance(to seconds: Int64) {
        clock.advance(by: .milliseconds(seconds * 1000 - clock.now.milliseconds))
    }

    /// Rows at their limit make room for new ones while the store already removes them for their age.
    @Test func rowsThatAreTrimmedWhileTheyArePrunedEndNothing() throws {
        let store = MemoryStore { [turns] in turns.add($0) }
        let ledger = makeLedger(store)
        try take(4097, ledger, store)
        // Two seconds later two rows replace the record. Rows are pruned every 150 seconds, once they are 600 old.
        for time: Int64 in [2, 150, 300, 450, 600] {
            advance(to: time)
            turns.run()
        }
        #expect(ledger.rows == 2)
        advance(to: 747)
        try take(4097, ledger, store)
        advance(to: 749)
        turns.runOne()
        // Two more rows are about to be there when the first two go.
        advance(to: 750)
        turns.run()
        #expect(ledger.earlyRows == 2)
        for time: Int64 in [900, 1050, 1200, 1349] {
            advance(to: time)
            turns.run()
        }
        for _ in 0..<3 { try take(1, ledger, store) }
        for time: Int64 in [1350, 1351] {
            advance(to: time)
            turns.run()
        }
        #expect(makeLedger(store).rows == 1)
    }
}
