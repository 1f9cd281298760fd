import SansIO
import SigV4
import Testing

/// Random damage never traps and never turns into an acceptance.
@Suite struct SigV4FuzzTests {
    private static let alphabet: [UInt8] = Array("%/.?&=;, \t\r\n+-_~:*'\"aAzZ09".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]

    private func damaged(_ text: String, _ generator: inout SeededGenerator) -> String {
        var bytes = Array(text.utf8)
        for _ in 0..<Int.random(in: 1...4, using: &generator) {
            let at = Int.random(in: 0...bytes.count, using: &generator)
            let byte = Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &generator)]
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes.insert(byte, at: at)
            case 1 where at < bytes.count: bytes.remove(at: at)
            case 2 where at < bytes.count: bytes[at] = byte
            case 3: bytes.removeSubrange(at...)
            default: bytes.insert(contentsOf: bytes[at...].prefix(20), at: at)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func sample(_ generator: inout SeededGenerator) -> HTTPRequest {
        if Bool.random(using: &generator) {
            return Samples.signed { $0.target = "/a/%3A../b?x=1&y=%20" }
        }
        var request = Samples.request("GET", "/?Action=GetCallerIdentity&Version=2011-06-15", [Samples.host])
        var signer = Samples.signer("events", temporary: Bool.random(using: &generator))
        signer.presign(&request, at: Samples.time, expires: .seconds(60), digest: PureDigest())
        return request
    }

    @Test func damagedRequests() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("damagedRequests seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        var verifier = SigV4Verifier(requiresSignedAMZHeaders: true)
        var reasons = 0
        for _ in 0..<1000 {
            var request = sample(&generator)
            for _ in 0..<Int.random(in: 1...2, using: &generator) {
                let index = Int.random(in: 0...request.headers.count, using: &generator)
                if index < request.headers.count {
                    request.headers[index].value = damaged(request.headers[index].value, &generator)
                } else {
                    request.target = damaged(request.target, &generator)
                }
            }
            verifier.validRegions = Bool.random(using: &generator) ? ["eu-west-1"] : nil
            let now = Timestamp(milliseconds: Samples.time.milliseconds)
            if case .refused(let failure) = Samples.verdict(request, now: now, verifier: verifier) {
                reasons += 1
                #expect(!failure.message(for: .json).isEmpty)
                #expect(!failure.message(for: .query).isEmpty)
            }
        }
        #expect(reasons > 500)
    }

    @Test func noise() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("noise seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        func text(_ limit: Int) -> String {
            let count = Int.random(in: 0...limit, using: &generator)
            let bytes = (0..<count).map { _ in
                Self.alphabet[Int.random(in: 0..<Self.alphabet.count, using: &generator)]
            }
            return String(decoding: bytes, as: UTF8.self)
        }
        let starts = ["", "AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e,SignedHeaders=host,Signature="]
        for round in 0..<1000 {
            let request = Samples.request(
                text(3),
                "/" + text(30) + "?X-Amz-Signature=" + text(30),
                [
                    HTTPField("authorization", starts[round % 3] + text(60)), HTTPField("x-amz-date", text(17)),
                    HTTPField(text(5), text(5)),
                ]
            )
            #expect(Samples.verdict(request) != .verified)
            var bare = request
            bare.headers = []
            #expect(Samples.verdict(bare) != .verified)
        }
    }

    @Test func extremeTimes() {
        let request = Samples.signed()
        for milliseconds in [Int64.min, .min + 1, -1, 0, .max - 1, .max] {
            let now = Timestamp(milliseconds: milliseconds)
            for tolerance in [Duration.zero, .seconds(300), .seconds(Int64.max)] {
                let verdict = Samples.verdict(request, now: now, verifier: SigV4Verifier(clockTolerance: tolerance))
                if case .refused(let failure) = verdict {
                    #expect(!failure.message(for: .json).isEmpty)
                }
            }
        }
    }

    /// Whatever the signer signs, the verifier accepts.
    @Test func signedRequestsVerify() {
        let seed: UInt64 = .random(in: 0 ... .max)
        print("signedRequestsVerify seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            let request = Samples.signed { request in
                request.target = "/" + damaged("a/b%20c?x=1&y=2", &generator)
                request.body = (0..<Int.random(in: 0...200, using: &generator)).map { UInt8($0) }
                request.headers.append(HTTPField("x-test", damaged("a  b", &generator)))
            }
            #expect(Samples.verdict(request) == .verified, "target \(request.target)")
        }
    }
}
