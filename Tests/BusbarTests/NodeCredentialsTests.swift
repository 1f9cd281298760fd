import EventModel
import Membership
import Simulation
import Testing
import Transport

@testable import busbar

@Suite struct NodeCredentialsTests {
    private func credentials(
        _ directory: String = "",
        certificate: String = "node",
        domain: String = "busbar.local"
    ) throws -> NodeCredentials {
        let files = TestNodeFiles.shared
        let store = try CertificateStore(
            files: CertificateFiles(
                certificateChainFile: files.path("\(directory)\(certificate).pem"),
                privateKeyFile: files.path("\(directory)\(certificate).key"),
                authorityFiles: [files.path("\(directory)ca.pem")]
            )
        )
        let sealer = try #require(GossipSealer(try GossipKeyRing.load(files.path("gossip.keys"))))
        return try NodeCredentials(store: store, sealer: sealer, trustDomain: domain, clock: VirtualShard())
    }

    @Test func theOwnCertificateIsKnownAndTrusted() throws {
        let credentials = try credentials()
        let facts = try #require(credentials.ownFacts)
        #expect(facts.identity.uri == "spiffe://busbar.local/cell/dev/node/dev-1")
        #expect(facts.scope.isEverything)
        #expect(facts.standing == .trusted)
        #expect(facts.notBefore < facts.notAfter)
    }

    @Test func aCertificateOfAnotherTrustDomainIsRefused() {
        #expect(throws: NodeCredentials.Failure.self) { try credentials(domain: "example.com") }
    }

    @Test func anotherNodesChainIsLearntAndItsSignaturesVerify() throws {
        let one = try credentials()
        let other = try credentials(certificate: "narrow")
        let chain = try #require(other.chain(of: other.ownCertificate))
        #expect(one.certificate(other.ownCertificate) == nil)
        let facts = try #require(one.learn(chain[...]))
        #expect(facts == other.ownFacts)
        #expect(facts.scope.accounts.map(\.description) == ["999900001111"])
        let message: [UInt8] = [1, 2, 3]
        let signature = try #require(other.sign(message[...], as: other.ownCertificate))
        #expect(signature.count <= MembershipLimits.signatureBytes)
        #expect(one.verify(signature[...], of: message[...], by: other.ownCertificate))
        #expect(!one.verify(signature[...], of: [1, 2, 4], by: other.ownCertificate))
        #expect(!one.verify(signature[...], of: message[...], by: one.ownCertificate))
        #expect(one.sign(message[...], as: other.ownCertificate) == nil)
        one.forget(other.ownCertificate)
        #expect(one.certificate(other.ownCertificate) == nil)
        #expect(!one.verify(signature[...], of: message[...], by: other.ownCertificate))
    }

    @Test func aChainOfAnotherAuthorityIsNotLearnt() throws {
        let one = try credentials()
        let stranger = try credentials("other/")
        let chain = try #require(stranger.chain(of: stranger.ownCertificate))
        #expect(one.learn(chain[...]) == nil)
        #expect(one.certificate(stranger.ownCertificate) == nil)
    }

    @Test func bytesThatAreNoChainAreRefused() throws {
        let credentials = try credentials()
        let chain = try #require(credentials.chain(of: credentials.ownCertificate))
        #expect(ChainBytes.decode(chain[...])?.count == 1)
        for bytes in [[], [0], [0, 0], [0, 5, 1, 2], Array(chain.dropLast()), chain + [0]] {
            #expect(credentials.learn(bytes[...]) == nil)
        }
        #expect(ChainBytes.decode((chain + chain + chain + chain + chain + chain + chain + chain + chain)[...]) == nil)
    }

    @Test func digestsAreTheBeginningOfSHA256() throws {
        // SHA-256 of the empty message begins e3b0c44298fc1c14 9afbf4c8996fb924.
        #expect(try credentials().digest([]).description == "e3b0c44298fc1c149afbf4c8996fb924")
    }
}
