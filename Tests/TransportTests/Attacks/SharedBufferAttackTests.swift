import SansIO
import Testing
import Transport

/// Bodies that many connections of one client hold together.
@Suite(.serialized, .timeLimit(.minutes(10))) struct SharedBufferAttackTests {
    private static let part = [UInt8](repeating: 97, count: 700_000)

    private static func limits(_ configuration: inout HTTPServerConfiguration) {
        configuration.maximumBodyBytes = 1 << 20
        configuration.maximumClientBufferedBytes = 1 << 20
        configuration.http2.streamWindowBytes = 1 << 20
    }

    @Test func http1BodiesBeyondTheClientsShareAreRefused() async throws {
        let server = try await HTTPServer.forTest(loops: 1, Self.limits)
        try await server.use { server in
            let head = Array("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n".utf8)
            let first = try await RawClient.connect(to: server.port, sending: head + Self.part)
            let second = try await RawClient.connect(to: server.port, sending: head + Self.part)
            try await server.wait { $0[.sharedBufferedBytes] == 1 }
            // One of them, whichever went past the limit, is told; the other goes on.
            async let one = first.finish(with: 300_000)
            async let two = second.finish(with: 300_000)
            let answers = [await one, await two].sorted()
            #expect(answers == [200, 503])
            // What was answered is given back.
            let third = try await RawClient.connect(to: server.port, sending: head + Self.part)
            #expect(await third.finish(with: 300_000) == 200)
        }
    }

    @Test func http2BodiesBeyondTheClientsShareAreRefused() async throws {
        let server = try await HTTPServer.forTest(loops: 1, Self.limits)
        try await server.use { server in
            let parts = stride(from: 0, to: 700_000, by: 10_000).flatMap { _ in
                Make.data(1, [UInt8](repeating: 1, count: 10_000), end: false)
            }
            let first = try await ConformanceClient.connect(to: server.port)
            await first.send(Make.headers(1, Make.postBlock, end: false) + parts)
            try await Eventually.holds { try await server.load().bufferedBytes == 700_000 }
            let second = try await ConformanceClient.connect(to: server.port)
            await second.send(Make.headers(1, Make.postBlock, end: false) + parts)
            await second.wait { $0.resetCode(1) != nil }
            #expect(second.resetCode(1) == ErrorCode.refusedStream)
            // The first connection's end gives its part back.
            await first.close()
            try await server.wait { $0.connectionsOpen == 1 }
            await second.send(Make.headers(3, Make.postBlock))
            await second.wait { $0.hasEnded(3) }
            #expect(second.isAnswered(3))
            await second.close()
        }
    }

    @Test(arguments: [true, false]) func bodiesOfStreamsThatAreGoneCountUntilTheirHandlersAnswer(
        closing: Bool
    ) async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(loops: 1, Self.limits, handler: held.hold)
        try await server.use { server in
            let parts = (0..<60).flatMap { Make.data(1, [UInt8](repeating: 1, count: 10_000), end: $0 == 59) }
            let client = try await ConformanceClient.connect(to: server.port)
            await client.send(Make.headers(1, Make.postBlock, end: false) + parts)
            try await held.wait(count: 1)
            if closing { await client.close() } else { await client.send(Make.reset(1)) }
            try await held.waitForCancellation()
            if closing { try await server.wait { $0.connectionsOpen == 0 } }
            #expect(try await server.load().bufferedBytes == 600_000)
            // Another connection does not get the client a new share.
            let second = try await ConformanceClient.connect(to: server.port)
            await second.send(Make.headers(1, Make.postBlock, end: false) + parts)
            await second.wait { $0.resetCode(1) != nil }
            #expect(second.resetCode(1) == ErrorCode.refusedStream)
            #expect(server.counters[.sharedBufferedBytes] == 1)
            try await held.answer(held.targets[0])
            #expect(try await server.load().bufferedBytes == 0)
            await second.close()
            if !closing { await client.close() }
        }
    }
}

extension RawClient {
    /// Sends the rest of a body and gives the status of the answer.
    fileprivate func finish(with count: Int) async -> Int {
        try? await send([UInt8](repeating: 97, count: count))
        let status = await receiveResponse().status
        await close()
        return status
    }
}
