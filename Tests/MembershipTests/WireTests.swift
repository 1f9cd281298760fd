import EventModel
import SansIO
import Testing

@testable import Membership

/// The message formats: what is written is read, and nothing else traps.
@Suite struct WireTests {
    private func longestClaim() throws -> NodeClaim {
        let label = String(repeating: "a", count: 63)
        let authority = "\(label).\(label).\(label).\(label.dropLast(2))"
        let name = String(repeating: "n", count: 64)
        let identity = try #require(NodeIdentity(authority: authority, cell: name, node: name))
        let host = String(repeating: "f", count: MembershipLimits.hostBytes)
        let key = NodeKey(Digest128(high: 1, low: 2))
        let accounts = (0..<MembershipLimits.accountsPerClaim).compactMap {
            AccountID(number: 999_999_999_999 - UInt64($0))
        }
        return NodeClaim(
            node: key,
            identity: identity,
            life: .alive,
            incarnation: .max,
            epoch: 7,
            certificate: CertificateFingerprint(Digest128(high: 3, low: 4)),
            description: NodeDescription(
                gossip: NodeEndpoint(host: host, port: 65_535),
                peer: NodeEndpoint(host: host, port: 1),
                role: .leaf,
                pressure: 255,
                version: String(repeating: "v", count: MembershipLimits.versionBytes),
                accounts: accounts,
                sponsors: [key, key]
            ),
            endorsement: NodeClaim.Endorsement(
                previous: CertificateFingerprint(Digest128(high: 5, low: 6)),
                signature: [UInt8](repeating: 9, count: MembershipLimits.signatureBytes)
            ),
            accountList: AccountListName(count: 10_000, digest: Digest128(high: 7, low: 8))
        )
    }

    private func signed(_ claim: NodeClaim) -> [UInt8] {
        var bytes = claim.unsigned(domain: 11)
        bytes.appendSignature([UInt8](repeating: 8, count: MembershipLimits.signatureBytes))
        return bytes
    }

    @Test func theLongestClaimIsReadBackAndFitsADatagram() throws {
        let claim = try longestClaim()
        let bytes = signed(claim)
        #expect(bytes.count <= MembershipLimits.claimBytes)
        let overhead = MessageHeader.bytes + 16 + 3 + MembershipLimits.signatureBytes + 1 + 64
        #expect(bytes.count + overhead <= MembershipConfiguration.lan.datagramBytes)
        let layout = try #require(NodeClaim.layout(bytes, 0..<bytes.count))
        #expect(layout.head.domain == 11)
        #expect(NodeClaim(layout, in: bytes) == claim)
    }

    @Test func fieldsOfLaterVersionsAreLeftAlone() throws {
        let claim = try longestClaim()
        // An extension of another kind, one with more behind what is known, and bytes that are none.
        for later: [UInt8] in [[9, 0, 2, 1, 1], [1, 0, 1, 0], [1, 2, 3], [1], []] {
            var bytes = claim.unsigned(domain: 11) + later
            bytes.appendSignature([1])
            let layout = try #require(NodeClaim.layout(bytes, 0..<bytes.count))
            #expect(NodeClaim(layout, in: bytes) == claim)
        }
    }

    @Test func whatTheFirstReleaseReadsOfALongListIsWhatTheClaimCarries() throws {
        var claim = try longestClaim()
        let accounts = (0..<200).compactMap { AccountID(number: UInt64($0)) }
        claim.description.accounts = accounts
        let bytes = claim.unsigned(domain: 11)
        claim.accountList = nil
        claim.description.accounts = Array(accounts.prefix(64))
        // The extension is all that is new, behind everything that the first release reads.
        #expect(bytes.dropLast(23) == claim.unsigned(domain: 11)[...])
    }

