import SansIO

extension FaultInjector {
    /// Begins a fault of a kind at machines of its choice.
    func start(_ kind: FaultKind, lasting duration: Duration) {
        let count = world.machines.count
        var conditions = LinkConditions.neutral
        switch kind {
        case .loss:
            conditions.loss = Double(1 + generator.below(40)) / 100
            disturb(conditions, lasting: duration)
        case .delay:
            conditions.delay = DelayDistribution(
                minimum: .milliseconds(generator.below(100)),
                jitter: .milliseconds(generator.below(150))
            )
            disturb(conditions, lasting: duration)
        case .duplicate:
            conditions.duplication = Double(1 + generator.below(50)) / 100
            disturb(conditions, lasting: duration)
        case .reorder:
            conditions.reordering = Double(1 + generator.below(50)) / 100
            disturb(conditions, lasting: duration)
        case .partition, .oneWay:
            isolate(bothWays: kind == .partition, lasting: duration)
        case .pause:
            for machine in victims(atMost: max(1, count / 4)) {
                machine.pause()
                activate(lasting: duration) { machine.resume() }
            }
        case .starve:
            for machine in victims(atMost: max(1, count / 4)) { starve(machine, lasting: duration) }
        case .slow:
            for machine in victims(atMost: max(1, count / 4)) {
                machine.turnCost = .microseconds(1000 + generator.below(30_000))
                activate(lasting: duration) { machine.turnCost = .zero }
            }
        case .crash, .leave, .move:
            end(kind, lasting: duration)
        case .skew:
            for machine in victims(atMost: count) { skew(machine, lasting: duration) }
        case .disk:
            for machine in victims(atMost: max(1, count / 4)) { breakDisk(machine, lasting: duration) }
        case .renew, .expire, .revoke:
            spoilCertificate(kind, lasting: duration)
        case .halfOpen:
            let group = victims(atMost: max(1, count / 2))
            for machine in world.machines {
                let isVictim = group.contains { $0 === machine }
                machine.links.loseConnections { other in isVictim || group.contains { $0 === other } }
            }
        case .mute:
            for machine in victims(atMost: max(1, count / 4)) {
                machine.isMute = true
                activate(lasting: duration) { machine.isMute = false }
            }
        case .forge:
            outsider.attack(lasting: duration)
        case .leap:
            for machine in victims(atMost: max(1, count / 8)) {
                machine.clockOffset += Self.leap
                activate(lasting: duration) { machine.clockOffset -= Self.leap }
            }
        case .rush:
            if let machine = victims(atMost: 1).first { rush(machine) }
        case .roots:
            replaceAuthority()
        case .keys, .lie:
            workload?.fail(kind, lasting: duration, by: self)
        }
    }

    private static let leap = Duration.seconds(30 * 3600)

    private func isolate(bothWays: Bool, lasting duration: Duration) {
        let group = victims(atMost: max(1, world.machines.count / 2))
        let rest = world.machines.filter { machine in !group.contains { $0 === machine } }
        let network = world.network
        if bothWays {
            network.part(group, rest)
            activate(lasting: duration) { network.heal(group, rest) }
        } else if generator.chance(0.5) {
            network.block(from: group, to: rest)
            activate(lasting: duration) { network.unblock(from: group, to: rest) }
        } else {
            network.block(from: rest, to: group)
            activate(lasting: duration) { network.unblock(from: rest, to: group) }
        }
    }

    /// Lets a machine run for moments of 1 to 50 ms and stand for up to three seconds between them.
    func starve(_ machine: Machine, lasting duration: Duration) {
        let spell = StarvationSpell(world: world, machine: machine, generator: SeededGenerator(seed: generator.next()))
        spell.stand()
        activate(lasting: duration) { spell.end() }
    }

