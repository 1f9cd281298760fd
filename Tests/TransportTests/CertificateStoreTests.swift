import Foundation
import SansIO
import Testing
import Transport

@Suite struct CertificateStoreTests {
    private let clock = TestClock()
    private let root: TestAuthority

    init() throws {
        root = try TestAuthority(epoch: clock.now)
    }

    private func node(_ validFor: Duration = .seconds(86_400), uri: String = "w1") throws -> TestCertificate {
        try root.issue(at: clock.now) {
            $0.subject = uri
            $0.names = [.uri("spiffe://example.com/cell/west/node/\(uri)")]
            $0.validFor = validFor + .seconds(3600)
        }
    }

    private func isReload(_ events: [CertificateEvent]) -> Bool {
        events.contains { if case .reloaded = $0 { true } else { false } }
    }

    private func failure(_ events: [CertificateEvent]) -> TLSError? {
        for case .reloadFailed(let error) in events { return error }
        return nil
    }

    /// What a client sees of the server now.
    private func shownCertificate(_ context: TLSContext) throws -> Timestamp {
        let client = try CertificateFolder.store(root.issue(), authorities: [root], clock: clock)
        let pair = try TLSPair(
            client: TLSSession(context: client.store.makeContext(role: .client, verification: .required)),
            server: TLSSession(context: context)
        )
        #expect(pair.isComplete)
        return try #require(pair.client.peerCertificate).notAfter
    }

    @Test func aChangeIsTakenOnceItHasSettled() throws {
        let first = try node()
        let made = try CertificateFolder.store(first, authorities: [root], clock: clock)
        let context = try made.store.makeContext(role: .server, verification: .required)
        let before = try shownCertificate(context)
        #expect(made.store.poll().isEmpty)
        try made.folder.write(node(.seconds(172_800)), authorities: [root])
        #expect(!isReload(made.store.poll()))
        #expect(try shownCertificate(context) == before)
        let events = made.store.poll()
        #expect(isReload(events) && events.first?.description.contains("CN=w1") == true)
        #expect(try shownCertificate(context) == before + .seconds(86_400))
        #expect(made.store.status.reloads == 1)
        #expect(made.store.poll().isEmpty)
    }

