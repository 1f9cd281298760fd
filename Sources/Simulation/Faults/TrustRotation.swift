import SansIO

/// A change of the certificate authority in a whole world, as an operator goes about it: every machine trusts the next one as well,
/// then gets a certificate of it, then trusts the former one no more. Each step reaches the machines one after the other within a
/// third of the step's time.
final class TrustRotation {
    private unowned let injector: FaultInjector
    private let former: UInt64
    private let next: UInt64
    private var isOver = false
    private static let step = Duration.seconds(90)

    init(_ injector: FaultInjector, to next: UInt64) {
        self.injector = injector
        self.next = next
        former = next - 1
    }

    /// How long it takes in all.
    static let length = step * 3

    func begin() {
        eachSoon { [self] in trust($0) }
        injector.world.after(Self.step) { [self] in
            guard !isOver else { return }
            eachSoon { [self] in renew($0) }
        }
        injector.world.after(Self.step * 2) { [self] in
            guard !isOver else { return }
            eachSoon { [self] machine in
                machine.trustedAuthorities = [next]
                injector.world.network.certificates.changed(machine)
            }
        }
    }

    /// Everything is to come right now: whoever lacks the next authority gets it and its certificate. The former one may stay.
    func end() {
        isOver = true
        for machine in injector.world.machines { trust(machine) }
        for machine in injector.world.machines { renew(machine) }
    }

    private func trust(_ machine: Machine) {
        guard !machine.trustedAuthorities.contains(next) else { return }
        machine.trustedAuthorities.insert(next)
        injector.world.network.certificates.changed(machine)
    }

    private func renew(_ machine: Machine) {
        guard machine.certificate.authority != next else { return }
        injector.world.network.certificates.renew(machine, authority: next)
    }

    private func eachSoon(_ action: @escaping (Machine) -> Void) {
        for machine in injector.world.machines {
            injector.world.after(.milliseconds(injector.generator.below(30_000))) { [self] in
                if !isOver { action(machine) }
            }
        }
    }
}
