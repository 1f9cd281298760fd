import EventModel
import SansIO

@testable import Membership

/// What a check found wrong.
public struct MembershipFuzzFailure: Error, CustomStringConvertible {
    /// In words.
    public let description: String
}

/// One node that knows three others and a leaf; the first of them is the attacker, whose key the check signs with.
final class FuzzScene {
    let authority = TestAuthority()
    let now = Timestamp(milliseconds: 1_800_000_000_000)
    var generator = SeededGenerator(seed: 1)
    var victim: SWIMInstance
    let crypto: TestCrypto
    let others: [(identity: NodeIdentity, certificate: TestAuthority.Certificate, key: NodeKey)]
    let leaf: NodeKey
    /// The attacker's last datagram.
    var number: UInt32 = 0

    init() throws {
        let identities = try ["victim", "liar", "honest1", "honest2", "edge"].map { name in
            guard let identity = NodeIdentity(authority: "example.com", cell: "c-\(name)", node: name) else {
                throw MembershipFuzzFailure(description: "no identity \(name)")
            }
            return identity
        }
        let certificates = identities.map { [authority] in authority.issue($0) }
        let own = TestCrypto(authority, own: certificates[0])
        crypto = own
        var configuration = MembershipConfiguration.lan
        configuration.maximumLeaves = 8
        configuration.maximumMembers = 8
        configuration.maximumListedAccounts = 15_000
        configuration.maximumWaitingClaims = 8
        let instances = try zip(identities, certificates).enumerated().map { [authority, now] number, node in
            let crypto = number == 0 ? own : TestCrypto(authority, own: node.1)
            let instance = SWIMInstance(
                identity: node.0,
                description: Self.description(number),
                trustDomain: "example.com",
                configuration: configuration,
                crypto: crypto,
                now: now
            )
            guard let instance else { throw MembershipFuzzFailure(description: "no instance") }
            return instance
        }
        victim = instances[0]
        others = (1...3).map { (identities[$0], certificates[$0], instances[$0].own.key) }
        leaf = instances[4].own.key
        _ = victim.started(seeds: [], now: now, using: &generator)
        for instance in instances[1...3] { introduce(instance.ownSignedClaim) }
        var edge = instances[4]
        var description = edge.ownDescription
        description.sponsors = [instances[0].own.key, instances[1].own.key]
        _ = edge.changedDescription(description, now: now)
        let (claim, chain) = edge.ownSignedClaim
        _ = victim.leafAttached(claim: claim, chain: chain, now: now, using: &generator)
        guard victim.presentCount == 4, victim.leafCount == 1 else {
            throw MembershipFuzzFailure(description: "the scene is not set")
        }
    }

    private static func description(_ number: Int) -> NodeDescription {
        let endpoint = NodeEndpoint(host: "10.0.0.\(number)", port: 7946)
        let accounts = (0..<3).compactMap { AccountID(number: UInt64(number * 10 + $0)) }
        return NodeDescription(gossip: endpoint, peer: endpoint, role: number == 4 ? .leaf : .core, accounts: accounts)
    }

    private func introduce(_ word: (claim: [UInt8], chain: [UInt8])) {
        guard let layout = NodeClaim.layout(word.claim, 0..<word.claim.count) else { return }
        var body = begin(.push)
        var chain: [UInt8] = []
        chain.append(layout.head.certificate.digest)
        SyncMessage.append(.chain, chain + word.chain, to: &body)
        SyncMessage.append(.claim, word.claim, to: &body)
        _ = victim.receivedSyncRequest(body, from: victim.own.identity, now: now, using: &generator)
    }

    func begin(_ kind: SyncMessage.Kind) -> [UInt8] {
        SyncMessage.begin(kind, domain: victim.domain, viewSum: 0, leafSum: 0)
    }

    /// The attacker's signature.
    func signature(_ bytes: [UInt8]) -> [UInt8] {
        TestCrypto.signature(bytes[...], secret: others[0].certificate.secret)
    }

