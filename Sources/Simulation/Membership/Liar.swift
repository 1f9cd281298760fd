import Cluster
import EventModel
import Membership
import SansIO

/// A member with a good certificate that lies for a while about all that it may speak of: who does not answer, which edges it
/// holds, who is dead, and which accounts it hosts. Beside that it goes on as it should.
final class Liar {
    /// The machine whose process lies.
    let machine: Machine
    private let workload: MembershipWorkload
    private let life: Int
    private let accounts: [AccountID]
    private var generator: SeededGenerator
    private var isOver = false
    private static let liesASecond = 100

    /// Chooses what to lie; nil when the process does not take part in membership.
    init?(_ machine: Machine, _ workload: MembershipWorkload, seed: UInt64) {
        guard let node = machine.membership else { return nil }
        self.machine = machine
        self.workload = workload
        life = machine.life
        accounts = node.accounts
        generator = SeededGenerator(seed: seed)
    }

    /// Lies from now on.
    func begin() {
        claim(othersAccounts + accounts)
        lie()
        callAllDead()
    }

    /// Says what is so, from now on.
    func end() {
        isOver = true
        claim(accounts)
    }

    private var node: MembershipNode? { machine.life == life ? machine.membership : nil }

    /// Accounts of two others, which no certificate of this machine covers.
    private var othersAccounts: [AccountID] {
        let others = machine.world.machines.filter { $0 !== machine && $0.membership != nil }
        return (0..<2).flatMap { _ in generator.pick(others)?.membership?.accounts ?? [] }
    }

    private func claim(_ accounts: [AccountID]) {
        node?.driver.describe { $0.accounts = Array(Set(accounts)).sorted() }
    }

    /// Tells one member something untrue of a few others, and to each something else.
    private func lie() {
        guard !isOver, let node else { return }
        let members = node.driver.members.filter { $0.identity != machine.nodeIdentity }
        if let listener = generator.pick(members) {
            var lies: [SWIMInstance.Falsehood] = []
            for _ in 0..<3 {
                guard let subject = generator.pick(members) else { continue }
                lies.append(.suspicion(of: subject.key, isVerdict: generator.chance(0.5)))
            }
            if let leaf = generator.pick(node.driver.leafViews) {
                lies.append(.attachment(node.driver.key(of: leaf.identity), isAttached: generator.chance(0.5)))
            }
            node.driver.say(lies, to: listener.key)
        }
        machine.later(Int64(generator.below(2_000_000 / Self.liesASecond)) + 1) { [self] in lie() }
    }

    /// Asks a member for a full sync, and calls everybody dead by the way.
    private func callAllDead() {
        guard !isOver, let node else { return }
        let others = node.driver.members.filter { $0.identity != machine.nodeIdentity }
        if let listener = generator.pick(others) {
            let peer = PeerAddress(endpoint: listener.description.peer, uri: nil)
            let body = node.driver.syncThatCallsAllDead
            machine.links.exchange(body, path: MembershipSync.path, with: peer, timeout: .seconds(5)) { _ in }
        }
        machine.later(1_000_000) { [self] in callAllDead() }
    }
}
