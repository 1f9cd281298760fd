import EventModel
import SansIO

@testable import Membership

/// Gives anything to a node's membership. Nothing may trap, nobody who is honest may leave the view, and what grows stays within
/// its bounds.
///
/// The first byte chooses how deep the rest goes: as it is, inside a seal, or signed by a member that lies.
public enum MembershipFuzzCheck {
    /// Checks what comes by datagrams.
    public static func datagram(_ input: [UInt8]) throws {
        guard let mode = input.first else { return }
        let scene = try FuzzScene()
        let rest = Array(input.dropFirst())
        switch mode % 6 {
        case 0: try hear(rest, scene)
        case 1: try hear(sealed(rest, scene), scene)
        case 2: try hear(message(rest, scene), scene)
        case 3:
            let claim = scene.claim(Array(rest.dropFirst()), raisedBy: UInt64(rest.first ?? 1))
            try hear(items([(1, claim)], scene), scene)
        case 4: try hearStatements(rest, scene)
        default:
            // Several messages, each behind its length.
            var reader = ByteReader(rest)
            while let count = reader.byte(), let range = reader.range(min(Int(count), reader.remaining)),
                !range.isEmpty
            {
                try hear(message(Array(rest[range]), scene), scene)
            }
        }
        try scene.letTimePass()
        try scene.check()
        try readBack(rest)
    }

    /// Checks the bodies of full-state syncs.
    public static func sync(_ input: [UInt8]) throws {
        guard let mode = input.first else { return }
        let scene = try FuzzScene()
        let rest = Array(input.dropFirst())
        switch mode % 5 {
        case 0: try answer(rest, scene)
        case 1: try answer(scene.begin(.pull) + rest, scene)
        case 2: try answer(scene.begin(.push) + rest, scene)
        case 3: try answer(sections(rest, scene), scene)
        default: try reply(sections(rest, scene), scene)
        }
        try scene.letTimePass()
        try scene.check()
    }

    private static func hear(_ datagram: [UInt8], _ scene: FuzzScene) throws {
        let source = NodeEndpoint(host: "10.0.0.1", port: 7946)
        try scene.check(
            scene.victim.receivedDatagram(datagram, from: source, now: scene.now, using: &scene.generator)
        )
    }

    private static func sealed(_ message: [UInt8], _ scene: FuzzScene) -> [UInt8] {
        var message = message
        scene.crypto.seal(&message)
        return message
    }

    /// A message of the attacker's, with a header that is right and a signature that is, too.
    private static func message(_ content: [UInt8], _ scene: FuzzScene) -> [UInt8] {
        let kind = MessageHeader.Kind(rawValue: 1 + (content.first ?? 0) % 8) ?? .gossip
        return message(kind, Array(content.dropFirst()), scene)
    }

    private static func message(_ kind: MessageHeader.Kind, _ content: [UInt8], _ scene: FuzzScene) -> [UInt8] {
        var bytes: [UInt8] = []
        MessageHeader(
            kind: kind,
            domain: scene.victim.domain,
            certificate: scene.others[0].certificate.facts.fingerprint,
            epoch: UInt64(scene.now.milliseconds),
            number: scene.nextNumber(),
            viewSum: 0
        ).append(to: &bytes)
        bytes += content
        let signature = scene.signature(bytes)
        bytes += signature
        bytes.append(UInt8(signature.count))
        return sealed(bytes, scene)
    }

    private static func items(_ items: [(kind: UInt8, content: [UInt8])], _ scene: FuzzScene) -> [UInt8] {
        var bytes: [UInt8] = []
        for (kind, content) in items {
            bytes.append(kind)
            bytes.append(UInt16(truncatingIfNeeded: content.count))
            bytes += content
        }
        return message(.gossip, bytes, scene)
    }

    /// Suspicions and words about leaves, ten bytes of the input for each.
    private static func hearStatements(_ rest: [UInt8], _ scene: FuzzScene) throws {
        for start in stride(from: 0, to: min(rest.count, 640), by: 11) {
            let part = Array(rest[start..<min(start + 11, rest.count)])
            let isSuspicion = part[0] & 1 == 0
            let statement = scene.statement(Array(part.dropFirst()), isSuspicion: isSuspicion)
            try hear(items([(isSuspicion ? 2 : 3, statement)], scene), scene)
        }
    }

