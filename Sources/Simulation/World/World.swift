import SansIO

/// A world of machines with one virtual time, which follows wholly from its seed.
///
/// Real cores and drivers run on the machines; clocks, network, links and disks are the world's. Everything that happens
/// is an entry of one queue, taken in order of time, so nothing depends on threads or on the real clock. One second of the
/// world lasts as long as its events take.
public final class World {
    /// What the world follows from.
    public let seed: UInt64
    /// The machines in the order in which they were added.
    public private(set) var machines: [Machine] = []
    /// What connects them.
    public private(set) lazy var network = Network(world: self)
    /// Things that have happened so far.
    public private(set) var eventCount: UInt64 = 0
    /// Microseconds since the beginning.
    public private(set) var time: Int64 = 0

    private var queue = EventQueue<WorldEvent>()
    private var trace = TraceHash()

    /// Creates a world without machines.
    public init(seed: UInt64) {
        self.seed = seed
    }

    /// The wall-clock time of a machine whose clock is right when the world begins: 15 January 2026, 12:34:56 UTC.
    public static let epoch = Timestamp(milliseconds: 1_768_480_496_000)

    /// The time since the beginning.
    public var elapsed: Duration { .microseconds(time) }

    /// The true wall-clock time.
    public var now: Timestamp { Timestamp(milliseconds: Self.epoch.milliseconds + time / 1000) }

    /// A number that follows from all that has happened; equal in every run of one seed.
    public var unseed: UInt64 { trace.value }

    /// A generator for one purpose, independent of those for other purposes.
    public func generator(for purpose: String) -> SeededGenerator {
        var hash = TraceHash()
        hash.fold(seed)
        hash.fold(Array(purpose.utf8))
        return SeededGenerator(seed: hash.value)
    }

    /// Adds a machine that is down until it is started.
    ///
    /// - Parameters:
    ///   - name: names it in reports.
    ///   - endpoint: where datagrams and links reach it; no other machine may have it.
    ///   - certificate: what it proves itself with.
    /// - Returns: the machine.
    public func addMachine(name: String, endpoint: NodeEndpoint, certificate: SimulatedCertificate) -> Machine {
        let machine = Machine(
            world: self,
            index: machines.count,
            name: name,
            endpoint: endpoint,
            certificate: certificate
        )
        machines.append(machine)
        network.joined(machine)
        return machine
    }

    /// Runs `action` when `delay` has passed, whatever becomes of any machine. Faults, workloads and checks use it.
    @discardableResult
    public func after(_ delay: Duration, _ action: @escaping () -> Void) -> TimerToken {
        queue.add(.action(action), at: time + max(0, delay.microseconds))
    }

    /// Takes back what ``after(_:_:)`` or a machine's clock was to run.
    @discardableResult
    public func cancel(_ token: TimerToken) -> Bool {
        queue.cancel(token)
    }

    /// Notes something in the run's number that is no event of the world, e.g. what a workload counted.
    public func note(_ number: UInt64) {
        trace.fold(number)
    }

    /// Lets the given time pass.
    public func run(for duration: Duration) {
        let end = time + duration.microseconds
        while let next = queue.take(until: end) {
            time = next.time
            eventCount += 1
            happen(next.event, next.token)
        }
        time = end
    }

    /// Forgets everything that was to happen, and lets go of the machines' processes: they hold their machine as their clock, and
    /// those that wait hold the world.
    public func end() {
        queue.removeAll()
        for machine in machines { machine.dispose() }
    }

    deinit {
        for machine in machines { machine.dispose() }
    }

    @discardableResult
    func schedule(_ event: WorldEvent, after microseconds: Int64) -> TimerToken {
        queue.add(event, at: time + microseconds)
    }

    private func happen(_ event: WorldEvent, _ token: TimerToken) {
        trace.fold(UInt64(bitPattern: time))
        switch event {
        case .action(let action):
            trace.fold(1)
            action()
        case .timer(let machine, let life, let action):
            trace.fold(UInt64(machine) << 8 | 2)
            machines[machine].arrived(.timer(token, action), life: life)
        case .datagram(let machine, let bytes, let source):
            trace.fold(UInt64(machine) << 8 | 3)
            trace.fold(bytes)
            machines[machine].arrived(.datagram(bytes, source), life: nil)
        case .wake(let machine):
            trace.fold(UInt64(machine) << 8 | 4)
            machines[machine].woke()
        }
    }
}

/// One entry of the world's queue. Machines are named by their index.
enum WorldEvent {
    /// Something outside of the machines.
    case action(() -> Void)
    /// Something on a machine, unless it has crashed since.
    case timer(machine: Int, life: Int, () -> Void)
    /// A datagram reaches a machine, whichever process runs there now.
    case datagram(machine: Int, [UInt8], source: NodeEndpoint)
    /// A machine has time for what waits in its inbox.
    case wake(machine: Int)
}
