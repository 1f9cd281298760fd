import SansIO

/// What runs on a machine: the project's own cores and drivers with the machine's ports, built anew at every start.
public protocol SimulatedNode: AnyObject {
    /// Begins its work. Runs once, on the machine's shard.
    func start()

    /// Takes its leave in good order; the machine is stopped a while later.
    func leave()

    /// The machine's certificate, or what it knows of authorities and revocations, has changed.
    func certificatesChanged()
}

extension SimulatedNode {
    /// A node without certificates has nothing to do.
    public func certificatesChanged() {}
}

/// One simulated computer with a clock, a processor, a disk, an address and a certificate, which runs one node process.
///
/// It is the ``ClockPort`` of the process's one shard. A crash ends the process: its timers and completions never run,
/// and what its disk had not synchronised is lost. A pause (SIGSTOP, a starved virtual machine) only delays it: timers and
/// messages wait, and datagrams beyond the socket's buffer are lost.
public final class Machine: ClockPort {
    /// Its place in ``World/machines``.
    public let index: Int
    /// Names it in reports.
    public let name: String
    /// Where datagrams and links reach it.
    public private(set) var endpoint: NodeEndpoint
    /// What it proves itself with.
    public var certificate: SimulatedCertificate
    /// Serial numbers of the certificates that it knows to be revoked.
    public var revokedSerials: Set<UInt64> = []
    /// Authorities whose certificates it accepts.
    public var trustedAuthorities: Set<UInt64> = [1]
    /// True when others find it by their configuration, so that it never moves.
    public var hasFixedAddress = false
    /// Builds the process at each start.
    public var boot: ((Machine) -> any SimulatedNode)?
    /// The running process; nil when the machine is down.
    public private(set) var node: (any SimulatedNode)?
    /// True while a process runs, be it paused.
    public private(set) var isUp = false
    /// Rises with each start and each crash, so that what belonged to an earlier process can be told.
    public private(set) var life = 0
    /// When the present process was started or the last one ended.
    public private(set) var changedAt: Duration = .zero
    /// When the last pause ended, or since when one lasts.
    public private(set) var pauseChangedAt: Duration = .zero

    /// What the process answers requests of peers with; set by the process as it starts.
    public var requestHandler: (any HTTPRequestHandler)?
    /// What the process takes channels with; set by the process as it starts.
    public var channelAcceptor: (any PeerChannelAcceptor)?

    /// The process's datagrams.
    public private(set) lazy var datagrams = SimulatedDatagrams(machine: self)
    /// The process's links to others.
    public private(set) lazy var links = SimulatedLinks(machine: self)
    /// The machine's disk, which outlives the process.
    public private(set) lazy var store = MemoryStore { [unowned self] action in diskFinished(action) }
    /// Randomness for the process; the next start goes on where it is.
    public var generator: SeededGenerator

    /// How far the clock is ahead of the true time.
    public var clockOffset: Duration = .zero {
        didSet { clockGain += max(.zero, clockOffset - oldValue) }
    }
    /// The sum of the steps by which the clock was set forward.
    public private(set) var clockGain: Duration = .zero
    /// How much faster than true the clock runs, in millionths.
    public var clockDrift = 0.0 {
        didSet { rebaseClock(previousDrift: oldValue) }
    }
    /// How long the processor works on each turn. Zero: it is never behind.
    public var turnCost: Duration = .zero
    /// True while the process accepts connections and requests of peers and answers none, though its pings are answered. What
    /// comes over channels meanwhile it takes afterwards.
    public var isMute = false {
        didSet {
            guard !isMute else { return }
            let actions = onAnswering
            onAnswering = []
            for action in actions { later(1, action) }
        }
    }
    private var onAnswering: [() -> Void] = []
    /// How many datagrams wait at most while the process does not take them. A socket's default buffer of 208 KB holds
    /// about as many.
    public var inboxLimit = 256

    unowned let world: World
    private var pauses = 0
    private var inbox = MachineInbox()
    private var busyUntil: Int64 = 0
    private var wakes = false
    private var diskBusyUntil: Int64 = 0
    private var driftBase: (time: Int64, shift: Double) = (0, 0)

    init(world: World, index: Int, name: String, endpoint: NodeEndpoint, certificate: SimulatedCertificate) {
        self.world = world
        self.index = index
        self.name = name
        self.endpoint = endpoint
        self.certificate = certificate
        generator = world.generator(for: "machine \(index)")
    }

    /// The wall-clock time as this machine has it.
    public var now: Timestamp {
        let own = Double(world.time - driftBase.time) * clockDrift / 1_000_000 + driftBase.shift
        let microseconds = world.time + Int64(own) + clockOffset.microseconds
        return Timestamp(milliseconds: World.epoch.milliseconds + microseconds / 1000)
    }

