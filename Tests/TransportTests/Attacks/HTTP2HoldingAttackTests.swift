import SansIO
import Testing
import Transport

/// HTTP/2 clients that make a server hold things for them (RFC 9113 §10.5).
@Suite(.serialized, .timeLimit(.minutes(10))) struct HTTP2HoldingAttackTests {
    private static let answer = HTTPResponse(status: 200, body: [UInt8](repeating: 1, count: 100_000))

    private static func respond(_ request: HTTPRequest, _ reply: any HTTPReply) {
        reply.send(answer)
    }

    @Test func aZeroWindowHoldsABoundedNumberOfBytes() async throws {
        try await Attack.run { configuration in
            configuration.http2.maximumUnsentBytes = 1 << 20
        } handler: {
            Self.respond($0, $1)
        } _: { attack in
            let client = try await attack.connect(settings: Make.settings((4, 0)))
            // Each request by itself, so that answers wait before the next one comes.
            for number in 0..<100 {
                await client.send(Make.headers(UInt32(1 + 2 * number)))
                if number % 5 == 4 { await client.settle() }
            }
            let unsent = try await attack.server.load().unsentBytes
            #expect(unsent <= 1 << 20 + 6 * 100_000)
            #expect(attack.server.counters[.unsentBytes] > 0)
            #expect(client.goAwayCode == nil)
            await client.close()
        }
    }

    @Test func aZeroWindowHoldsAnAnswerForABoundedTime() async throws {
        try await Attack.run { configuration in
            configuration.writeTimeout = .milliseconds(300)
        } handler: {
            Self.respond($0, $1)
        } _: { attack in
            let client = try await attack.connect(settings: Make.settings((4, 0)))
            await client.send(Make.headers(1))
            // PING frames keep nothing open.
            for number in 0..<40 {
                await client.send(Make.ping(UInt8(number)))
                await client.wait { $0.hasPong(UInt8(number)) }
            }
            try await Eventually.holds { try await attack.server.load().unsentBytes == 0 }
            #expect(attack.server.counters[.writeTime] >= 1)
            await client.wait { $0.resetCode(1) != nil }
            #expect(client.resetCode(1) == ErrorCode.cancel)
            #expect(client.goAwayCode == nil)
            await client.close()
        }
    }

    @Test func oneStalledStreamAmongGoodOnesIsReset() async throws {
        try await Attack.run { configuration in
            configuration.writeTimeout = .milliseconds(300)
        } handler: {
            Self.respond($0, $1)
        } _: { attack in
            let client = try await attack.connect(settings: Make.settings((4, 10)))
            await client.send(Make.windowUpdate(0, 1 << 20) + Make.headers(1))
            var stream: UInt32 = 3
            while client.resetCode(1) == nil, !client.hasEnded {
                let window = Make.windowUpdate(0, 200_000) + Make.headers(stream) + Make.windowUpdate(stream, 200_000)
                await client.send(window)
                await client.wait { $0.hasEnded(stream) || $0.resetCode(1) != nil }
                stream += 2
            }
            #expect(client.resetCode(1) == ErrorCode.cancel)
            #expect(client.goAwayCode == nil)
            await client.close()
        }
    }

    @Test func aReaderThatTakesNothingIsDropped() async throws {
        try await Attack.run(overTLS: false) { configuration in
            configuration.writeTimeout = .milliseconds(300)
            configuration.outputHighWaterBytes = 64 << 10
        } handler: {
            Self.respond($0, $1)
        } _: { attack in
            let requests = (0..<250).flatMap { Make.headers(UInt32(1 + 2 * $0)) }
            let window = Make.settings((4, 0x7FFF_FFFF)) + Make.windowUpdate(0, 0x7FFF_0000)
            let client = try await RawClient.connect(
                to: attack.server.port,
                sending: Make.magic + window + requests,
                reads: false
            )
            var most = HTTPServerLoad()
            try await Eventually.holds {
                let load = try await attack.server.load()
                most.outputBytes = max(most.outputBytes, load.outputBytes)
                most.unsentBytes = max(most.unsentBytes, load.unsentBytes)
                return attack.server.counters[.writeTime] >= 1
            }
            #expect(most.outputBytes < 1 << 20)
            #expect(most.unsentBytes <= 25_000_000)
            await client.close()
        }
    }

    @Test func bodiesThatNeverEndHoldABoundedNumberOfBytes() async throws {
        try await Attack.run { configuration in
            configuration.maximumBodyBytes = 1 << 20
            configuration.http2.maximumBodyBytes = 1 << 20
            configuration.http2.maximumBufferedBytes = 2 << 20
        } _: { attack in
            let client = try await attack.connect()
            let part = [UInt8](repeating: 1, count: 16_000)
            for number in 0..<100 {
                let stream = UInt32(1 + 2 * number)
                let parts = (0..<4).flatMap { _ in Make.data(stream, part, end: false) }
                guard await client.sent(Make.headers(stream, Make.postBlock, end: false) + parts) else { break }
            }
            await client.settle()
            #expect(try await attack.server.load().bufferedBytes <= 2 << 20)
            #expect(attack.server.counters[.bufferedBytes] > 0)
            await client.close()
        }
    }

    @Test func bodiesThatNeverEndAreHeldForABoundedTime() async throws {
        try await Attack.run {
            $0.bodyTimeout = .milliseconds(300)
        } _: { attack in
            let client = try await attack.connect()
            let part = [UInt8](repeating: 1, count: 16_000)
            for number in 0..<20 {
                let stream = UInt32(1 + 2 * number)
                let bytes = Make.headers(stream, Make.postBlock, end: false) + Make.data(stream, part, end: false)
                await client.send(bytes)
            }
            for number in 0..<20 { await client.wait { $0.resetCode(UInt32(1 + 2 * number)) == ErrorCode.cancel } }
            try await Eventually.holds { try await attack.server.load().bufferedBytes == 0 }
            #expect(attack.server.counters[.bodyTime] == 20)
            #expect(client.goAwayCode == nil)
            await client.close()
        }
    }

    @Test func aHeaderBlockOfTrailersThatNeverEndsIsEnded() async throws {
        try await Attack.run {
            $0.headerTimeout = .milliseconds(200)
        } _: { attack in
            let client = try await attack.connect()
            await client.send(Make.headers(1, Make.postBlock, end: false) + Make.openHeaders(1, [], end: true))
            await client.wait { _ in false }
            #expect(client.goAwayCode == ErrorCode.enhanceYourCalm)
            #expect(attack.server.counters[.headerTime] == 1)
        }
    }

    @Test func neverTakingMoreThanTheLimitOfStreamsIsEnded() async throws {
        let held = HeldReplies()
        try await Attack.run(handler: held.hold) { attack in
            let client = try await attack.connect()
            let result = await attack.flood(client, limit: 5000) { Make.headers(UInt32(1 + 2 * $0)) }
            #expect(result.code != nil)
            #expect(held.targets.count <= 257)
        }
    }
}
