import Cluster
import EventModel
import Membership
import SansIO

/// Knows which processes run, and holds every view against that.
///
/// At any time: no view takes up anybody who does not exist. When all that may go wrong is harmless (forgery, lies, repetition,
/// overtaking, clocks, disks, renewals, new keys and roots), nobody who runs is ever declared dead, gone or ejected.
/// After a calm: every running process holds exactly the running ones for alive, at their right addresses, with all of their
/// accounts and at equal incarnations, and exactly the running leaves for attached, with their certificates and accounts, by way of
/// those nodes which their claims name and to which they have an uplink.
public final class MembershipChecker: Checker {
    /// Names it in reports.
    public let name = "membership"
    /// Faults that must never make a node look dead.
    public static let harmless: Set<FaultKind> = [
        .duplicate, .reorder, .skew, .disk, .renew, .forge, .keys, .lie, .roots,
    ]
    /// How long a process must have run, or be gone, before others must know.
    public var patience: Duration = .seconds(60)
    /// Declared dead while they ran.
    public private(set) var falseDeaths: UInt64 = 0

    let world: World
    let workload: MembershipWorkload
    private let allowsDeaths: Bool
    private var found: [String] = []
    private var hash = TraceHash()
    private var machines: [NodeIdentity: Int] = [:]
    /// The open uplinks of each leaf by its machine, and since when they are those.
    private var uplinks: [Int: (open: [NodeEndpoint], since: Duration)] = [:]

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
        switch event {
        case .joined(let member), .changed(let member):
            guard subject(member.identity) == nil else { return }
            found.append("\(machine.name) takes up \(member.identity), which does not exist")
        case .died(let member):
            hash.fold(UInt64(machine.index))
            if subject(member.identity)?.isUp == true { falseDeaths += 1 }
            heard(machine, member, is: "dead")
        case .left(let member): heard(machine, member, is: "gone")
        case .ejected(let member, _): heard(machine, member, is: "ejected")
        case .suspected, .recovered, .directory, .alarm, .leaveCompleted: break
        }
    }

    private func heard(_ machine: Machine, _ member: Member, is state: String) {
        guard !allowsDeaths, let subject = subject(member.identity), subject.isUp, subject.membership != nil else {
            return
        }
        found.append("\(machine.name) declares \(subject.name) \(state), and nothing was wrong with it")
    }

    func subject(_ identity: NodeIdentity) -> Machine? {
        for index in machines.count..<max(machines.count, world.machines.count) {
            if let identity = world.machines[index].nodeIdentity { machines[identity] = index }
        }
        return machines[identity].map { world.machines[$0] }
    }

    /// What must not be at any time.
    public func violations(at world: World) -> [String] {
        defer { found = [] }
        for machine in world.machines where workload.isLeaf(machine) {
            let open = machine.isUp ? machine.leaf?.keeper.open.map(\.endpoint) ?? [] : []
            if uplinks[machine.index]?.open != open { uplinks[machine.index] = (open, world.elapsed) }
        }
        return found
    }

    /// Whether a leaf's uplinks have been the same for long enough that all must know them.
    func hasSteadyUplinks(_ machine: Machine) -> Bool {
        uplinks[machine.index].map { world.elapsed - $0.since >= patience / 2 } ?? false
    }

    /// What must not be after a calm.
    public func violationsOnceSettled(at world: World) -> [String] {
        var texts: [String] = []
        let running = world.machines.filter { $0.isRunning && $0.membership != nil }
        let settled = running.filter { isSettled($0) }
        for observer in settled {
            guard let view = observer.membership?.driver else { continue }
            hash.fold(view.viewFingerprint)
            texts += faults(of: view, at: observer, settled)
            texts += leafFaults(of: view, at: observer.name)
        }
        guard settled.count == running.count, texts.isEmpty, let first = settled.first?.membership?.driver else {
            return texts
        }
        for other in settled where other.membership?.driver.viewFingerprint != first.viewFingerprint {
            texts.append("\(other.name) holds other incarnations than \(settled[0].name)")
        }
        for other in settled where other.membership?.driver.leafFingerprint != first.leafFingerprint {
            texts.append("\(other.name) holds other words about leaves than \(settled[0].name)")
        }
        return texts
    }

    /// Whether a machine's process has run, or been gone, for long enough that others must know.
    func isSettled(_ machine: Machine) -> Bool { world.elapsed - machine.changedAt >= patience }

    /// What a view has wrong about members.
    private func faults(of view: MembershipDriver, at observer: Machine, _ settled: [Machine]) -> [String] {
        var texts: [String] = []
        var present: Set<Int> = []
        for member in view.members {
            guard let subject = subject(member.identity) else {
                texts.append("\(observer.name) knows of \(member.identity), which does not exist")
                continue
            }
            guard member.state == .alive || member.state == .suspect else { continue }
            present.insert(subject.index)
            if workload.isLeaf(subject) {
                texts.append("\(observer.name) holds the leaf \(subject.name) for a member")
            } else if !subject.isUp, isSettled(subject) {
                texts.append("\(observer.name) holds \(subject.name) \(member.state.rawValue), which is down")
            } else if subject.isUp, member.description.gossip != subject.endpoint {
                texts.append("\(observer.name) seeks \(subject.name) at \(member.description.gossip)")
            } else if subject.isUp, isSettled(subject), member.state == .suspect {
                texts.append("\(observer.name) suspects \(subject.name), which runs")
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
        return texts
    }
}