    private func rebaseClock(previousDrift: Double) {
        driftBase.shift += Double(world.time - driftBase.time) * previousDrift / 1_000_000
        driftBase.time = world.time
    }

    /// Runs `action` when `delay` has passed by this machine's clock, unless the process has crashed by then.
    public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        var microseconds = max(1, delay.microseconds)
        if clockDrift != 0 { microseconds = max(1, Int64(Double(microseconds) / (1 + clockDrift / 1_000_000))) }
        return world.schedule(.timer(machine: index, life: life, action), after: microseconds)
    }

    /// Cancels a timer.
    public func cancel(_ token: TimerToken) {
        if world.cancel(token) { return }
        inbox.cancel(token)
    }

    /// Whether the process can work now.
    public var isRunning: Bool { isUp && pauses == 0 }

    /// Starts a process; ignored while one runs.
    public func start() {
        guard !isUp, let boot else { return }
        isUp = true
        life += 1
        changedAt = world.elapsed
        let node = boot(self)
        self.node = node
        node.start()
    }

    /// Ends the process at once. Bytes that the disk had not synchronised are lost.
    public func crash() {
        guard isUp else { return }
        isUp = false
        life += 1
        changedAt = world.elapsed
        node = nil
        requestHandler = nil
        channelAcceptor = nil
        datagrams.onReceive = nil
        inbox = MachineInbox()
        busyUntil = 0
        store.crash()
        world.network.ended(self)
    }

    /// Lets go of the process, and of what would start another. Nothing may run here afterwards; the world may be gone.
    func dispose() {
        isUp = false
        node = nil
        boot = nil
        requestHandler = nil
        channelAcceptor = nil
        datagrams.onReceive = nil
        inbox = MachineInbox()
        links.dispose()
    }

    /// Ends the process after its disk has written everything, as a stop in good order does.
    public func stop() {
        store.synchronise()
        crash()
    }

    /// Stops the processor until ``resume()``; pauses count.
    public func pause() {
        if pauses == 0 { pauseChangedAt = world.elapsed }
        pauses += 1
    }

    /// Ends one pause.
    public func resume() {
        pauses = max(0, pauses - 1)
        guard pauses == 0 else { return }
        pauseChangedAt = world.elapsed
        wakeLater()
    }

    /// Gives the machine another address. What is under way to the old one is lost.
    public func move(to endpoint: NodeEndpoint) {
        world.network.moved(self, from: self.endpoint, to: endpoint)
        self.endpoint = endpoint
    }

    /// Runs `action` on the process's shard after `microseconds` of the true time, if the process of that life (by
    /// default the present one) is there by then.
    func later(_ microseconds: Int64, life: Int? = nil, _ action: @escaping () -> Void) {
        world.schedule(.timer(machine: index, life: life ?? self.life, action), after: microseconds)
    }

    /// Runs `action` on the shard once the process is not mute any more.
    func onceItAnswers(_ action: @escaping () -> Void) {
        onAnswering.append(action)
    }

    /// A disk finishes its operations in order, each 50 to 500 microseconds after the one before.
    private func diskFinished(_ action: @escaping () -> Void) {
        let cost = Int64(50 + generator.below(450))
        diskBusyUntil = max(world.time, diskBusyUntil) + cost
        later(diskBusyUntil - world.time, action)
    }
}

extension Machine {
    /// Takes work at once when the processor is free, else into the inbox.
    func arrived(_ work: MachineWork, life: Int?) {
        guard isUp, life == nil || life == self.life else { return }
        if pauses == 0, inbox.isEmpty, busyUntil <= world.time {
            perform(work)
            return
        }
        guard inbox.add(work, datagramLimit: inboxLimit) else {
            world.network.statistics.overflowed += 1
            return
        }
        wakeLater()
    }

    /// Takes what waits, one thing at a time when each costs the processor something.
    func woke() {
        wakes = false
        let life = life
        while isRunning, life == self.life, busyUntil <= world.time, let work = inbox.next() { perform(work) }
        wakeLater()
    }

    private func perform(_ work: MachineWork) {
        if turnCost > .zero { busyUntil = world.time + turnCost.microseconds }
        switch work {
        case .timer(_, let action): action()
        case .datagram(let bytes, let source): datagrams.onReceive?(bytes, source)
        }
    }

    private func wakeLater() {
        guard !wakes, isRunning, !inbox.isEmpty else { return }
        wakes = true
        world.schedule(.wake(machine: index), after: max(0, busyUntil - world.time))
    }
}