    @Test func listsOfAccountsAreReadBackAndNothingElseIsOne() throws {
        let accounts = [3, 70_000, 999_999_999_999].compactMap { AccountID(number: $0) }
        let bytes = AccountListName.encode(accounts)
        #expect(bytes.count == 15)
        #expect(AccountListName.decode(bytes, 0..<15) == accounts)
        for count in [1, 4, 6, 14] { #expect(AccountListName.decode(bytes, 0..<count) == nil) }
        let disorder = AccountListName.encode(accounts.reversed())
        #expect(AccountListName.decode(disorder, 0..<15) == nil)
        let repeated = AccountListName.encode([accounts[0], accounts[0]])
        #expect(AccountListName.decode(repeated, 0..<10) == nil)
        let beyond = [UInt8](repeating: 0xFF, count: 5)
        #expect(AccountListName.decode(beyond, 0..<5) == nil)
    }

    @Test func everyTruncationAndEveryChangedByteIsReadOrRefused() throws {
        let bytes = signed(try longestClaim())
        for count in 0..<bytes.count {
            let cut = Array(bytes[..<count])
            if let layout = NodeClaim.layout(cut, 0..<cut.count) { _ = NodeClaim(layout, in: cut) }
        }
        for position in bytes.indices {
            var changed = bytes
            changed[position] ^= 0xFF
            if let layout = NodeClaim.layout(changed, 0..<changed.count) { _ = NodeClaim(layout, in: changed) }
        }
    }

    @Test func accountsOutOfOrderAreRefused() throws {
        var claim = try longestClaim()
        claim.description.accounts = claim.description.accounts.reversed()
        let bytes = signed(claim)
        let layout = try #require(NodeClaim.layout(bytes, 0..<bytes.count))
        #expect(NodeClaim(layout, in: bytes) == nil)
    }

    @Test func statementsAreReadBack() throws {
        let key = NodeKey(Digest128(high: 1, low: 2))
        let certificate = CertificateFingerprint(Digest128(high: 3, low: 4))
        let suspicion = SuspicionStatement(
            domain: 1,
            subject: key,
            incarnation: 2,
            signer: certificate,
            isVerdict: true
        )
        #expect(suspicion.unsigned.count == SuspicionStatement.signedBytes)
        let signed = suspicion.unsigned + [1, 2, 3]
        #expect(SuspicionStatement(signed, 0..<signed.count) == suspicion)
        #expect(SuspicionStatement(suspicion.unsigned, 0..<SuspicionStatement.signedBytes) == nil, "not signed")
        let attachment = AttachmentStatement(
            domain: 1,
            leaf: key,
            certificate: CertificateFingerprint(Digest128(high: 5, low: 6)),
            signer: certificate,
            number: 9,
            isAttached: false
        )
        #expect(attachment.unsigned.count == AttachmentStatement.signedBytes)
        let word = attachment.unsigned + [1]
        #expect(AttachmentStatement(word, 0..<word.count) == attachment)
    }

    @Test func chainsArriveInAnyOrderOfTheirParts() {
        let chain = (0..<3000).map { UInt8(truncatingIfNeeded: $0) }
        var assembly = ChainAssembly()
        var whole: [UInt8]?
        for offset in [2200, 0, 0, 1100] {
            let part = chain[offset..<min(offset + 1100, chain.count)]
            whole = assembly.add(part, offset: offset, total: chain.count) ?? whole
        }
        #expect(whole == chain)
        #expect(assembly.add(chain[0..<100], offset: 0, total: 3000) == nil, "a part of the wrong length")
        #expect(assembly.add(chain[0..<1], offset: 9000, total: 9001) == nil, "longer than any chain")
    }

    @Test func claimsThatWaitAreBounded() {
        var waiting = WaitingClaims()
        for number in 0..<100 {
            let endpoint = NodeEndpoint(host: "10.0.0.1", port: 1)
            let node = NodeKey(Digest128(high: 1, low: UInt64(number)))
            let source = WaitingClaims.Sender(node: node, endpoint: endpoint)
            let fingerprint = CertificateFingerprint(Digest128(high: 0, low: UInt64(number)))
            for copy: UInt8 in 0..<5 { _ = waiting.add([copy], for: fingerprint, from: source, limit: 10) }
        }
        var asked = waiting.retry().count
        #expect(asked == 10)
        for _ in 0..<10 { asked = waiting.retry().count }
        #expect(asked == 0 && waiting.isEmpty, "given up after some attempts")
    }

    @Test func garbageIsNoSync() {
        var generator = SeededGenerator(seed: 4)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...200, using: &generator)
            var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            if count > 2 {
                bytes[0] = 1
                bytes[1] = UInt8.random(in: 0...5, using: &generator)
            }
            guard let message = SyncMessage(bytes) else { continue }
            _ = message.entries(.digest, in: bytes, limit: 100)
            _ = message.wanted(in: bytes, limit: 100)
        }
    }
}

@Suite struct CapacityTests {
    @Test func aNodeBeyondTheLimitIsRefusedWithAnAlarm() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumMembers = 4
        let cluster = TestCluster(6, seed: 71, configuration: configuration)
        cluster.start()
        cluster.run(.seconds(10))
        #expect(cluster.nodes.allSatisfy { $0.instance.members.count <= 4 })
        #expect(cluster.nodes[0].alarms.contains(.tooManyMembers(limit: 4)))
    }

    @Test func aDepartedNodesPlaceIsGivenToANewOne() throws {
        var configuration = MembershipConfiguration.lan
        configuration.maximumMembers = 4
        let cluster = TestCluster(4, seed: 72, configuration: configuration)
        cluster.start()
        try #require(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        cluster.nodes[2].isRunning = false
        cluster.run(.seconds(15))
        cluster.add(name: "n9")
        cluster.start(4)
        #expect(cluster.run(atMost: .seconds(10)) { cluster.isConverged } != nil)
        #expect(cluster.nodes.allSatisfy { $0.alarms.isEmpty })
    }
}
