import SansIO

/// The certificate authority of a world, and its revocation list.
public final class CertificateRegistry {
    private unowned let world: World
    private var lastSerial: UInt64 = 0
    /// Runs when a machine's certificate, or what it knows of others', has changed: what a reload of files would tell
    /// its process.
    public var onChange: ((Machine) -> Void)?

    init(world: World) {
        self.world = world
    }

    /// Makes a certificate with a number of its own.
    public func issue(_ identity: CertificateIdentity, authority: UInt64 = 1) -> SimulatedCertificate {
        lastSerial += 1
        return SimulatedCertificate(identity: identity, serial: lastSerial, authority: authority)
    }

    /// Replaces a machine's certificate by a new one with the same names.
    public func renew(_ machine: Machine, authority: UInt64? = nil) {
        machine.certificate = issue(machine.certificate.identity, authority: authority ?? machine.certificate.authority)
        changed(machine)
    }

    /// Puts a certificate on the revocation list, which every machine has at once.
    public func revoke(_ serial: UInt64) {
        for machine in world.machines {
            machine.revokedSerials.insert(serial)
            changed(machine)
        }
    }

    /// Tells a machine's process that certificates have changed, as soon as it can run.
    public func changed(_ machine: Machine) {
        onChange?(machine)
        machine.later(1) { [unowned machine] in machine.node?.certificatesChanged() }
    }
}