    /// A claim of the attacker's: its fixed fields are right, the rest is anything.
    func claim(_ rest: [UInt8], raisedBy raise: UInt64) -> [UInt8] {
        var bytes: [UInt8] = [NodeClaim.tag, NodeClaim.formatVersion]
        bytes.append(victim.domain)
        bytes.append(others[0].key.digest)
        bytes.append(1 + UInt8(raise & 1))
        bytes.append(UInt64(now.milliseconds) + raise)
        bytes.append(UInt64(now.milliseconds))
        bytes.append(others[0].certificate.facts.fingerprint.digest)
        bytes += rest.prefix(MembershipLimits.claimBytes)
        bytes.appendSignature(signature(bytes))
        return bytes
    }

    /// A suspicion or a word about a leaf, in the attacker's name.
    func statement(_ content: [UInt8], isSuspicion: Bool) -> [UInt8] {
        var reader = ByteReader(content)
        let subjects = others.map(\.key) + [victim.own.key, leaf]
        let subject = subjects[Int(reader.byte() ?? 0) % subjects.count]
        let number = UInt64(now.milliseconds) &+ (reader.uint64() ?? 0)
        let signer = others[0].certificate.facts.fingerprint
        let flag = (reader.byte() ?? 0) & 1 == 1
        let unsigned =
            isSuspicion
            ? SuspicionStatement(
                domain: victim.domain,
                subject: subject,
                incarnation: number,
                signer: signer,
                isVerdict: flag
            ).unsigned
            : AttachmentStatement(
                domain: victim.domain,
                leaf: subject,
                certificate: signer,
                signer: signer,
                number: number,
                isAttached: flag
            ).unsigned
        return unsigned + signature(unsigned)
    }

    /// Whatever was said, nobody else has left the view, and nothing has grown beyond its bounds.
    func check() throws {
        for (identity, _, key) in others.dropFirst() {
            let state = victim.member(key)?.state
            try require(state == .alive || state == .suspect, "\(identity) is \(String(describing: state))")
        }
        try require(victim.own.state == .alive, "it holds itself \(victim.own.state)")
        try require(victim.members.count <= 8, "\(victim.members.count) members")
        try require(victim.leafCount <= 8, "\(victim.leafCount) leaves")
        try require(victim.lists.reserved <= 15_000, "room for \(victim.lists.reserved) accounts")
        try require(victim.syncing.exchanges.count <= 8, "\(victim.syncing.exchanges.count) syncs")
        try require(victim.localHealth <= victim.configuration.localHealthMaximum, "health \(victim.localHealth)")
        let fresh = victim.directory.accounts.allSatisfy { victim.directory.entry(for: $0)?.nodes.isEmpty == false }
        try require(fresh, "an account is hosted by nobody")
    }

    /// What is sent must be readable, and not too much.
    func check(_ actions: [MembershipAction]) throws {
        try require(actions.count <= 200, "\(actions.count) actions")
        for action in actions {
            guard case .send(var bytes, _) = action else { continue }
            try require(bytes.count <= victim.configuration.datagramBytes, "a datagram of \(bytes.count) bytes")
            let isOpen = crypto.open(&bytes)
            guard isOpen, case .success = MessageHeader.layout(bytes, 0..<bytes.count) else {
                throw MembershipFuzzFailure(description: "it sends what nobody can read")
            }
        }
    }

    /// Lets a minute pass in steps, so that timers that were set off run.
    func letTimePass() throws {
        for step in 1...30 {
            let later = now + .milliseconds(Int64(step) * 100)
            guard victim.nextWakeup <= later else { continue }
            try check(victim.timerFired(now: later, using: &generator))
        }
    }
}

/// Throws ``MembershipFuzzFailure`` unless a condition holds.
func require(_ condition: Bool, _ problem: @autoclosure () -> String) throws {
    if !condition { throw MembershipFuzzFailure(description: problem()) }
}
