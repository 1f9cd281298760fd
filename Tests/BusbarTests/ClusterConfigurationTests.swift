import Cluster
import Delivery
import EventModel
import Foundation
import Router
import SansIO
import Testing
import Transport

@testable import busbar

@Suite struct ClusterConfigurationTests {
    private static let files = TestNodeFiles.shared
    private static let pem = files.path("node.pem")
    private static let key = files.path("node.key")
    private static let roots = files.path("ca.pem")
    private static let ring = files.path("gossip.keys")

    private static let base = """
        cell: dev
        node: dev-1
        data: /d
        listeners: [{port: 0}]
        admin: {port: 0}
        accounts:
          - id: "444455556666"
            keys: [{id: AKIAEXAMPLE, secret: 0123456789abcdef0123}]

        """

    private static let cluster = """
        trustDomain: busbar.local
        peers:
          host: 10.0.0.7
          port: 7443
          certificate: \(pem)
          key: \(key)
          roots: \(roots)
        gossip:
          port: 7946
          keyRing: \(ring)
          seeds: ["10.0.0.8:7443", "[2001:db8::7]:7443", "c2.example.com:7443"]
        cells:
          - name: partner
            accounts: ["777788889999"]
            nodes:
              - {uri: "spiffe://busbar.local/cell/partner/node/p1", address: "10.0.1.1:7443"}

        """

    private static func parse(_ text: String) throws -> NodeConfiguration {
        try ConfigurationFile.parse(text, file: "f", environment: [:])
    }

    private static func problems(_ text: String) -> [String] {
        do {
            _ = try parse(text)
            return []
        } catch let error as ConfigurationFile.Invalid {
            return error.problems
        } catch {
            return ["\(error)"]
        }
    }

    @Test func aNodeWithoutPeersStandsAlone() throws {
        #expect(try Self.parse(Self.base).cluster == nil)
    }

