import SansIO
import Simulation
import Testing

/// Goal: machines, clocks and the network behave as the faults say. Method: one or two machines and bare ports.
@Suite struct WorldTests {
    /// A process that notes what reaches it.
    final class Notes: SimulatedNode {
        var lines: [String] = []
        private let machine: Machine

        init(_ machine: Machine) { self.machine = machine }

        func start() {
            machine.datagrams.onReceive = { [unowned self] bytes, source in
                lines.append("\(bytes) from \(source)")
            }
        }

        func leave() {}

        func after(_ seconds: Int, _ line: String) {
            _ = machine.schedule(after: .seconds(seconds)) { [unowned self] in lines.append(line) }
        }
    }

    static func machines(_ world: World, _ count: Int) -> [Machine] {
        (1...count).map { number in
            let machine = world.addMachine(
                name: "m\(number)",
                endpoint: NodeEndpoint(host: "10.0.0.\(number)", port: 7946),
                certificate: world.network.certificates.issue(
                    CertificateIdentity(uris: ["spiffe://example.com/cell/c/node/m\(number)"], dnsNames: [])
                )
            )
            machine.boot = { Notes($0) }
            machine.start()
            return machine
        }
    }

    private func notes(_ machine: Machine) throws -> Notes { try #require(machine.node as? Notes) }

    @Test func datagramArrivesWithItsSendersAddress() throws {
        let world = World(seed: 1)
        let pair = Self.machines(world, 2)
        pair[0].datagrams.send([7], to: pair[1].endpoint)
        world.run(for: .seconds(1))
        #expect(try notes(pair[1]).lines == ["[7] from 10.0.0.1:7946"])
        #expect(world.network.statistics.sentBytes == 1)
    }

    @Test func lossDuplicationAndReorderingHappenAsOftenAsTheyShould() throws {
        let world = World(seed: 2)
        let pair = Self.machines(world, 2)
        world.network.conditions = LinkConditions(loss: 0.25, duplication: 0.1, reordering: 0.2)
        for number in 0..<10_000 {
            world.after(.milliseconds(number)) { pair[0].datagrams.send([1], to: pair[1].endpoint) }
        }
        world.run(for: .seconds(20))
        #expect((2300...2700).contains(world.network.statistics.lost))
        #expect((650...850).contains(world.network.statistics.duplicated))
        #expect((1500...1800).contains(world.network.statistics.reordered))
        let expected = 10_000 - world.network.statistics.lost + world.network.statistics.duplicated
        #expect(try UInt64(notes(pair[1]).lines.count) == expected)
    }

    @Test func blockStopsOneDirectionUntilItIsTakenBackAsOftenAsItWasMade() throws {
        let world = World(seed: 3)
        let pair = Self.machines(world, 2)
        world.network.block(from: [pair[0]], to: [pair[1]])
        world.network.part([pair[0]], [pair[1]])
        world.network.heal([pair[0]], [pair[1]])
        pair[0].datagrams.send([1], to: pair[1].endpoint)
        pair[1].datagrams.send([2], to: pair[0].endpoint)
        world.run(for: .seconds(1))
        #expect(try notes(pair[1]).lines == [])
        #expect(try notes(pair[0]).lines.count == 1)
        world.network.unblock(from: [pair[0]], to: [pair[1]])
        pair[0].datagrams.send([1], to: pair[1].endpoint)
        world.run(for: .seconds(1))
        #expect(try notes(pair[1]).lines.count == 1)
    }

    @Test func pauseDelaysTimersAndDropsWhatTheSocketDoesNotHold() throws {
        let world = World(seed: 4)
        let pair = Self.machines(world, 2)
        try notes(pair[1]).after(1, "timer")
        pair[1].pause()
        for _ in 0..<300 { pair[0].datagrams.send([1], to: pair[1].endpoint) }
        world.run(for: .seconds(5))
        #expect(try notes(pair[1]).lines == [])
        pair[1].resume()
        world.run(for: .milliseconds(1))
        #expect(try notes(pair[1]).lines.count == 257)
        // The loop reads four datagrams and then runs what is due.
        #expect(try notes(pair[1]).lines.firstIndex(of: "timer") == 4)
        #expect(world.network.statistics.overflowed == 44)
    }

    @Test func timerThatIsDueDuringAPauseCanStillBeCancelled() throws {
        let world = World(seed: 5)
        let machine = Self.machines(world, 1)[0]
        let log = try notes(machine)
        let token = machine.schedule(after: .seconds(1)) { log.lines.append("ran") }
        machine.pause()
        world.run(for: .seconds(2))
        machine.cancel(token)
        machine.resume()
        world.run(for: .seconds(1))
        #expect(log.lines == [])
    }

    @Test func slowMachineTakesOneThingAfterTheOther() throws {
        let world = World(seed: 6)
        let pair = Self.machines(world, 2)
        pair[1].turnCost = .milliseconds(100)
        for _ in 0..<50 { pair[0].datagrams.send([1], to: pair[1].endpoint) }
        world.run(for: .milliseconds(1050))
        #expect(try (9...11).contains(notes(pair[1]).lines.count))
        world.run(for: .seconds(5))
        #expect(try notes(pair[1]).lines.count == 50)
    }

    @Test func crashEndsTimersAndLosesWhatIsNotOnDisk() throws {
        let world = World(seed: 7)
        let machine = Self.machines(world, 1)[0]
        let log = try notes(machine)
        log.after(1, "timer")
        let entry = { ConfigurationChange(key: $0, value: [1], expectedRevision: nil) }
        machine.store.configure([entry("kept")]) { _ in log.lines.append("kept") }
        world.run(for: .milliseconds(10))
        machine.store.configure([entry("lost")]) { _ in log.lines.append("lost") }
        machine.crash()
        machine.start()
        var keys: [String] = []
        machine.store.configuration(prefix: "") { keys = (try? $0.get().map(\.key)) ?? [] }
        world.run(for: .seconds(2))
        #expect(log.lines == ["kept"])
        #expect(keys == ["kept"])
        #expect(try notes(machine) !== log)
    }

    @Test func clockJumpsAndDriftsAsItIsTold() {
        let world = World(seed: 8)
        let machine = Self.machines(world, 1)[0]
        var fired: Duration?
        machine.clockDrift = 100_000
        _ = machine.schedule(after: .seconds(11)) { fired = world.elapsed }
        world.run(for: .seconds(20))
        #expect(fired == .seconds(10))
        #expect(machine.now - World.epoch == .seconds(22))
        machine.clockDrift = 0
        machine.clockOffset = .seconds(-30)
        world.run(for: .seconds(1))
        #expect(machine.now - World.epoch == .seconds(-7))
    }

    @Test func movedMachineIsReachedAtItsNewAddressOnly() throws {
        let world = World(seed: 9)
        let pair = Self.machines(world, 2)
        let old = pair[1].endpoint
        pair[1].move(to: NodeEndpoint(host: "10.0.9.9", port: 7946))
        pair[0].datagrams.send([1], to: old)
        pair[0].datagrams.send([2], to: pair[1].endpoint)
        world.run(for: .seconds(1))
        #expect(try notes(pair[1]).lines == ["[2] from 10.0.0.1:7946"])
        #expect(world.network.statistics.unaddressed == 1)
    }
}