    @Test func aSignalTakesAChangeAtOnceAndForAllContexts() throws {
        let made = try CertificateFolder.store(node(), authorities: [root], clock: clock)
        let contexts = try (0..<3).map { _ in try made.store.makeContext(role: .server, verification: .required) }
        let generations = contexts.map(\.generation)
        try made.folder.write(node(), authorities: [root])
        #expect(isReload(made.store.reload()))
        for (context, generation) in zip(contexts, generations) { #expect(context.generation > generation) }
    }

    @Test func aHalfWrittenFileKeepsTheFormerChain() throws {
        let made = try CertificateFolder.store(node(), authorities: [root], clock: clock)
        let context = try made.store.makeContext(role: .server, verification: .required)
        let before = try shownCertificate(context)
        let next = try node(.seconds(172_800))
        for count in [0, 1, 40, next.chainPEM.utf8.count / 2, next.chainPEM.utf8.count - 3] {
            try made.folder.write("node.pem", String(next.chainPEM.prefix(count)))
            #expect(failure(made.store.reload()) != nil)
            #expect(try shownCertificate(context) == before)
        }
        // The certificate is whole, but its key is not there yet.
        try made.folder.write("node.pem", next.chainPEM)
        #expect(failure(made.store.reload())?.reason == "not the key of the certificate")
        #expect(made.store.status.usesFormerFiles)
        try made.folder.write("node.key", next.keyPEM)
        #expect(isReload(made.store.reload()))
        #expect(!made.store.status.usesFormerFiles)
        #expect(try shownCertificate(context) == before + .seconds(86_400))
    }

    @Test func aBundleThatEndsWithinACertificateIsNotTakenForAShorterOne() throws {
        let other = try TestAuthority("other", epoch: clock.now)
        let made = try CertificateFolder.store(node(), authorities: [root], clock: clock)
        let bundle = root.certificate.pem + other.certificate.pem
        try made.folder.write("ca.pem", String(bundle.dropLast(20)))
        #expect(failure(made.store.reload())?.reason.contains("item 2 of 2") == true)
        try made.folder.write("ca.pem", "")
        #expect(failure(made.store.reload()) != nil)
        try made.folder.write("ca.pem", bundle)
        #expect(isReload(made.store.reload()))
    }

    @Test func aProblemIsReportedOnceAndClearsWhenTheFilesAreBack() throws {
        let first = try node()
        let made = try CertificateFolder.store(first, authorities: [root], clock: clock)
        try FileManager.default.removeItem(atPath: made.folder.path("node.key"))
        #expect(failure(made.store.poll())?.operation.contains("node.key") == true)
        #expect(made.store.poll().isEmpty && made.store.poll().isEmpty)
        #expect(made.store.status.reloadFailures == 1)
        try made.folder.write("node.key", first.keyPEM)
        #expect(made.store.poll().isEmpty)
        #expect(!made.store.status.usesFormerFiles)
    }

    @Test func aReplacementThatIsWorseIsRefused() throws {
        let made = try CertificateFolder.store(node(), authorities: [root], clock: clock)
        try made.folder.write(node(.seconds(-10)), authorities: [root])
        #expect(failure(made.store.reload())?.code == .certificateExpired)
        let future = try root.issue {
            $0.names = [.uri("spiffe://example.com/cell/west/node/w1")]
            $0.validFrom = .seconds(600)
        }
        try made.folder.write(future, authorities: [root])
        #expect(failure(made.store.reload())?.code == .certificateNotYetValid)
        #expect(made.store.poll().isEmpty)
        clock.advance(.seconds(601))
        #expect(isReload(made.store.poll()))
        try made.folder.write(node(uri: "w2"), authorities: [root])
        #expect(failure(made.store.reload())?.reason.contains("another identity") == true)
    }

    @Test func anExpiredNodeTakesWhateverComes() throws {
        let made = try CertificateFolder.store(node(.seconds(60)), authorities: [root], clock: clock)
        clock.advance(.seconds(120))
        try made.folder.write(node(.seconds(-30)), authorities: [root])
        #expect(isReload(made.store.reload()))
    }

    @Test func agingIsToldInStages() throws {
        let made = try CertificateFolder.store(
            node(.seconds(3600)),
            authorities: [root],
            lists: root.revocationList(nextUpdate: .seconds(4000)),
            clock: clock
        )
        func stages() -> [String] {
            made.store.poll().compactMap {
                if case .aged(let item, let stage) = $0 { return "\(item.kind.rawValue) \(stage)" }
                return nil
            }
        }
        #expect(stages() == [])
        clock.advance(.seconds(1))
        #expect(stages() == ["own halfLife"])
        clock.advance(.seconds(2900))
        #expect(stages() == ["own nearExpiry"])
        clock.advance(.seconds(1200))
        #expect(stages() == ["own expired", "revocation_list nearExpiry"])
        clock.advance(.seconds(7 * 86_400))
        #expect(stages() == ["revocation_list expired"])
    }

    @Test func anOwnCertificateThatOthersWouldRefuseIsAnAlarm() throws {
        let own = try node()
        let made = try CertificateFolder.store(own, authorities: [root], lists: root.revocationList(), clock: clock)
        #expect(made.store.poll().isEmpty)
        try made.folder.write("crl.pem", root.revocationList(of: [own], thisUpdate: .seconds(-1)))
        let events = made.store.reload()
        let alarms = events.compactMap { if case .ownCertificateRefused(let error) = $0 { error.code } else { nil } }
        #expect(alarms == [.certificateRevoked])
        #expect(made.store.poll().isEmpty)
    }

    @Test func theStatusListsEverythingOnce() throws {
        let site = try root.subordinate("site")
        let made = try CertificateFolder.store(
            site.issue(),
            authorities: [root, root],
            lists: root.revocationList(),
            clock: clock
        )
        let status = made.store.status
        #expect(status.validities.map(\.kind) == [.own, .intermediate, .authority, .revocationList])
        #expect(status.validities.map(\.name) == ["CN=node", "CN=site", "CN=test root", "CN=test root"])
        #expect(status.loadedAt == clock.now && status.reloads == 0)
    }

    @Test func unusableFilesAreNamedAtTheStart() throws {
        let folder = try CertificateFolder()
        func problem() -> String? {
            do {
                _ = try CertificateStore(files: folder.files(lists: true), clock: clock.read)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(problem()?.contains("node.pem: No such file") == true)
        try folder.write(node(), authorities: [root], lists: "no list")
        #expect(problem()?.contains("crl.pem") == true)
        try folder.write("crl.pem", root.revocationList())
        #expect(problem() == nil)
        try folder.write("node.key", String(node().keyPEM.dropLast(30)))
        #expect(problem()?.contains("node.key") == true)
        let half = CertificateFiles(certificateChainFile: folder.path("node.pem"), privateKeyFile: nil)
        #expect(throws: TLSError.self) { try CertificateStore(files: half) }
    }

    @Test func watchingReportsUntilItIsCancelled() async throws {
        let made = try CertificateFolder.store(node(), authorities: [root], clock: clock)
        let store = made.store
        let (events, continuation) = AsyncStream.makeStream(of: CertificateEvent.self)
        let watching = Task { await store.watch(every: .milliseconds(2)) { continuation.yield($0) } }
        try made.folder.write("node.pem", "nothing")
        try made.folder.write("ca.pem", root.certificate.pem)
        var iterator = events.makeAsyncIterator()
        let first = await iterator.next()
        #expect(first.map { failure([$0]) != nil } == true)
        watching.cancel()
        await watching.value
    }
}