    @Test func everyPartIsRead() throws {
        let cluster = try #require(try Self.parse(Self.base + Self.cluster).cluster)
        #expect(cluster.trustDomain == "busbar.local")
        #expect(cluster.role == .core)
        #expect(cluster.peers.listener?.port == 7_443)
        #expect(cluster.peers.clockSkew == .seconds(60))
        let gossip = try #require(cluster.gossip)
        #expect(gossip.host == "10.0.0.7")
        #expect(gossip.preset == .lan)
        #expect(
            gossip.seeds == [
                NodeEndpoint(host: "10.0.0.8", port: 7_443), NodeEndpoint(host: "2001:db8::7", port: 7_443),
                NodeEndpoint(host: "c2.example.com", port: 7_443),
            ]
        )
        #expect(cluster.cells.first?.nodes.first?.endpoint == NodeEndpoint(host: "10.0.1.1", port: 7_443))
        #expect(cluster.cells.first?.accounts.map(\.description) == ["777788889999"])
    }

    @Test func moreAccountsThanANodeCanAnnounceAreAProblemWhereOthersAreTold() {
        let accounts = (0...10_000).map { "  - {id: \"\(100_000_000_000 + $0)\"}" }.joined(separator: "\n")
        let text = Self.base.replacingOccurrences(
            of: "  - id: \"444455556666\"\n    keys: [{id: AKIAEXAMPLE, secret: 0123456789abcdef0123}]",
            with: accounts
        )
        let problem = "accounts has 10001 entries: other nodes are told of at most 10000 accounts"
        #expect(Self.problems(text + Self.cluster).contains { $0.contains(problem) })
        #expect(!Self.problems(text).contains { $0.contains("other nodes are told") })
        let files = #"peers: {certificate: "\#(Self.pem)", key: "\#(Self.key)", roots: "\#(Self.roots)"}"#
        let edge = "trustDomain: busbar.local\nrole: edge\n\(files)\nuplink: {seeds: [\"centre.example.com:7443\"]}\n"
        #expect(Self.problems(text + edge).contains { $0.contains(problem) }, "an edge's greeting names no more either")
        #expect(throws: (any Error).self, "and the node does not start") { try Self.parse(text + edge) }
    }

    @Test func anEdgeDialsOutAndNeedsNoListener() throws {
        let text =
            Self.base + """
                trustDomain: busbar.local
                role: edge
                peers: {certificate: "\(Self.pem)", key: "\(Self.key)", roots: "\(Self.roots)", clockSkewSeconds: 5}
                uplink:
                  seeds: ["centre.example.com:7443"]
                  queueEvents: 64000
                  queueMegabytes: 300
                  whenFull: dropOldest
                  drainEventsPerSecond: 500
                """
        let cluster = try #require(try Self.parse(text).cluster)
        #expect(cluster.role == .edge)
        #expect(cluster.peers.listener == nil)
        #expect(cluster.peers.clockSkew == .seconds(5))
        let queues = cluster.peerSettings.queues
        #expect(queues.maximumDeliveries == 64_000)
        #expect(queues.maximumBytes == 300 << 20)
        #expect(queues.overflow == .dropOldest)
        #expect(queues.drainRate == 500)
    }

    @Test func queuesOfANodeWithoutAnUplinkHaveLimitsToo() throws {
        let plain = try #require(try Self.parse(Self.base + Self.cluster).cluster).peerSettings
        #expect(plain.queues.maximumDeliveries == nil && plain.queues.maximumBytes == nil)
        #expect(plain.queues.drainRate == nil)
        #expect(plain.putTimeout == .seconds(5))
        let keys = [
            "port: 7443", "queueEvents: 9", "queueMegabytes: 8", "compression: never", "whenFull: dropNewest",
            "drainEventsPerSecond: 7",
            "putTimeoutSeconds: 2",
            "retentionHours: 3", "newAccountMinutes: 4", "accountEventsPerSecond: 500",
        ]
        let text = Self.cluster.replacing("port: 7443", with: keys.joined(separator: "\n  "))
        let settings = try #require(try Self.parse(Self.base + text).cluster).peerSettings
        #expect(settings.queues.maximumDeliveries == 9)
        #expect(settings.queues.maximumBytes == 8 << 20)
        let forwarder = try #require(try Self.parse(Self.base + text).cluster).forwarderSettings
        #expect(forwarder.compression == .never)
        #expect(settings.queues.overflow == .dropNewest)
        #expect(settings.queues.drainRate == 7)
        #expect(settings.putTimeout == .seconds(2))
        #expect(settings.retention == .seconds(3 * 3_600))
        #expect(settings.newAccountTime == .seconds(240))
        #expect(settings.accountRate == 500)
        #expect(plain.newAccountTime == .seconds(600) && plain.accountRate == nil)
    }

    @Test func whatUplinkSaysOfQueuesGoesBeforeWhatPeersSays() throws {
        let text =
            Self.base + """
                trustDomain: busbar.local
                peers:
                  certificate: "\(Self.pem)"
                  key: "\(Self.key)"
                  roots: "\(Self.roots)"
                  queueEvents: 10
                  whenFull: dropOldest
                uplink: {seeds: ["centre.example.com:7443"], queueEvents: 20}
                """
        let queues = try #require(try Self.parse(text).cluster).peerSettings.queues
        #expect(queues.maximumDeliveries == 20)
        #expect(queues.maximumBytes == 8_192 << 20, "the default of an edge")
        #expect(queues.overflow == .dropOldest)
        #expect(queues.drainRate == 1_000)
    }

    @Test(arguments: [
        ("trustDomain: busbar.local\n", "", "line 1: trustDomain is missing: peers need it"),
        ("trustDomain: busbar.local", "trustDomain: Busbar.local", "trustDomain must be a domain name in lower case"),
        ("  port: 7443\n", "", "line 11: peers.port is missing: only a node with an uplink"),
        ("host: 10.0.0.7", "host: 0.0.0.0", "line 11: peers.advertiseHost is missing: other nodes cannot dial 0.0.0.0"),
        (
            "host: 10.0.0.7", "host: 0.0.0.0\n  advertiseHost: 0.0.0.0",
            "line 12: peers.advertiseHost must be an address that other nodes can reach, not 0.0.0.0"
        ),
        (
            "port: 7946", "port: 7946\n  advertiseHost: \"a b\"",
            "line 18: gossip.advertiseHost must be a host's name or an IP address, not 'a b'"
        ),
        ("roots: \(roots)", "roots: \(ring)", "line 15: peers.roots cannot be used"),
        ("roots: \(roots)", "roots: /none", "line 15: peers.roots names a file that cannot be read: /none"),
        ("  key: \(key)\n", "", "peers.key is missing"),
        ("preset: wan", "preset: wam", "gossip.preset must be one of lan, wan, local; did you mean 'wan'?"),
        ("10.0.0.8:7443", "10.0.0.8", "line 20: gossip.seeds must be like 192.0.2.7:7443"),
        ("keyRing", "keyring", "gossip.keyring is not a known key; did you mean 'keyRing'?"),
        ("\"777788889999\"", "12", "cells[0].accounts must be twelve digits each"),
        (
            "777788889999", "444455556666",
            "cells gives account 444455556666, which this node hosts, to the cell partner"
        ),
        ("cell/partner/", "cell/other/", "cells[0].nodes[0].uri names the cell other, not partner"),
        (
            "//busbar.local/cell", "//example.org/cell",
            "cells names spiffe://example.org/cell/partner/node/p1, which is not"
        ),
        ("10.0.1.1:7443", "10.0.1.1:0", "cells[0].nodes[0].address must be like"),
        ("trustDomain: busbar.local", "trustDomain: busbar.local\nrole: edge", "role is edge, which needs uplink"),
        ("key: \(key)", "key: \(roots)", "line 14: peers.key cannot be used: private key"),
        ("roots: \(roots)", "roots: \(files.path("other/ca.pem"))", "line 13: peers.certificate would be refused"),
        ("keyRing: \(ring)", "keyRing: \(pem)", "line 19: gossip.keyRing cannot be used"),
    ])
    func mistakesAreSaidWithTheirLine(part: String, replacement: String, complaint: String) {
        let cluster = Self.cluster.replacing("  port: 7946", with: "  port: 7946\n  preset: wan")
        let found = Self.problems(Self.base + cluster.replacing(part, with: replacement))
        #expect(found.contains { $0.contains(complaint) }, "\(found)")
    }

    @Test func aPeerPortThatIsWrongIsOneMistake() {
        let found = Self.problems(Self.base + Self.cluster.replacing("port: 7443", with: "port: x"))
        #expect(found == ["line 12: peers.port must be a whole number from 0 to 65535"])
    }

    @Test func whatIsSeldomMeantIsWarnedOf() throws {
        let open = Self.files.path("open.key")
        try Data(contentsOf: URL(fileURLWithPath: Self.key)).write(to: URL(fileURLWithPath: open))
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: open)
        let text =
            Self.base + """
                trustDomain: busbar.local
                peers: {certificate: "\(Self.pem)", key: "\(open)", roots: "\(Self.roots)"}
                uplink: {seeds: ["a:1", "b:1"]}
                """
        let warnings = try Self.parse(text).warnings
        #expect(warnings.contains { $0.contains("peers.key can be read by every user of this machine: chmod o= ") })
        #expect(warnings.contains { $0.contains("uplink stands alone, without cells and gossip") })
        #expect(warnings.count == 2)
        let own = Self.cluster.replacing("name: partner", with: "name: dev").replacing("cell/partner", with: "cell/dev")
        #expect(
            try Self.parse(Self.base + own).warnings.map { $0.drop { $0 != "c" } } == [
                "cells names dev, as this node's own cell is called"
            ]
        )
        let twice = Self.problems(text.replacing("b:1", with: "a:1"))
        let complaint = "line 11: uplink.seeds names a:1 twice: a node takes one uplink"
        #expect(twice.contains { $0.contains(complaint) }, "\(twice)")
    }

    @Test func theCertificateMustBeThisNodes() {
        let found = Self.problems(Self.base.replacing("node: dev-1", with: "node: dev-2") + Self.cluster)
        let text =
            "peers.certificate is for spiffe://busbar.local/cell/dev/node/dev-1, and this is node dev-2 of cell dev"
        #expect(found == ["line 13: \(text)"])
    }

    @Test func accountsMustBeInTheCertificatesScope() {
        let narrow = Self.cluster.replacing(Self.pem, with: Self.files.path("narrow.pem"))
            .replacing(Self.key, with: Self.files.path("narrow.key"))
        #expect(
            Self.problems(Self.base + narrow) == [
                "line 7: accounts[0].id is not covered by the certificate of peers: other nodes would not believe it"
            ]
        )
    }

    @Test func limitsOfListenersAreReadApart() throws {
        let text =
            Self.base + "limits: {http: {pings: 7, headerTimeoutSeconds: 3}}\n"
            + Self.cluster.replacing("  port: 7443", with: "  port: 7443\n  limits: {pings: 9, maximumBodyBytes: 2048}")
        let configuration = try Self.parse(text)
        #expect(configuration.http.http2.pings == 7)
        #expect(configuration.http.headerTimeout == .seconds(3))
        let limits = try #require(configuration.cluster?.peers.limits)
        #expect(limits.http2.pings == 9)
        #expect(limits.maximumBodyBytes == 2_048)
        #expect(limits.idleTimeout == .seconds(180))
        let wrong = Self.problems(Self.base + "limits: {http: {pongs: 1, pings: 0}}")
        #expect(wrong.contains { $0.contains("limits.http.pongs is not a known key; did you mean 'pings'?") })
        #expect(wrong.contains { $0.contains("limits.http.pings must be a whole number from 1 to 1000000") })
    }

    @Test func whatNeedsPeersSaysSo() {
        let found = Self.problems(Self.base + "trustDomain: busbar.local\ncells: [{name: a, nodes: []}]\nuplink: {}")
        #expect(found.contains { $0.contains("trustDomain needs peers") })
        #expect(found.contains { $0.contains("cells needs peers") })
        #expect(found.contains { $0.contains("uplink needs peers") })
        #expect(found.contains { $0.contains("uplink.seeds needs at least one entry") })
    }

    @Test(arguments: ["a", "a:", "a:0", "a:70000", ":1", "::1:7443", "a b:1", "[::1:1"])
    func whatIsNoAddressIsRefused(text: String) {
        #expect(NodeEndpoint(text: text) == nil)
    }

    @Test func addressesOfBothFamiliesAreRead() {
        #expect(NodeEndpoint(text: "[::1]:7443") == NodeEndpoint(host: "::1", port: 7_443))
        #expect(NodeEndpoint(text: "10.0.0.1:1") == NodeEndpoint(host: "10.0.0.1", port: 1))
    }
}
