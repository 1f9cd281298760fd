import SansIO
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct HTTPServerTests {
    @Test func shutdownFinishesWhatIsBeingHandledOverHTTP1() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(handler: held.hold)
        let idle = try await RawClient.connect(to: server.port)
        let busy = try await RawClient.connect(to: server.port)
        try await busy.send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
        try await held.wait(count: 1)
        try await server.wait { $0.connectionsOpen == 2 }
        async let stopped: Void = server.shutdown(within: TestTime.ample)
        #expect(await idle.receiveToEnd() == "")
        try await held.answer("/busy")
        let text = await busy.receiveToEnd()
        #expect(text.hasPrefix("HTTP/1.1 200 "))
        #expect(text.contains("connection: close\r\n"))
        await stopped
        #expect(server.counters.connectionsOpen == 0)
        await #expect(throws: (any Error).self) { _ = try await RawClient.connect(to: server.port) }
    }

    @Test func shutdownFinishesWhatIsBeingHandledOverHTTP2() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(handler: held.hold)
        let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
        let stream = try await client.start(SessionPair.request("GET", "/busy"))
        try await held.wait(count: 1)
        async let stopped: Void = server.shutdown(within: TestTime.ample)
        let code: UInt32? = try await client.wait { event in
            if case .goingAway(_, let code) = event { return code }
            return nil
        }
        #expect(code == 0)
        try await held.answer("/busy")
        #expect(try await client.response(stream)?.status == 200)
        while try await client.step() {}
        await stopped
        #expect(server.counters.connectionsOpen == 0)
    }

    @Test func shutdownEndsWhatTakesTooLong() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(handler: held.hold)
        let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
        _ = try await client.start(SessionPair.request("GET", "/never"))
        try await held.wait(count: 1)
        await server.shutdown(within: .milliseconds(20))
        #expect(held.cancelled == ["/never"])
        #expect(server.counters.connectionsOpen == 0)
        try await held.answer("/never")
        await client.raw.close()
    }

    @Test func repliesOfOneConnectionMayComeInAnyOrderOverHTTP2() async throws {
        let held = HeldReplies()
        try await HTTPServer.forTest(handler: held.hold).use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
            let one = try await client.start(SessionPair.request("GET", "/1"))
            let two = try await client.start(SessionPair.request("GET", "/2"))
            try await held.wait(count: 2)
            try await held.answer("/2")
            #expect(try await client.response(two)?.body == Array("/2".utf8))
            try await held.answer("/1")
            #expect(try await client.response(one)?.body == Array("/1".utf8))
            await client.raw.close()
        }
    }

    @Test func aResetOverHTTP2CancelsItsReply() async throws {
        let held = HeldReplies()
        try await HTTPServer.forTest(handler: held.hold).use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
            let stream = try #require(try await client.start(SessionPair.request("GET", "/r")))
            try await held.wait(count: 1)
            client.session.reset(stream: stream, code: 8)
            try await client.flush()
            try await held.waitForCancellation()
            #expect(held.cancelled == ["/r"])
            try await held.answer("/r")
            let next = try await client.start(SessionPair.request("GET", "/s"))
            try await held.wait(count: 2)
            try await held.answer("/s")
            #expect(try await client.response(next)?.status == 200)
            await client.raw.close()
        }
    }

    @Test func aConnectionBeyondTheLimitIsClosedWhileAllOthersAreBusy() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest(loops: 1, { $0.maximumConnections = 1 }, handler: held.hold)
        try await server.use { server in
            let first = try await RawClient.connect(to: server.port)
            try await first.send("GET /busy HTTP/1.1\r\nHost: h\r\n\r\n")
            try await held.wait(count: 1)
            let second = try await RawClient.connect(to: server.port)
            #expect(await second.receiveToEnd() == "")
            #expect(server.counters.connectionsRefused == 1)
            try await held.answer("/busy")
            #expect(await first.receiveResponse().body == "/busy")
            await first.close()
            try await server.wait { $0.connectionsOpen == 0 }
        }
    }

    @Test func aConnectionBeyondTheLimitTakesThePlaceOfTheOneIdleForLongest() async throws {
        try await HTTPServer.forTest(loops: 1) { $0.maximumConnections = 2 }.use { server in
            let first = try await RawClient.connect(to: server.port)
            try await server.wait { $0.connectionsOpen == 1 }
            let second = try await RawClient.connect(to: server.port)
            try await server.wait { $0.connectionsOpen == 2 }
            let third = try await RawClient.connect(to: server.port)
            #expect(await first.receiveToEnd() == "")
            for client in [second, third] {
                try await client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                #expect(await client.receiveResponse().status == 200)
                await client.close()
            }
            #expect(server.counters[.connections] == 1)
            #expect(server.counters.connectionsRefused == 0)
        }
    }

    @Test func tooManyRequestsInFlightStopTheReading() async throws {
        let held = HeldReplies()
        let server = try await HTTPServer.forTest {
            $0.maximumRequestsInFlight = 2
        } handler: { request, reply in
            held.hold(request, reply)
        }
        try await server.use { server in
            let client = try await HTTP2TestClient.connect(to: server.port, tls: nil)
            _ = try await client.start(SessionPair.request("GET", "/1"))
            _ = try await client.start(SessionPair.request("GET", "/2"))
            try await held.wait(count: 2)
            try await server.wait { $0[.requestsInFlight] >= 1 }
            let three = try await client.start(SessionPair.request("GET", "/3"))
            try await held.answer("/1")
            try await held.wait(count: 3)
            try await held.answer("/2")
            try await held.answer("/3")
            #expect(try await client.response(three)?.status == 200)
            await client.raw.close()
        }
    }

    @Test func aBadConfigurationIsRefusedWithAllItsProblems() async throws {
        await #expect(throws: HTTPServer.InvalidConfiguration.self) {
            _ = try await HTTPServer.forTest {
                $0.maximumConnections = 0
                $0.idleTimeout = .zero
            }
        }
        var configuration = HTTPServerConfiguration()
        #expect(configuration.validate() == [])
        configuration.maximumConnections = 0
        configuration.idleTimeout = .zero
        configuration.http2.pings = 0
        #expect(configuration.validate().count == 3)
    }
}
