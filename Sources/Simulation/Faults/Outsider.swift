import SansIO

/// Somebody on the network who holds no key: sees every datagram, and sends what he likes under any address.
public final class Outsider {
    private unowned let injector: FaultInjector
    private var seen: [[UInt8]] = []
    private var next = 0
    private var isAttacking = 0
    /// Datagrams that he has sent.
    public private(set) var sent: UInt64 = 0

    init(_ injector: FaultInjector) {
        self.injector = injector
    }

    /// Keeps a sample of what is sent, old and new.
    func eavesdrop() {
        var generator = injector.world.generator(for: "eavesdropper")
        injector.world.network.observe { [unowned self] _, bytes, _ in
            if seen.count < 512 {
                seen.append(bytes)
            } else if generator.chance(0.02) {
                seen[generator.below(seen.count)] = bytes
            }
        }
    }

    func attack(lasting duration: Duration) {
        isAttacking += 1
        if isAttacking == 1 { shoot() }
        injector.activate(lasting: duration) { [self] in isAttacking -= 1 }
    }

    /// About two hundred datagrams a second.
    private func shoot() {
        guard isAttacking > 0 else { return }
        if let victim = injector.generator.pick(injector.world.machines),
            let pretended = injector.generator.pick(injector.world.machines)
        {
            sent += 1
            injector.world.network.inject(forgery(), as: pretended.endpoint, to: victim)
        }
        injector.world.after(.microseconds(Int64(injector.generator.exponential(mean: 5000)) + 1)) { [self] in shoot() }
    }

    private func forgery() -> [UInt8] {
        var bytes = injector.generator.pick(seen) ?? []
        switch injector.generator.below(4) {
        case 0:
            // An old datagram as it was.
            return bytes
        case 1:
            for _ in 0..<(1 + injector.generator.below(4)) where !bytes.isEmpty {
                bytes[injector.generator.below(bytes.count)] ^= UInt8(1 << injector.generator.below(8))
            }
            return bytes
        case 2:
            return Array(bytes.prefix(injector.generator.below(bytes.count + 1)))
        default:
            return (0..<injector.generator.below(1400)).map { _ in UInt8(injector.generator.below(256)) }
        }
    }
}
