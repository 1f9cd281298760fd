import Cluster
import EventModel
import Foundation
import Membership
import NIOCore
import SansIO
import Transport
import Yams

/// Reads what the configuration file says of other nodes: `trustDomain`, `role`, `peers`, `gossip`, `uplink` and `cells`.
enum ClusterReader {
    /// What the whole file says, or nil when it says nothing or not enough. The cell, the node and the accounts of
    /// `configuration` have been read.
    static func cluster(
        _ reader: ConfigurationReader,
        _ configuration: NodeConfiguration
    ) -> NodeConfiguration.Cluster? {
        let domain = reader.string("trustDomain")
        let role = reader.choice("role", NodeConfiguration.Role.self)
        let uplink = reader.nested("uplink").flatMap { UplinkReader.uplink($0) }
        let section = reader.nested("peers")
        let peers = section.flatMap { Self.peers($0, mayOnlyDial: uplink != nil) }
        // A port that is there and wrong is one mistake, not two.
        let isDialOnly = peers != nil && section?.has("port") == false
        let gossip = reader.nested("gossip").flatMap { Self.gossip($0, peers, isDialOnly: isDialOnly) }
        let cells = reader.list("cells").compactMap { cell($0) }
        guard section != nil else {
            for key in ["trustDomain", "role", "uplink", "gossip", "cells"] where reader.has(key) {
                reader.note("needs peers: the listener and the certificate of this node", key: key)
            }
            return nil
        }
        if domain == nil, !reader.has("trustDomain") { reader.note("is missing: peers need it", key: "trustDomain") }
        guard let domain else { return nil }
        guard NodeIdentity(authority: domain, cell: configuration.cell, node: configuration.node) != nil else {
            noteNames(reader, domain, configuration)
            return nil
        }
        if role == .edge, !reader.has("uplink") { reader.note("is edge, which needs uplink", key: "role") }
        if role == .core, reader.has("uplink") { reader.note("is core, which has no uplink", key: "role") }
        if uplink != nil, gossip == nil, cells.isEmpty {
            let text = "stands alone, without cells and gossip: nothing here is sent to other cells"
            reader.warn(text, at: reader.value("uplink"), key: "uplink")
        }
        check(cells, reader, domain, configuration)
        guard let peers else { return nil }
        let cluster = NodeConfiguration.Cluster(
            trustDomain: domain,
            peers: peers,
            gossip: gossip,
            uplink: uplink,
            cells: cells
        )
        checkCertificate(cluster, reader, section, configuration)
        return cluster
    }

    /// The certificate must be this node's, verify, and cover the accounts of the file.
    private static func checkCertificate(
        _ cluster: NodeConfiguration.Cluster,
        _ reader: ConfigurationReader,
        _ section: ConfigurationReader?,
        _ configuration: NodeConfiguration
    ) {
        let check = PeerCertificateCheck(cluster, cell: configuration.cell, node: configuration.node)
        for problem in check.problems {
            section?.note(problem.text, at: section?.value(problem.key), key: problem.key)
        }
        for entry in reader.list("accounts") {
            guard let account = entry.value("id")?.scalar.flatMap({ AccountID($0.string) }) else { continue }
            if !check.covers(account) {
                entry.note("is not covered by the certificate of peers: other nodes would not believe it", key: "id")
            }
        }
        let (count, most) = (configuration.accounts.count, MembershipLimits.accountsPerNode)
        if count > most, cluster.gossip != nil || cluster.uplink != nil {
            reader.note("has \(count) entries: other nodes are told of at most \(most) accounts", key: "accounts")
        }
        guard let ring = cluster.gossip?.keyRing, let gossip = reader.nested("gossip") else { return }
        do throws(GossipKeyRing.Failure) {
            _ = try GossipKeyRing.load(ring)
        } catch {
            gossip.note("cannot be used: \(error)", at: gossip.value("keyRing"), key: "keyRing")
        }
    }

    private static func noteNames(_ reader: ConfigurationReader, _ domain: String, _ node: NodeConfiguration) {
        if NodeIdentity(authority: domain, cell: "c", node: "n") == nil {
            reader.note("must be a domain name in lower case", key: "trustDomain")
        }
        let rule = "must be 1 to 64 letters, digits, '-', '_' and '.', for it is part of the certificate's URI"
        if NodeIdentity(authority: "d", cell: node.cell, node: "n") == nil { reader.note(rule, key: "cell") }
        if NodeIdentity(authority: "d", cell: "c", node: node.node) == nil { reader.note(rule, key: "node") }
    }

