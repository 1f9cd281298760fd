import SansIO
import Testing

@testable import SigV4

@Suite struct SigningKeyCacheTests {
    /// Counts the derivations, which are the only HMACs that take a key beginning with `AWS4`.
    private final class CountingDigest: SigV4Digest {
        var derivations = 0

        func sha256(_ message: UnsafeRawBufferPointer, into result: UnsafeMutableRawBufferPointer) {
            PureDigest().sha256(message, into: result)
        }

        func hmacSHA256(
            key: UnsafeRawBufferPointer,
            message: UnsafeRawBufferPointer,
            into result: UnsafeMutableRawBufferPointer
        ) {
            if key.starts(with: "AWS4".utf8) { derivations += 1 }
            PureDigest().hmacSHA256(key: key, message: message, into: result)
        }
    }

    private func verdict(
        _ request: HTTPRequest,
        _ cache: inout SigningKeyCache,
        _ digest: CountingDigest,
        secret: String = Samples.secret
    ) throws -> SigV4Verdict {
        SigV4Verifier().verify(
            try SigV4Request.parse(request).get(),
            credential: SigV4Credential(secret: secret),
            now: Samples.time,
            expectedService: nil,
            digest: digest,
            keyCache: &cache
        )
    }

    @Test func derivesOncePerScope() throws {
        var cache = SigningKeyCache()
        let digest = CountingDigest()
        for _ in 0..<3 {
            #expect(try verdict(Samples.signed(), &cache, digest) == .verified)
        }
        #expect(digest.derivations == 1)
        #expect(try verdict(Samples.signed(with: Samples.signer(region: "us-east-1")), &cache, digest) == .verified)
        #expect(try verdict(Samples.signed(with: Samples.signer("sqs")), &cache, digest) == .verified)
        #expect(digest.derivations == 3)
        #expect(cache.count == 3)
        cache.removeAll()
        #expect(cache.count == 0)
    }

    @Test func refusedRequestsLeaveNoTrace() throws {
        var cache = SigningKeyCache()
        var request = Samples.signed()
        request.method = "GET"
        #expect(try verdict(request, &cache, CountingDigest()) == .refused(.wrongSignature))
        #expect(cache.count == 0)
    }

    @Test func changedSecretTakesEffectAtOnce() throws {
        var cache = SigningKeyCache()
        let digest = CountingDigest()
        let request = Samples.signed()
        #expect(try verdict(request, &cache, digest) == .verified)
        #expect(try verdict(request, &cache, digest, secret: "new") == .refused(.wrongSignature))
        let signer = SigV4Signer(
            accessKeyID: Samples.keyID,
            secret: "new",
            region: "eu-west-1",
            service: "events"
        )
        let renewed = Samples.signed(with: signer)
        #expect(try verdict(renewed, &cache, digest, secret: "new") == .verified)
        #expect(try verdict(renewed, &cache, digest, secret: "new") == .verified)
        #expect(digest.derivations == 3)
        #expect(cache.count == 1)
    }

    @Test func isBoundedAndKeepsWhatIsUsed() throws {
        var cache = SigningKeyCache(capacity: 8)
        let digest = CountingDigest()
        let used = Samples.signed()
        for number in 0..<40 {
            let other = Samples.signed(with: Samples.signer(region: "region-\(number)"))
            #expect(try verdict(other, &cache, digest) == .verified)
            #expect(try verdict(used, &cache, digest) == .verified)
            #expect(cache.count <= 8)
        }
        #expect(digest.derivations == 41)
    }
}
