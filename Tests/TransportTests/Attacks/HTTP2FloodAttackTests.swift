import SansIO
import Testing
import Transport

/// Floods of HTTP/2 frames (RFC 9113 §10.5): each ends its connection after bounded work while another client is served.
@Suite(.serialized, .timeLimit(.minutes(10))) struct HTTP2FloodAttackTests {
    private func expectCalm(
        _ limit: HTTPLimit,
        settings: [UInt8] = Make.settings(),
        first: [UInt8] = [],
        handled: UInt64 = 0,
        _ frames: @escaping (Int) -> [UInt8]
    ) async throws {
        let held = HeldReplies()
        try await Attack.run(handler: held.hold) { attack in
            let client = try await attack.connect(settings: settings)
            await client.send(first)
            let result = await attack.flood(client, frames)
            #expect(result.code == ErrorCode.enhanceYourCalm, "\(client.summary.suffix(500))")
            // The server did not go on reading: the client could send no more than the socket's buffers hold.
            #expect(result.rounds < 200_000)
            #expect(attack.server.counters[limit] == 1)
            #expect(held.targets.count <= handled)
            let load = try await attack.server.load()
            #expect(load.streams <= 300)
            #expect(load.bufferedBytes == 0)
        }
    }

    @Test func rapidResetIsEnded() async throws {
        // CVE-2023-44487: each stream is cancelled as soon as it is opened.
        try await expectCalm(.resetsReceived, handled: 600) { round in
            let stream = UInt32(1 + 2 * round)
            return Make.headers(stream) + Make.reset(stream)
        }
    }

    @Test func madeYouResetIsEnded() async throws {
        // CVE-2025-8671: the server is made to cancel each stream, here by a window that overflows.
        try await expectCalm(.resetsSent, handled: 600) { round in
            let stream = UInt32(1 + 2 * round)
            return Make.headers(stream) + Make.windowUpdate(stream, 0x7FFF_FFFF)
        }
    }

    @Test func continuationsOfManyBlocksAreEnded() async throws {
        try await expectCalm(.continuationFrames, handled: 600) { round in
            let stream = UInt32(1 + 2 * round)
            return Make.openHeaders(stream) + Make.continuation(stream, [], end: false) + Make.continuation(stream, [])
        }
    }

    @Test func aBlockOfEndlessContinuationsIsEnded() async throws {
        // CVE-2024-28182: nghttp2 counts the frames of one block by itself.
        try await Attack.run { attack in
            let client = try await attack.connect()
            await client.send(Make.openHeaders(1))
            let result = await attack.flood(client) { _ in Make.continuation(1, TestFrame.literal("x", "y"), end: false)
            }
            #expect(result.code == ErrorCode.enhanceYourCalm)
            #expect(result.rounds < 200_000)
            #expect(attack.server.counters[.continuationFrames] == 1)
        }
    }

    @Test func pingFloodIsEnded() async throws {
        try await expectCalm(.pings) { _ in Make.ping() }
    }

    @Test func settingsFloodIsEnded() async throws {
        try await expectCalm(.settingsFrames) { round in Make.settings((4, UInt32(65_535 + round % 2))) }
    }

    @Test func emptyDataFloodIsEnded() async throws {
        try await expectCalm(.emptyFrames, first: Make.headers(1, Make.postBlock, end: false)) { _ in
            Make.data(1, [], end: false)
        }
    }

    @Test func priorityFloodIsEnded() async throws {
        try await expectCalm(.otherFrames) { round in Make.priority(UInt32(1 + 2 * (round % 500))) }
    }

    @Test func floodOfUnknownFramesIsEnded() async throws {
        try await expectCalm(.otherFrames) { _ in TestFrame.make(0xEE, 0, 0, []) }
    }

    @Test func dataForAResetStreamIsEnded() async throws {
        // `te: gzip` is malformed (RFC 9113 §8.2.2), so that the server resets the stream.
        let first = Make.headers(1, Make.post(("te", "gzip")), end: false)
        try await expectCalm(.lateDataFrames, first: first) { _ in Make.data(1, [1, 2, 3], end: false) }
    }

    @Test func openingAWindowByteByByteIsEnded() async throws {
        try await Attack.run(handler: { $1.send(HTTPResponse(status: 200, body: [UInt8](repeating: 0, count: 50_000))) }
        ) {
            attack in
            let client = try await attack.connect(settings: Make.settings((4, 0)))
            await client.send(Make.headers(1))
            let result = await attack.flood(client) { _ in Make.windowUpdate(1, 1) }
            #expect(result.code == ErrorCode.enhanceYourCalm)
            #expect(result.rounds < 200_000)
            #expect(attack.server.counters[.windowUpdates] == 1)
        }
    }

    @Test func compressionBombsAreEnded() async throws {
        // One entry of 4 KB in the table, then references to it: 100 octets stand for 400 KB.
        let entry = [0x40, 1, UInt8(ascii: "x"), 0x7F, 0x80 + 0x21, 0x1E] + [UInt8](repeating: 97, count: 4000)
        try await Attack.run { attack in
            let client = try await attack.connect()
            let result = await attack.flood(client) { round in
                let block = Make.getBlock + (round == 0 ? entry : []) + [UInt8](repeating: 0xBE, count: 1000)
                return Make.headers(UInt32(1 + 2 * round), block)
            }
            #expect(result.code == ErrorCode.enhanceYourCalm)
            #expect(result.rounds < 200_000)
            #expect(attack.server.counters[.header] > 0)
            #expect(attack.server.counters[.resetsSent] == 1)
            let load = try await attack.server.load()
            #expect(load.bufferedBytes == 0)
        }
    }
}