    private static func peers(_ reader: ConfigurationReader, mayOnlyDial: Bool) -> NodeConfiguration.Peers? {
        let host = reader.host("host") ?? "127.0.0.1"
        let port = reader.integer("port", in: 0...65_535)
        if port == nil, !mayOnlyDial, !reader.has("port") {
            reader.note("is missing: only a node with an uplink can do without a peer listener", key: "port")
        }
        let advertiseHost = reader.advertisedHost("advertiseHost")
        if port != nil, !reader.has("advertiseHost"), ["0.0.0.0", "::"].contains(host) {
            reader.note("is missing: other nodes cannot dial \(host)", key: "advertiseHost")
        }
        let advertisePort = reader.integer("advertisePort", in: 1...65_535)
        let files = ["certificate", "key", "roots"].map { reader.file($0, isRequired: true) }
        let lists = reader.files("revocationLists")
        var peers: NodeConfiguration.Peers?
        if let certificate = files[0], let key = files[1], let roots = files[2] {
            peers = NodeConfiguration.Peers(certificate: certificate, key: key, roots: roots, revocationLists: lists)
        }
        if let key = files[1] { reader.warnOfReaders(key, key: "key") }
        peers?.listener = port.map { NodeConfiguration.Listener(host: host, port: $0, tls: nil) }
        peers?.advertiseHost = advertiseHost
        peers?.advertisePort = advertisePort
        if let seconds = reader.integer("clockSkewSeconds", in: 0...3_600) { peers?.clockSkew = .seconds(seconds) }
        if let hours = reader.integer("revocationStalenessHours", in: 0...87_600) {
            peers?.revocationStaleness = .seconds(hours * 3_600)
        }
        if let hours = reader.integer("retentionHours", in: 1...8_760) { peers?.retention = .seconds(hours * 3_600) }
        if let seconds = reader.integer("putTimeoutSeconds", in: 1...300) { peers?.putTimeout = .seconds(seconds) }
        if let minutes = reader.integer("newAccountMinutes", in: 0...1_440) {
            peers?.newAccountTime = .seconds(minutes * 60)
        }
        peers?.accountEventsPerSecond = reader.integer("accountEventsPerSecond", in: 1...1_000_000)
        let queues = UplinkReader.queues(reader)
        peers?.queues = queues
        if let flag = reader.bool("requireRevocationLists") { peers?.requiresRevocationLists = flag }
        if let section = reader.nested("limits") {
            var limits = HTTPServerConfiguration.peers
            HTTPLimitsReader.read(section, into: &limits)
            for problem in limits.validate() { reader.note(problem, at: reader.value("limits"), key: "limits") }
            peers?.limits = limits
        }
        if let seconds = reader.integer("reloadSeconds", in: 1...86_400) { peers?.reloadInterval = .seconds(seconds) }
        reader.finish()
        return peers
    }

    private static func gossip(
        _ reader: ConfigurationReader,
        _ peers: NodeConfiguration.Peers?,
        isDialOnly: Bool
    ) -> NodeConfiguration.Gossip? {
        let host = reader.host("host") ?? peers?.listener?.host ?? "127.0.0.1"
        let advertiseHost = reader.advertisedHost("advertiseHost")
        if let advertiseHost, !advertiseHost.isAddress {
            reader.note("must be an IP address", at: reader.value("advertiseHost"), key: "advertiseHost")
        }
        let told = advertiseHost ?? peers?.advertiseHost.flatMap { $0.isAddress ? $0 : nil }
        if told == nil, !reader.has("advertiseHost"), ["0.0.0.0", "::"].contains(host) {
            reader.note("is missing: other nodes cannot send to \(host)", key: "advertiseHost")
        }
        if isDialOnly {
            reader.note("needs a peer listener; a node that only dials out knows the cells of cells")
        }
        let port = reader.integer("port", in: 0...65_535)
        if port == nil, !reader.has("port") { reader.note("is missing", key: "port") }
        let keyRing = reader.file("keyRing", isRequired: true)
        let advertisePort = reader.integer("advertisePort", in: 1...65_535)
        let preset = reader.choice("preset", NodeConfiguration.Gossip.Preset.self)
        let seeds = reader.endpoints("seeds")
        reader.finish()
        if let keyRing { reader.warnOfReaders(keyRing, key: "keyRing") }
        guard let port, let keyRing else { return nil }
        return NodeConfiguration.Gossip(
            host: host,
            port: port,
            advertiseHost: told,
            advertisePort: advertisePort,
            preset: preset ?? .lan,
            keyRing: keyRing,
            seeds: seeds
        )
    }

    private static func cell(_ reader: ConfigurationReader) -> NodeConfiguration.Cell? {
        let name = reader.string("name")
        if name == nil { reader.note("is missing", key: "name") }
        let texts = reader.strings("accounts")
        let accounts = texts.compactMap { AccountID($0) }
        if accounts.count != texts.count { reader.note("must be twelve digits each, in quotes", key: "accounts") }
        let nodes = reader.list("nodes").compactMap { node($0, cell: name) }
        if nodes.isEmpty { reader.note("needs at least one entry", key: "nodes") }
        reader.finish()
        return name.map { NodeConfiguration.Cell(name: $0, accounts: accounts, nodes: nodes) }
    }

