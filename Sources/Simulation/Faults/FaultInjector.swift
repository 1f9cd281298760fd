import SansIO

/// Lets faults begin and end in a world, by its seed.
///
/// Between ``begin()`` and ``healAll()`` faults of random kinds begin at random times, at random machines, and end by
/// themselves; several are active at a time.
public final class FaultInjector {
    /// The kinds that may happen.
    public let kinds: [FaultKind]
    /// The mean time from the beginning of one fault to that of the next.
    public var meanInterval: Duration = .seconds(20)
    /// The longest that a fault lasts.
    public var maximumDuration: Duration = .seconds(120)
    /// How often each kind has begun, in the order of ``kinds``.
    public private(set) var counts: [Int]
    /// Machines that faults leave alone, by index.
    public var spared: Set<Int> = []

    /// Makes the faults that only it knows how to make.
    weak var workload: (any Workload)?

    let world: World
    var generator: SeededGenerator
    private var active: [(id: Int, undo: () -> Void)] = []
    private var lastID = 0
    private(set) var isRaging = false
    private(set) var storm = 0
    /// The authority that signs certificates, and whether it is being replaced.
    private var authority: UInt64 = 1
    private var isRotating = false
    private var disturbances: [(id: Int, machine: Int?, conditions: LinkConditions)] = []
    /// When a machine's certificate was last touched, by index.
    private var certificateTimes: [Int: Duration] = [:]
    private let base: LinkConditions
    private(set) lazy var outsider = Outsider(self)

    /// Creates an injector for a world in its healthy state.
    public init(world: World, kinds: [FaultKind]) {
        self.world = world
        self.kinds = kinds
        counts = [Int](repeating: 0, count: kinds.count)
        generator = world.generator(for: "faults")
        base = world.network.conditions
        if kinds.contains(.forge) { outsider.eavesdrop() }
    }

    /// Faults happen from now on.
    public func begin() {
        guard !kinds.isEmpty, !isRaging else { return }
        isRaging = true
        storm += 1
        scheduleNext(storm)
    }

    /// Ends every fault and lets none begin.
    public func healAll() {
        isRaging = false
        let faults = active
        active = []
        for fault in faults { fault.undo() }
    }

    /// Begins one fault now; it ends by itself, or with ``healAll()``.
    public func inject(_ kind: FaultKind) {
        if let place = kinds.firstIndex(of: kind) { counts[place] += 1 }
        world.note(UInt64(kind.rawValue.utf8.count) << 32 | 5)
        start(kind, lasting: duration())
    }

    private func scheduleNext(_ storm: Int) {
        let seconds = generator.exponential(mean: Double(meanInterval.milliseconds) / 1000)
        world.after(.milliseconds(Int64(seconds * 1000) + 1)) { [self] in
            guard isRaging, storm == self.storm else { return }
            if let kind = generator.pick(kinds) { inject(kind) }
            scheduleNext(storm)
        }
    }

    /// Mostly short, sometimes as long as may be.
    private func duration() -> Duration {
        let milliseconds = generator.exponential(mean: Double(maximumDuration.milliseconds) / 5)
        return .milliseconds(max(100, min(maximumDuration.milliseconds, Int64(milliseconds))))
    }

    /// Has `undo` run after `duration`, or when everything heals.
    func activate(lasting duration: Duration, undo: @escaping () -> Void) {
        lastID += 1
        let id = lastID
        active.append((id, undo))
        world.after(duration) { [self] in
            guard let place = active.firstIndex(where: { $0.id == id }) else { return }
            active.remove(at: place)
            undo()
        }
    }

    /// Adds conditions to the whole network or, as often, to one machine.
    func disturb(_ conditions: LinkConditions, lasting duration: Duration) {
        lastID += 1
        let id = lastID
        let machine = generator.chance(0.5) ? nil : victims(atMost: 1).first?.index
        disturbances.append((id, machine, conditions))
        applyDisturbances(to: machine)
        activate(lasting: duration) { [self] in
            disturbances.removeAll { $0.id == id }
            applyDisturbances(to: machine)
        }
    }

    private func applyDisturbances(to machine: Int?) {
        let mine = disturbances.filter { $0.machine == machine }
        if let machine {
            let sum = mine.reduce(LinkConditions.neutral) { $0.and($1.conditions) }
            world.network.setConditions(mine.isEmpty ? nil : sum, of: world.machines[machine])
        } else {
            world.network.conditions = mine.reduce(base) { $0.and($1.conditions) }
        }
    }

    /// Whether it is time for another certificate fault at a machine: three minutes after the last one at the earliest.
    func takesCertificate(_ machine: Machine) -> Bool {
        if let last = certificateTimes[machine.index], world.elapsed - last < .seconds(180) { return false }
        certificateTimes[machine.index] = world.elapsed
        return true
    }

    /// Replaces the certificate authority; one such change at a time.
    func replaceAuthority() {
        guard !isRotating else { return }
        isRotating = true
        authority += 1
        let rotation = TrustRotation(self, to: authority)
        rotation.begin()
        activate(lasting: TrustRotation.length) { [self] in
            rotation.end()
            isRotating = false
        }
    }

    /// One or more machines; one half of the time just one.
    func victims(atMost limit: Int) -> [Machine] {
        var candidates = world.machines.filter { !spared.contains($0.index) }
        let count = min(candidates.count, generator.chance(0.5) ? 1 : 1 + generator.below(max(1, limit)))
        var chosen: [Machine] = []
        for _ in 0..<count { chosen.append(candidates.remove(at: generator.below(candidates.count))) }
        return chosen.sorted { $0.index < $1.index }
    }
}
