/// What can go wrong in a world. The raw value is its name on the command line.
public enum FaultKind: String, CaseIterable, Sendable {
    /// Datagrams are lost, everywhere or at one machine.
    case loss
    /// Datagrams take longer and vary more.
    case delay
    /// Datagrams arrive twice.
    case duplicate
    /// Datagrams overtake each other.
    case reorder
    /// Two groups of machines do not hear each other.
    case partition
    /// One group is not heard by another, but hears it.
    case oneWay = "one-way"
    /// Machines stand still for a while, as after SIGSTOP.
    case pause
    /// Machines get the processor for moments only.
    case starve
    /// Machines need milliseconds for each turn.
    case slow
    /// Processes end at once and are started again later; unsynchronised bytes are lost.
    case crash
    /// Processes leave in good order and are started again later.
    case leave
    /// Clocks jump, and run too fast or too slow.
    case skew
    /// Disks are full, fail, or stand still.
    case disk
    /// A machine is started again at another address, unless others have its address in their configuration.
    case move
    /// Certificates are replaced by new ones.
    case renew
    /// A certificate expires before it is renewed.
    case expire
    /// A certificate is revoked; later its machine gets another.
    case revoke
    /// Connections of peers go silent, and neither end hears why.
    case halfOpen = "half-open"
    /// Machines accept what peers ask, and answer nothing.
    case mute
    /// An outsider sends garbage, and old datagrams again, whole or damaged, under others' addresses.
    case forge
    /// Clocks jump ahead by 30 hours, and back.
    case leap
    /// A machine's certificate is replaced, expires and is revoked several times within seconds.
    case rush
    /// The certificate authority is replaced by another, machine by machine.
    case roots
    /// The key ring gets another key, machine by machine.
    case keys
    /// A member with a good certificate lies: it suspects everybody, speaks for edges that it does not hold, calls all others
    /// dead, and claims accounts that its certificate does not cover.
    case lie

    /// Kinds that mean something only where nodes do nothing but take part in membership: events would rightly expire with a clock
    /// that is 30 hours ahead.
    public static let ofMembership: Set<FaultKind> = [.leap, .rush, .roots, .keys, .lie]
    /// The other kinds, in order.
    public static let ofEveryWorkload = allCases.filter { !ofMembership.contains($0) }
}