    private static func node(_ reader: ConfigurationReader, cell: String?) -> NodeConfiguration.CellNode? {
        let uri = reader.string("uri")
        let identity = uri.flatMap { NodeIdentity(uri: $0) }
        if identity == nil { reader.note("must be like spiffe://example.com/cell/west/node/west-1", key: "uri") }
        if let identity, let cell, identity.cell != cell {
            reader.note("names the cell \(identity.cell), not \(cell)", key: "uri")
        }
        let endpoint = reader.endpoint("address")
        if endpoint == nil, !reader.has("address") { reader.note("is missing", key: "address") }
        reader.finish()
        guard let identity, let endpoint else { return nil }
        return NodeConfiguration.CellNode(identity: identity, endpoint: endpoint)
    }

    private static func check(
        _ cells: [NodeConfiguration.Cell],
        _ reader: ConfigurationReader,
        _ domain: String,
        _ configuration: NodeConfiguration
    ) {
        let own = Set(configuration.accounts.map(\.id))
        let place = reader.value("cells")
        var accounts: Set<AccountID> = []
        var identities: Set<NodeIdentity> = []
        for cell in cells {
            // A cell of another authority may have the same name.
            if cell.name == configuration.cell {
                reader.warn("names \(cell.name), as this node's own cell is called", at: place, key: "cells")
            }
            for account in cell.accounts {
                if !accounts.insert(account).inserted {
                    reader.note("names account \(account) twice", at: place, key: "cells")
                }
                if own.contains(account) {
                    reader.note(
                        "gives account \(account), which this node hosts, to the cell \(cell.name)",
                        at: place,
                        key: "cells"
                    )
                }
            }
            for node in cell.nodes {
                if !identities.insert(node.identity).inserted {
                    reader.note("names \(node.identity) twice", at: place, key: "cells")
                }
                if !node.identity.isIn(trustDomain: domain) {
                    reader.note(
                        "names \(node.identity), which is not of the trust domain \(domain)",
                        at: place,
                        key: "cells"
                    )
                }
            }
        }
    }
}

/// Reads the link of an edge cell to the centre.
enum UplinkReader {
    static func uplink(_ reader: ConfigurationReader) -> NodeConfiguration.Uplink? {
        let seeds = reader.endpoints("seeds")
        if seeds.isEmpty, !reader.has("seeds") { reader.note("needs at least one entry", key: "seeds") }
        for (index, seed) in seeds.enumerated() where seeds[..<index].contains(seed) {
            reader.note("names \(seed) twice: a node takes one uplink", at: reader.value("seeds"), key: "seeds")
        }
        var uplink = NodeConfiguration.Uplink(seeds: seeds)
        uplink.queues = queues(reader)
        reader.finish()
        return seeds.isEmpty ? nil : uplink
    }

    /// The keys of queues towards other cells, of `uplink` or of `peers`.
    static func queues(_ reader: ConfigurationReader) -> NodeConfiguration.PeerQueues {
        NodeConfiguration.PeerQueues(
            queueEvents: reader.integer("queueEvents", in: 1...1_000_000_000),
            queueMegabytes: reader.integer("queueMegabytes", in: 1...1_000_000_000),
            whenFull: reader.choice("whenFull", NodeConfiguration.PeerQueues.Overflow.self),
            drainEventsPerSecond: reader.integer("drainEventsPerSecond", in: 1...1_000_000),
            compression: reader.choice("compression", ForwarderSettings.Compression.self)
        )
    }
}

extension ConfigurationReader {
    /// The path of a file that can be read.
    func file(_ key: String, isRequired: Bool = false) -> String? {
        guard let path = string(key) else {
            if isRequired, !has(key) { note("is missing", key: key) }
            return nil
        }
        return readable(path, key) ? path : nil
    }

    /// Paths of files that can be read; empty when the key is absent.
    func files(_ key: String) -> [String] {
        strings(key).filter { readable($0, key) }
    }

    private func readable(_ path: String, _ key: String) -> Bool {
        if FileManager.default.isReadableFile(atPath: path) { return true }
        note("names a file that cannot be read: \(path)", at: value(key), key: key)
        return false
    }

    /// `HOST:PORT`, with brackets around an IPv6 address.
    func endpoint(_ key: String) -> NodeEndpoint? {
        string(key).flatMap { endpoint($0, key) }
    }

    /// A list of `HOST:PORT`; empty when the key is absent.
    func endpoints(_ key: String) -> [NodeEndpoint] {
        strings(key).compactMap { endpoint($0, key) }
    }

    private func endpoint(_ text: String, _ key: String) -> NodeEndpoint? {
        if let endpoint = NodeEndpoint(text: text) { return endpoint }
        note(
            "must be like 192.0.2.7:7443, [2001:db8::7]:7443 or node.example.com:7443, not \(text)",
            at: value(key),
            key: key
        )
        return nil
    }
}

extension String {
    /// Whether this is an IP address.
    fileprivate var isAddress: Bool { (try? SocketAddress(ipAddress: self, port: 1)) != nil }
}

extension NodeEndpoint {
    /// Reads `HOST:PORT`, with brackets around an IPv6 address; nil when the text is not that.
    init?(text: String) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0 else {
            return nil
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = String(host.dropFirst().dropLast())
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace && $0 != "/" }) else { return nil }
        self.init(host: host, port: port)
    }
}
