import SansIO
import Testing
import Transport

@Suite struct SigningTests {
    private let clock = TestClock()
    private let root: TestAuthority

    init() throws {
        root = try TestAuthority(epoch: clock.now)
    }

    private func store(_ change: (inout TestAuthority.Request) -> Void = { _ in }) throws -> CertificateStore {
        try CertificateFolder.store(root.issue(change), authorities: [root], clock: clock).store
    }

    @Test func signaturesVerifyWithTheCertificateAndNothingElse() throws {
        for kind in [TestAuthority.KeyKind.p256, .ed25519] {
            let signer = try NodeSigner(store { $0.key = kind })
            let message: [UInt8] = Array("alive, incarnation 7".utf8)
            let signature = try signer.sign(message)
            #expect(signature.count <= 72)
            let certificate = try #require(signer.chain.first)
            #expect(certificate.verifies(signature, of: message))
            #expect(!certificate.verifies(signature, of: message + [0]))
            #expect(!certificate.verifies(signature, of: message.dropLast()))
            for index in [0, signature.count / 2, signature.count - 1] {
                var damaged = signature
                damaged[index] ^= 1
                #expect(!certificate.verifies(damaged, of: message))
            }
            #expect(!certificate.verifies([UInt8](), of: message))
            let other = try NodeSigner(store { $0.key = kind })
            #expect(other.chain.first?.verifies(signature, of: message) == false)
            #expect(try certificate.verifies(signer.sign([UInt8]()), of: [UInt8]()))
        }
    }

    @Test func otherKindsOfKeysDoNotSign() throws {
        let rsa = try store { $0.key = .rsa(bits: 2048) }
        #expect(throws: TLSError.self) { try NodeSigner(rsa) }
        #expect(rsa.ownChain.first?.verifies([1, 2, 3], of: [4]) == false)
        let folder = try CertificateFolder()
        try folder.write("ca.pem", root.certificate.pem)
        let files = CertificateFiles(
            certificateChainFile: nil,
            privateKeyFile: nil,
            authorityFiles: [folder.path("ca.pem")]
        )
        let none = try CertificateStore(files: files, clock: clock.read)
        #expect(throws: TLSError.self) { try NodeSigner(none) }
    }

    @Test func aRenewalThatKeepsTheKeyKeepsThePublicKey() throws {
        let first = try NodeSigner(store())
        let certificate = try #require(first.chain.first)
        let copy = try #require(X509Certificate(der: certificate.der))
        #expect(copy.publicKeyDER == certificate.publicKeyDER && !copy.publicKeyDER.isEmpty)
        #expect(try NodeSigner(store()).chain.first?.publicKeyDER != certificate.publicKeyDER)
        #expect(X509Certificate(der: certificate.der + [0]) == nil)
        #expect(X509Certificate(der: []) == nil && X509Certificate(der: [0x30, 0x80]) == nil)
    }

    @Test func aChainIsVerifiedWithOrWithoutItsPeriod() throws {
        let verifier = try ChainVerifier(store())
        let site = try root.subordinate("site")
        let issued = try site.issue {
            $0.validFrom = .seconds(-600)
            $0.validFor = .seconds(300)
        }
        #expect(throws: TLSError.self) {
            try verifier.verify(issued.parsedChain, usage: .client, now: clock.now)
        }
        let chain = try verifier.verify(issued.parsedChain, usage: .client, now: clock.now, ignoringValidity: true)
        #expect(chain.notAfter == clock.now + .seconds(-300))
        #expect(chain.notBefore == clock.now + .seconds(-600))
        #expect(chain.identity.uris == ["spiffe://example.com/cell/west/node/w1"])
        #expect(throws: TLSError.self) { try verifier.verify([], usage: .client, now: clock.now) }
        #expect(throws: TLSError.self) {
            try verifier.verify(Array(issued.parsedChain.prefix(1)), usage: .client, now: clock.now)
        }
        let many = Array(repeating: issued.parsedChain[0], count: 9)
        #expect(throws: TLSError.self) { try verifier.verify(many, usage: .client, now: clock.now) }
    }

    /// Test case 16 of the GCM specification (McGrew and Viega), with AES-256.
    @Test func sealingGivesThePublishedVector() throws {
        let key = try #require(
            AEADKey(
                [
                    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
                    0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
                ]
            )
        )
        let nonce: [UInt8] = [0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88]
        let associated: [UInt8] = [
            0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad,
            0xda, 0xd2,
        ]
        let text: [UInt8] = [
            0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7,
            0xa9, 0x53, 0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95,
            0x95, 0x68, 0x09, 0x53, 0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d,
            0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39,
        ]
        var message = text
        #expect(key.seal(&message, nonce: nonce, associated: associated))
        #expect(message.prefix(8) == [0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07])
        #expect(
            Array(message.suffix(16)) == [
                0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b,
            ]
        )
        #expect(key.open(&message, nonce: nonce, associated: associated))
        #expect(message == text)
    }

    @Test func nothingDamagedOpens() throws {
        let key = try #require(AEADKey([UInt8](repeating: 7, count: 32)))
        let nonce = [UInt8](repeating: 1, count: 12)
        for count in [0, 1, 15, 16, 17, 1400] {
            let text = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
            var sealed = text
            #expect(key.seal(&sealed, nonce: nonce, associated: [9]))
            #expect(sealed.count == count + AEADKey.tagBytes)
            for index in [0, sealed.count / 2, sealed.count - 1] {
                var damaged = sealed
                damaged[index] ^= 0x80
                #expect(!key.open(&damaged, nonce: nonce, associated: [9]) && damaged.isEmpty)
            }
            for (nonce, associated) in [([UInt8](repeating: 2, count: 12), [UInt8(9)]), (nonce, []), (nonce, [8])] {
                var copy = sealed
                #expect(!key.open(&copy, nonce: nonce, associated: associated))
            }
            var short = Array(sealed.dropLast())
            #expect(!key.open(&short, nonce: nonce, associated: [9]))
            #expect(key.open(&sealed, nonce: nonce, associated: [9]) && sealed == text)
        }
        var tiny: [UInt8] = [1, 2, 3]
        #expect(!key.open(&tiny, nonce: nonce))
        var other: [UInt8] = Array(repeating: 0, count: 20)
        #expect(!key.open(&other, nonce: [1]))
        #expect(AEADKey([1, 2, 3]) == nil)
    }
}
