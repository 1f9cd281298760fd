import Cluster
import EventModel
import Membership
import SansIO

/// Knows which processes run, and holds every view against that.
///
/// At any time: no view holds anybody who does not exist, and no process holds itself for anything but alive. When all that
/// may go wrong is harmless (forgery, repetition, overtaking, clocks, disks, renewals), nobody is ever declared dead.
/// After a calm: every running process holds exactly the running ones for present, at their right addresses and with all of
/// their accounts.
public final class MembershipChecker: Checker {
    /// Names it in reports.
    public let name = "membership"
    /// Faults that must never make a node look dead.
    public static let harmless: Set<FaultKind> = [.duplicate, .reorder, .skew, .disk, .renew, .forge]
    /// How long a process must have run, or be gone, before others must know.
    public var patience: Duration = .seconds(60)
    /// Declared dead while they ran.
    public private(set) var falseDeaths: UInt64 = 0

    private let world: World
    private let workload: MembershipWorkload
    private let allowsDeaths: Bool
    private var found: [String] = []
    private var hash = TraceHash()
    private var machines: [NodeIdentity: Int] = [:]

    /// Attaches a checker to a workload.
    public init(world: World, workload: MembershipWorkload, faults: [FaultKind]) {
        self.world = world
        self.workload = workload
        allowsDeaths = !faults.allSatisfy { Self.harmless.contains($0) }
        workload.onEvent = { [unowned self] machine, event in heard(machine, event) }
    }

    /// What it has seen, as a number.
    public var fingerprint: UInt64 { hash.value }

    private func heard(_ machine: Machine, _ event: MembershipEvent) {
        guard case .died(let member) = event else { return }
        hash.fold(UInt64(machine.index))
        guard let subject = subject(member.identity), subject.isUp else { return }
        falseDeaths += 1
        guard !allowsDeaths, subject.membership != nil else { return }
        found.append("\(machine.name) declares \(subject.name) dead, and nothing was wrong with it")
    }

    private func subject(_ identity: NodeIdentity) -> Machine? {
        for index in machines.count..<max(machines.count, world.machines.count) {
            if let identity = world.machines[index].nodeIdentity { machines[identity] = index }
        }
        return machines[identity].map { world.machines[$0] }
    }

    /// What must not be at any time.
    public func violations(at world: World) -> [String] {
        for machine in world.machines {
            guard let own = machine.membership?.driver.own, own.state != .alive, own.state != .left else { continue }
            found.append("\(machine.name) holds itself \(own.state.rawValue)")
        }
        defer { found = [] }
        return found
    }

    /// What must not be after a calm.
    public func violationsOnceSettled(at world: World) -> [String] {
        var texts: [String] = []
        let running = world.machines.filter { $0.isRunning && $0.membership != nil }
        let settled = running.filter { world.elapsed - $0.changedAt >= patience }
        for observer in settled {
            guard let view = observer.membership?.driver else { continue }
            hash.fold(view.viewFingerprint)
            var present: Set<Int> = []
            for member in view.members {
                guard let subject = subject(member.identity) else {
                    texts.append("\(observer.name) knows of \(member.identity), which does not exist")
                    continue
                }
                guard member.state == .alive || member.state == .suspect else { continue }
                present.insert(subject.index)
                if !subject.isUp, world.elapsed - subject.changedAt >= patience {
                    texts.append("\(observer.name) holds \(subject.name) \(member.state.rawValue), which is down")
                } else if subject.isUp, member.description.gossip != subject.endpoint {
                    texts.append("\(observer.name) seeks \(subject.name) at \(member.description.gossip)")
                }
            }
            for subject in settled {
                guard let accounts = subject.membership?.accounts, present.contains(subject.index) else { continue }
                let missing = accounts.count { account in
                    view.directory.entry(for: account)?.nodes.first?.identity != subject.nodeIdentity
                }
                if missing > 0 {
                    texts.append("\(observer.name) misses \(missing) of \(accounts.count) accounts of \(subject.name)")
                }
            }
            for subject in settled where !present.contains(subject.index) {
                let state = subject.nodeIdentity.flatMap { view.member($0) }?.state.rawValue
                texts.append("\(observer.name) holds \(subject.name) \(state ?? "unknown"), which runs")
            }
        }
        return texts
    }
}
