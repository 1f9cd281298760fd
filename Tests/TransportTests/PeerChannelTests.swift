import NIOCore
import NIOPosix
import SansIO
import Synchronization
import Testing
import Transport

@Suite(.timeLimit(.minutes(10))) struct PeerChannelTests {
    private func withChannels(
        _ adjust: (inout PeerLinkSettings) -> Void = { _ in },
        limits: PeerChannelLimits = PeerChannelLimits(),
        acceptorListens: Bool = true,
        _ body: (TestLinks, PeerAddress, TestAcceptor.Accepted, HTTPServer) async throws -> Void
    ) async throws {
        let certificates = try TestCertificates.shared.get()
        let accepted = TestAcceptor.Accepted()
        let links = try await TestLinks.make(certificates.peer(), adjust)
        let server = try await HTTPServer.start(
            group: MultiThreadedEventLoopGroup.singleton,
            host: "127.0.0.1",
            port: 0,
            tls: certificates.peerListener(),
            configuration: .patient
        ) { loop in
            PeerChannelHandler(
                paths: ["/up", "/no"],
                acceptor: TestAcceptor(accepted, loop, listens: acceptorListens),
                limits: limits,
                otherwise: TestHandler(TestHandler.echo),
                clock: EventLoopClock(eventLoop: loop)
            )
        }
        try await server.use { server in
            try await body(links, TestLinks.address(server.port), accepted, server)
            try await links.close()
        }
    }

    @Test func messagesGoBothWaysWholeAndInOrder() async throws {
        try await withChannels { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            #expect(try await mine.run { $0.identity.uris } == [TestLinks.nodeURI])
            #expect(try await theirs.run { $0.identity.uris } == [TestLinks.nodeURI])
            let seed = UInt64.random(in: 0...UInt64.max)
            print("seed \(seed)")
            var random = SeededGenerator(seed: seed)
            var messages: [[UInt8]] = [[], [1]]
            for _ in 0..<40 {
                let count = Int.random(in: 0...60_000, using: &random)
                messages.append((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
            }
            for message in messages {
                try await mine.send(message)
                try await theirs.send(message)
            }
            try await mine.waitForMessages(messages.count)
            try await theirs.waitForMessages(messages.count)
            #expect(mine.heard.messages == messages, "seed \(seed)")
            #expect(theirs.heard.messages == messages, "seed \(seed)")
        }
    }

    @Test func theLongestMessagePassesAndALongerOneCloses() async throws {
        var limits = PeerChannelLimits()
        limits.maximumMessageBytes = 3 << 20
        try await withChannels(limits: limits) { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            let longest = [UInt8](repeating: 5, count: 3 << 20)
            try await mine.send(longest)
            try await theirs.waitForMessages(1)
            #expect(theirs.heard.messages == [longest])
            // This side's own limit is 4 MB, so it is the other that refuses.
            try await mine.send(longest + [1])
            let error = try await theirs.waitForClose()
            #expect(error?.message == "a message of 3145729 bytes is longer than 3145728")
            #expect(try await mine.waitForClose()?.message == "the channel was reset with code 11")
            // The connection goes on.
            #expect(try await links.exchange(with: peer).get().status == 200)
            let second = try await links.openChannel("/up", with: peer)
            try await second.send([UInt8](repeating: 0, count: 4 << 20 + 1))
            #expect(try await second.waitForClose()?.code == .overloaded)
        }
    }

    @Test func aSenderThatIsNotReadSeesItAndIsDrainedLater() async throws {
        try await withChannels(acceptorListens: false) { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            let message = [UInt8](repeating: 1, count: 1 << 20)
            for _ in 0..<5 { try await mine.send(message) }
            // Its window of 1 MB and what fits before anybody listens went; the rest waits here.
            let waiting = try await mine.run { $0.unsentBytes }
            #expect(waiting > 2 << 20)
            #expect(theirs.heard.messages.isEmpty)
            let drains = mine.heard.drains
            try await theirs.listen()
            try await theirs.waitForMessages(5)
            #expect(theirs.heard.messages == [[UInt8]](repeating: message, count: 5))
            try await Eventually.holds { mine.heard.drains > drains }
            #expect(try await mine.run { $0.unsentBytes } == 0)
        }
    }

    @Test func tooMuchUnsentClosesTheChannel() async throws {
        try await withChannels({ $0.channel.maximumUnsentBytes = 2 << 20 }, acceptorListens: false) {
            links,
            peer,
            accepted,
            _ in
            let mine = try await links.openChannel("/up", with: peer)
            _ = try await accepted.wait()
            for _ in 0..<8 { try await mine.send([UInt8](repeating: 1, count: 1 << 20)) }
            let error = try await mine.waitForClose()
            #expect(error?.code == .overloaded)
            #expect(error?.message.contains("bytes wait to be sent already") == true)
        }
    }

    @Test func closingSendsWhatIsQueuedAndClosesBothEnds() async throws {
        try await withChannels { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            let last = [UInt8](repeating: 3, count: 2 << 20)
            try await mine.run { channel in
                channel.send(last)
                channel.close()
                channel.send([4])
            }
            #expect(try await theirs.waitForClose() == nil)
            #expect(try await mine.waitForClose() == nil)
            #expect(theirs.heard.messages == [last])
            #expect(try await mine.run { $0.unsentBytes } == 0)
        }
    }

    @Test func theAcceptingSideMayCloseToo() async throws {
        try await withChannels { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            try await theirs.run { channel in
                channel.send([1])
                channel.close()
            }
            #expect(try await mine.waitForClose() == nil)
            #expect(mine.heard.messages == [[1]])
            #expect(try await theirs.waitForClose() == nil)
        }
    }

    @Test func aListenerSetAfterTheCloseHearsOfIt() async throws {
        try await withChannels { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer, listens: false)
            let theirs = try await accepted.wait()
            try await theirs.run { channel in
                channel.send([1])
                channel.close()
            }
            #expect(try await mine.waitForClose() == nil)
            // What came before is still handed over.
            try await mine.listen()
            try await mine.waitForMessages(1)
            #expect(mine.heard.messages == [[1]])
            try await mine.run { channel in channel.onClose = { _ in channel.onMessage?([9]) } }
            try await mine.waitForMessages(2)
        }
    }

    @Test func aLinkThatBreaksClosesItsChannels() async throws {
        try await withChannels { links, peer, accepted, server in
            let relay = try await TestRelay.start(to: server.port)
            let mine = try await links.openChannel("/up", with: TestLinks.address(relay.port))
            let theirs = try await accepted.wait()
            try await relay.cut()
            #expect(try await theirs.waitForClose()?.code == .broken)
            #expect(try await mine.waitForClose()?.code == .broken)
            // The link is made again when it is needed.
            let second = try await links.openChannel("/up", with: TestLinks.address(relay.port))
            try await second.send([1])
            try await accepted.wait(count: 2).waitForMessages(1)
            try await relay.stop()
        }
    }

    @Test func aServerThatShutsDownClosesChannelsInOrder() async throws {
        try await withChannels { links, peer, accepted, server in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            try await theirs.send([1])
            await server.shutdown(within: TestTime.ample)
            #expect(try await mine.waitForClose() == nil)
            #expect(try await theirs.waitForClose() == nil)
            #expect(mine.heard.messages == [[1]])
        }
    }

    @Test func linksThatCloseEndTheirChannelsInOrder() async throws {
        try await withChannels { links, peer, accepted, _ in
            let mine = try await links.openChannel("/up", with: peer)
            let theirs = try await accepted.wait()
            try await mine.send([1])
            try await links.close(within: TestTime.ample)
            #expect(try await theirs.waitForClose() == nil)
            #expect(theirs.heard.messages == [[1]])
            #expect(try await mine.waitForClose() == nil)
        }
    }

    @Test func aRefusalComesWithThePeersWords() async throws {
        try await withChannels { links, peer, accepted, _ in
            let error = await #expect(throws: PeerLinkError.self) { try await links.openChannel("/no", with: peer) }
            #expect(error?.code == .refused)
            #expect(error?.message == "the peer answered with status 403: not you, [\"\(TestLinks.nodeURI)\"]")
            #expect(accepted.channels.withLock { $0.isEmpty })
        }
    }

    @Test func aPeerThatNeverAcceptsTimesOut() async throws {
        let certificates = try TestCertificates.shared.get()
        let peer = try await ScriptedPeer.start(tls: certificates.peerListener()) { _, _, _ in }
        let links = try await TestLinks.make(certificates.peer()) { $0.channelTimeout = .milliseconds(50) }
        let error = await #expect(throws: PeerLinkError.self) {
            try await links.openChannel("/up", with: peer.address)
        }
        #expect(error?.code == .timedOut)
        try await links.close()
        await peer.stop()
    }
}
