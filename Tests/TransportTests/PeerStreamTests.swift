import NIOCore
import NIOPosix
import SansIO
import Testing

@testable import Transport

@Suite(.timeLimit(.minutes(10))) struct PeerStreamTests {
    /// A stream whose user gets it only when the test says so.
    private func withStream(_ body: @escaping @Sendable (PeerStream) -> Void) async throws {
        let certificates = try TestCertificates.shared.get()
        let tls = try certificates.peer()
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await loop.submit {
            let pools = ConnectionPools(eventLoop: loop, tls: tls, settings: PeerLinkSettings(), seed: 1)
            let target = ClientTarget(peer: TestLinks.address(1))
            let pool = ConnectionPool(target: target, pools: pools, shard: pools.shard)
            var put: [() -> Void] = []
            var results: [Result<any HTTPClientStream, PeerLinkError>] = []
            let stream = PeerStream(
                ClientRequest(target: "/x", authority: "h"),
                pool: pool,
                answerTimeout: 1,
                later: { put.append($0) },
                completion: { results.append($0) }
            )
            stream.connection = ClientConnection(shard: pools.shard, target: target, owner: pool)
            stream.started()
            body(stream)
            #expect(results.isEmpty)
            for action in put { action() }
            guard case .failure(let error)? = results.first, results.count == 1 else {
                Issue.record("the stream's user was not told of its end")
                return
            }
            #expect(error.code == .timedOut)
        }.get()
    }

    @Test func anEndThatComesBeforeTheUserHasTheStreamIsAFailure() async throws {
        try await withStream { stream in stream.fail(PeerLinkError(.timedOut, "late")) }
    }

    @Test func aResetThatComesBeforeTheUserHasTheStreamIsAFailure() async throws {
        try await withStream { stream in stream.closed(code: 8, PeerLinkError(.timedOut, "late")) }
    }
}