    private static func answer(_ body: [UInt8], _ scene: FuzzScene) throws {
        let (answer, actions) = scene.victim.receivedSyncRequest(
            body,
            from: scene.others[0].identity,
            now: scene.now,
            using: &scene.generator
        )
        try scene.check(actions)
        guard let answer else { return }
        try require(SyncMessage(answer) != nil, "the answer cannot be read")
        let most = SyncMessage.contentBytes + 100_000
        try require(answer.count <= most, "an answer of \(answer.count) bytes")
    }

    /// The bytes as the answer to a sync that the node began.
    private static func reply(_ body: [UInt8], _ scene: FuzzScene) throws {
        var body = body
        body[1] = SyncMessage.Kind.pullAnswer.rawValue
        scene.victim.beginSyncForFuzzing()
        guard let number = scene.victim.syncing.exchanges.last?.number else { return }
        let actions = scene.victim.receivedSyncReply(
            body,
            number: number,
            now: scene.now,
            using: &scene.generator
        )
        try scene.check(actions)
    }

    /// A body whose sections are laid out right: kind and length (2 bytes) of each come from the input. Claims, suspicions and
    /// words are signed by the attacker; lists of accounts are those that its claim named.
    private static func sections(_ rest: [UInt8], _ scene: FuzzScene) -> [UInt8] {
        var reader = ByteReader(rest)
        var body = scene.begin((reader.byte() ?? 0) & 1 == 0 ? .pull : .push)
        while let choice = reader.byte(), let length = reader.uint16(),
            let range = reader.range(min(Int(length), reader.remaining))
        {
            let content = Array(rest[range])
            switch choice % 12 {
            case 9: SyncMessage.append(.claim, scene.claim(content, raisedBy: UInt64(choice) + 1), to: &body)
            case 10: SyncMessage.append(.suspicion, scene.statement(content, isSuspicion: true), to: &body)
            case 11: appendList(content, scene, to: &body)
            case let kind: SyncMessage.append(SyncMessage.SectionKind(rawValue: kind) ?? .digest, content, to: &body)
            }
        }
        return body
    }

    /// A list of 65 or more accounts with the attacker's claim that names it, as the content has them.
    private static func appendList(_ content: [UInt8], _ scene: FuzzScene, to body: inout [UInt8]) {
        let name = AccountListName(of: content[...], scene.crypto)
        let liar = scene.others[0]
        let endpoint = NodeEndpoint(host: "10.0.0.1", port: 7946)
        let claim = NodeClaim(
            node: liar.key,
            identity: liar.identity,
            life: .alive,
            incarnation: UInt64(scene.now.milliseconds) + UInt64(content.count) + 1,
            epoch: UInt64(scene.now.milliseconds),
            certificate: liar.certificate.facts.fingerprint,
            description: NodeDescription(gossip: endpoint, peer: endpoint),
            accountList: name
        )
        var bytes = claim.unsigned(domain: scene.victim.domain)
        bytes.appendSignature(scene.signature(bytes))
        SyncMessage.append(.claim, bytes, to: &body)
        var section: [UInt8] = []
        section.append(name)
        SyncMessage.append(.accountList, section + content, to: &body)
    }

    /// What is read as a claim is written as the same claim.
    private static func readBack(_ bytes: [UInt8]) throws {
        guard let layout = NodeClaim.layout(bytes, 0..<bytes.count), let claim = NodeClaim(layout, in: bytes) else {
            return
        }
        var written = claim.unsigned(domain: layout.head.domain)
        written.appendSignature(Array(bytes[layout.signature]))
        let again = NodeClaim.layout(written, 0..<written.count).flatMap { NodeClaim($0, in: written) }
        try require(again == claim, "a claim is written otherwise than it was read")
    }
}

extension FuzzScene {
    fileprivate func nextNumber() -> UInt32 {
        number += 1
        return number
    }
}

extension SWIMInstance {
    /// Begins a sync that the check answers.
    fileprivate mutating func beginSyncForFuzzing() {
        var generator = SeededGenerator(seed: 2)
        syncPeriodically(&generator)
        _ = left()
    }
}