    private func end(_ kind: FaultKind, lasting duration: Duration) {
        for machine in victims(atMost: max(1, world.machines.count / 3)) where machine.isUp {
            let life = machine.life
            switch kind {
            case .leave:
                machine.node?.leave()
                // A supervisor's patience.
                world.after(.seconds(5)) {
                    if machine.life == life { machine.stop() }
                }
                activate(lasting: max(duration, .seconds(6))) {
                    if machine.life == life { machine.stop() }
                    machine.start()
                }
            case .move:
                machine.crash()
                if !machine.hasFixedAddress { machine.move(to: freeAddress()) }
                activate(lasting: duration) { machine.start() }
            default:
                machine.crash()
                activate(lasting: duration) { machine.start() }
            }
        }
    }

    private func freeAddress() -> NodeEndpoint {
        while true {
            let host = "10.\(200 + generator.below(50)).\(generator.below(250)).\(1 + generator.below(250))"
            let endpoint = NodeEndpoint(host: host, port: 7946)
            if world.network.machine(at: endpoint) == nil { return endpoint }
        }
    }

    /// A step of up to 30 seconds, and a drift of up to 500 ppm; both go away with the fault.
    private func skew(_ machine: Machine, lasting duration: Duration) {
        let step = Duration.milliseconds(generator.below(60_000) - 30_000)
        machine.clockOffset += step
        machine.clockDrift = Double(generator.below(1000) - 500)
        activate(lasting: duration) {
            machine.clockOffset -= step
            machine.clockDrift = 0
        }
    }

    private func breakDisk(_ machine: Machine, lasting duration: Duration) {
        switch generator.below(3) {
        case 0: machine.store.faults.isFull = true
        case 1: machine.store.faults.isFailing = true
        default: machine.store.faults.isStalled = true
        }
        activate(lasting: duration) { machine.store.faults = MemoryStoreFaults() }
    }

    private func spoilCertificate(_ kind: FaultKind, lasting duration: Duration) {
        guard let machine = victims(atMost: 1).first, takesCertificate(machine) else { return }
        spoilCertificate(of: machine, kind, lasting: duration)
    }

    /// Two to four things happen to a machine's certificate, each up to a minute after the one before.
    private func rush(_ machine: Machine) {
        let storm = storm
        var delay = Duration.zero
        for _ in 0..<(2 + generator.below(3)) {
            let kind = generator.pick([FaultKind.renew, .expire, .revoke]) ?? .renew
            let duration = Duration.milliseconds(1000 + generator.below(30_000))
            world.after(delay) { [self] in
                guard isRaging, self.storm == storm else { return }
                spoilCertificate(of: machine, kind, lasting: duration)
            }
            delay += .milliseconds(1000 + generator.below(59_000))
        }
    }

    private func spoilCertificate(of machine: Machine, _ kind: FaultKind, lasting duration: Duration) {
        let network = world.network
        switch kind {
        case .expire:
            machine.certificate.notAfter = machine.now
            network.certificates.changed(machine)
            activate(lasting: duration) { network.certificates.renew(machine) }
        case .revoke:
            network.certificates.revoke(machine.certificate.serial)
            activate(lasting: duration) { network.certificates.renew(machine) }
        default:
            network.certificates.renew(machine)
        }
    }
}

/// One machine's time of starvation.
private final class StarvationSpell {
    private let world: World
    private let machine: Machine
    private var generator: SeededGenerator
    private var isOver = false
    private var stands = false

    init(world: World, machine: Machine, generator: SeededGenerator) {
        self.world = world
        self.machine = machine
        self.generator = generator
    }

    func stand() {
        guard !isOver else { return }
        machine.pause()
        machine.turnCost = .milliseconds(1)
        stands = true
        world.after(.milliseconds(1 + generator.below(3000))) { [self] in run() }
    }

    private func run() {
        guard !isOver else { return }
        machine.resume()
        stands = false
        world.after(.milliseconds(1 + generator.below(50))) { [self] in stand() }
    }

    func end() {
        isOver = true
        machine.turnCost = .zero
        if stands { machine.resume() }
        stands = false
    }
}
