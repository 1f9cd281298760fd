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
            var lies: [(kind: MessageHeader.ItemKind, content: [UInt8])] = []
            for _ in 0..<3 {
                guard let subject = generator.pick(members) else { continue }
                let word = suspicion(of: subject, isVerdict: generator.chance(0.5), node)
                if let signed = signed(word, node) { lies.append((.suspicion, signed)) }
            }
            if let leaf = generator.pick(node.driver.leafViews) {
                let word = attachment(of: leaf, isAttached: generator.chance(0.5), node)
                if let signed = signed(word, node) { lies.append((.attachment, signed)) }
            }
            node.driver.send(lies, to: listener.key)
        }
        machine.later(Int64(generator.below(2_000_000 / Self.liesASecond)) + 1) { [self] in lie() }
    }

    /// That a member does not answer.
    private func suspicion(of subject: Member, isVerdict: Bool, _ node: MembershipNode) -> [UInt8] {
        SuspicionStatement(
            domain: node.driver.domain,
            subject: subject.key,
            incarnation: subject.incarnation,
            signer: node.driver.own.certificate,
            isVerdict: isVerdict
        ).unsigned
    }

    /// That this node holds a leaf's uplink, or does not any more.
    private func attachment(of leaf: LeafView, isAttached: Bool, _ node: MembershipNode) -> [UInt8] {
        AttachmentStatement(
            domain: node.driver.domain,
            leaf: node.driver.key(of: leaf.identity),
            certificate: leaf.certificate,
            signer: node.driver.own.certificate,
            number: max(node.driver.own.incarnation, UInt64(max(machine.now.milliseconds, 0))),
            isAttached: isAttached
        ).unsigned
    }

    private func signed(_ word: [UInt8], _ node: MembershipNode) -> [UInt8]? {
        node.crypto.sign(word[...], as: node.driver.own.certificate).map { word + $0 }
    }

    private func syncThatCallsAllDead(_ driver: MembershipDriver) -> [UInt8] {
        var digest: [UInt8] = []
        for member in driver.members where member.identity != machine.nodeIdentity {
            let entry = SyncMessage.Entry(
                key: member.key,
                incarnation: member.incarnation,
                certificate: UInt32(truncatingIfNeeded: member.certificate.digest.low),
                state: .dead
            )
            SyncMessage.append(entry, to: &digest)
        }
        var body = SyncMessage.begin(
            .pull,
            domain: driver.domain,
            viewSum: driver.viewFingerprint,
            leafSum: driver.leafFingerprint
        )
        SyncMessage.append(.digest, digest, to: &body)
        return body
    }

    /// Asks a member for a full sync, and calls everybody dead by the way.
    private func callAllDead() {
        guard !isOver, let node else { return }
        let others = node.driver.members.filter { $0.identity != machine.nodeIdentity }
        if let listener = generator.pick(others) {
            let peer = PeerAddress(endpoint: listener.description.peer, uri: nil)
            let body = syncThatCallsAllDead(node.driver)
            machine.links.exchange(body, path: MembershipSync.path, with: peer, timeout: .seconds(5)) { _ in }
        }
        machine.later(1_000_000) { [self] in callAllDead() }
    }
}
