import Foundation
import NIOCore
import SansIO
import Synchronization
import Testing
import Transport

/// A day of hourly rotations in a few seconds: leaf and authority change under load, in the order that
/// docs/certificates.md gives, and nobody notices.
@Suite(.timeLimit(.minutes(10))) struct CertificateRotationTests {
    private static let rotations = 24
    private static let senders = 12

    /// Two nodes that share an authority, at one stage of the rotation.
    private final class Nodes {
        let clock = TestClock()
        let server: CertificateStore
        let client: CertificateStore
        private let serverFolder: CertificateFolder
        private let clientFolder: CertificateFolder
        private var authorities: [TestAuthority]

        init() throws {
            let root = try Self.authority(0, clock)
            (server, serverFolder) = try CertificateFolder.store(
                Self.leaf(root, 0, "server", clock),
                authorities: [root],
                lists: root.revocationList(),
                clock: clock
            )
            (client, clientFolder) = try CertificateFolder.store(
                Self.leaf(root, 0, "client", clock),
                authorities: [root],
                lists: root.revocationList(),
                clock: clock
            )
            authorities = [root]
        }

        private static func authority(_ number: Int, _ clock: TestClock) throws -> TestAuthority {
            try TestAuthority("root \(number)", epoch: clock.now, validFor: .seconds(4 * 3600))
        }

        /// A certificate for two hours, whose DNS name tells which rotation it is of.
        private static func leaf(
            _ root: TestAuthority,
            _ number: Int,
            _ node: String,
            _ clock: TestClock
        ) throws -> TestCertificate {
            try root.issue(at: clock.now) {
                $0.subject = node
                $0.names = [.uri("spiffe://example.com/cell/\(node)/node/n1"), .dns("r\(number).example.com")]
                $0.validFor = .seconds(3600 + 7200)
            }
        }

        /// Takes what is on disk into use, as the watcher does: at the second look.
        private func settle() throws {
            for store in [server, client] {
                let events = store.poll() + store.poll()
                #expect(events.contains { if case .reloaded = $0 { true } else { false } }, "\(events)")
                #expect(!events.contains { $0.severity == .error }, "\(events)")
            }
        }

        /// Both authorities, then the new leaves, then the new authority alone.
        func rotate(_ number: Int, pause: () async throws -> Void) async throws {
            let old = authorities
            let new = try Self.authority(number, clock)
            let lists = try old.map { try $0.revocationList() }.joined() + new.revocationList()
            for folder in [serverFolder, clientFolder] {
                try folder.write("crl.pem", lists)
                try folder.write("ca.pem", (old + [new]).map(\.certificate.pem).joined())
            }
            try settle()
            try await pause()
            for (folder, node) in [(serverFolder, "server"), (clientFolder, "client")] {
                let leaf = try Self.leaf(new, number, node, clock)
                try folder.write("node.pem", leaf.chainPEM)
                try folder.write("node.key", leaf.keyPEM)
            }
            try settle()
            try await pause()
            for folder in [serverFolder, clientFolder] {
                try folder.write("ca.pem", new.certificate.pem)
                try folder.write("crl.pem", new.revocationList())
            }
            try settle()
            authorities = [new]
        }
    }

    /// What the senders have seen.
    private struct Seen {
        /// How many answers each sender had.
        var answered: [Int: Int] = [:]
        var failures: [String] = []
        /// Of each sender's last answer: the names that client and server knew each other by.
        var names: [Int: String] = [:]
        var isStopped = false
    }

    private final class Witness: Sendable {
        private let seen = Mutex(Seen())

        func look<Value: Sendable>(_ body: (inout sending Seen) -> sending Value) -> Value { seen.withLock(body) }
    }

    private static func send(
        _ sender: Int,
        _ links: TestLinks,
        _ peer: PeerAddress,
        _ seen: Witness
    ) async {
        while !seen.look({ $0.isStopped }) {
            let result = await links.exchange(Array("x".utf8), with: peer)
            seen.look { seen in
                switch result {
                case .success(let reply) where reply.status == 200:
                    seen.answered[sender, default: 0] += 1
                    let mine = String(decoding: reply.body, as: UTF8.self)
                    seen.names[sender] = "\(mine) \(reply.identity.dnsNames.joined())"
                case .success(let reply):
                    seen.failures.append("status \(reply.status)")
                case .failure(let error):
                    seen.failures.append(error.description)
                }
            }
        }
    }

    @Test(arguments: ["client", "server"])
    func aNewCertificateIsShownAtOnceAndWhatIsOpenFinishes(_ renewed: String) async throws {
        let clock = TestClock()
        let root = try TestAuthority("root", epoch: clock.now)
        func leaf(_ node: String, _ name: String) throws -> TestCertificate {
            try root.issue {
                $0.subject = node
                $0.names = [.uri("spiffe://example.com/cell/\(node)/node/n1"), .dns("\(name).example.com")]
            }
        }
        let (server, atServer) = try CertificateFolder.store(leaf("server", "a"), authorities: [root], clock: clock)
        let (client, atClient) = try CertificateFolder.store(leaf("client", "a"), authorities: [root], clock: clock)
        func context(_ store: CertificateStore, _ role: TLSContext.Role) throws -> TLSContext {
            try store.makeContext(
                role: role,
                verification: .required,
                minimumVersion: .tls13,
                applicationProtocols: .http2
            )
        }
        let held = HeldReplies()
        let listener = try await HTTPServer.answering(tls: context(server, .server)) { request, reply in
            if request.target == "/held" { return held.hold(request, reply) }
            let names = request.connection.clientIdentity?.dnsNames.joined() ?? "nobody"
            reply.send(HTTPResponse(status: 200, body: Array(names.utf8)))
        }
        try await listener.use { listener in
            let peer = TestLinks.address(listener.port, uri: "spiffe://example.com/cell/server/node/n1")
            let links = try await TestLinks.make(context(client, .client))
            async let open = links.exchange(path: "/held", with: peer)
            try await held.wait(count: 1)
            let new = try leaf(renewed, "b")
            let (folder, store) = renewed == "client" ? (atClient, client) : (atServer, server)
            try folder.write("node.pem", new.chainPEM)
            try folder.write("node.key", new.keyPEM)
            _ = store.poll() + store.poll()
            let wanted = renewed == "client" ? "b.example.com a.example.com" : "a.example.com b.example.com"
            try await Eventually.holds {
                let reply = try await links.exchange(with: peer).get()
                return "\(String(decoding: reply.body, as: UTF8.self)) \(reply.identity.dnsNames.joined())" == wanted
            }
            #expect(try await links.openConnections == 2)
            try await held.answer("/held")
            #expect(try await open.get().status == 200)
            try await Eventually.holds { try await links.openConnections == 1 }
            try await links.close()
        }
    }

    @Test func noRequestFailsWhileLeafAndAuthorityChange() async throws {
        let nodes = try Nodes()
        let tls = try nodes.server.makeContext(
            role: .server,
            verification: .required,
            minimumVersion: .tls13,
            applicationProtocols: .http2
        )
        let server = try await HTTPServer.forTest(
            tls: tls,
            {
                $0.trustCheckInterval = .milliseconds(20)
            },
            handler: { request, reply in
                let names = request.connection.clientIdentity?.dnsNames.joined() ?? "nobody"
                reply.send(HTTPResponse(status: 200, body: Array(names.utf8)))
            }
        )
        try await server.use { server in
            let peer = TestLinks.address(server.port, uri: "spiffe://example.com/cell/server/node/n1")
            let seen = Witness()
            let context = try nodes.client.makeContext(
                role: .client,
                verification: .required,
                minimumVersion: .tls13,
                applicationProtocols: .http2
            )
            var links: [TestLinks] = []
            for seed in 1...3 { links.append(try await TestLinks.make(context, seed: UInt64(seed))) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for sender in 0..<Self.senders {
                    let mine = links[sender % links.count]
                    group.addTask { await Self.send(sender, mine, peer, seen) }
                }
                defer { seen.look { $0.isStopped = true } }
                for number in 1...Self.rotations {
                    nodes.clock.advance(.seconds(3600))
                    try await nodes.rotate(number) {
                        // Two requests of each sender at each stage: one that begins in it, whatever was under way.
                        let before = seen.look { $0.answered }
                        try await Eventually.holds {
                            seen.look { seen in
                                !seen.failures.isEmpty
                                    || (0..<Self.senders).allSatisfy { seen.answered[$0] ?? 0 >= (before[$0] ?? 0) + 2 }
                            }
                        }
                    }
                    // The former leaves and authority are gone, so every connection has to be a new one with the new chain.
                    let wanted = "r\(number).example.com r\(number).example.com"
                    try await Eventually.holds {
                        seen.look { seen in
                            seen.names.count == Self.senders && seen.names.values.allSatisfy { $0 == wanted }
                        }
                    }
                }
            }
            let failures = seen.look { Array($0.failures.prefix(5)) }
            #expect(failures == [])
            #expect(nodes.server.status.reloads == UInt64(3 * Self.rotations))
            for links in links { try await links.close() }
        }
    }
}
