import EventModel
import Foundation
import SansIO
import Transport

extension NodeConfiguration.Peers {
    /// The files as the transport takes them.
    var certificateFiles: CertificateFiles {
        CertificateFiles(
            certificateChainFile: certificate,
            privateKeyFile: key,
            authorityFiles: [roots],
            revocationListFiles: revocationLists
        )
    }

    /// What certificates of other nodes must fulfil.
    var certificatePolicy: CertificatePolicy {
        var policy = CertificatePolicy.member
        policy.clockSkew = clockSkew
        policy.maximumRevocationStaleness = revocationStaleness
        policy.requiresCurrentRevocationLists = requiresRevocationLists
        return policy
    }
}

/// Holds the certificate that a file names against what the file says of the node.
struct PeerCertificateCheck {
    /// The names in the certificate; nil when the files cannot be used.
    private(set) var identity: CertificateIdentity?
    /// What is wrong, and with which key of `peers`.
    private(set) var problems: [(key: String, text: String)] = []
    private let trustDomain: String

    /// Reads the files of a cluster section.
    init(_ cluster: NodeConfiguration.Cluster, cell: String, node: String, now: Timestamp = .system) {
        trustDomain = cluster.trustDomain
        let store: CertificateStore
        do throws(TLSError) {
            store = try CertificateStore(files: cluster.peers.certificateFiles, policy: cluster.peers.certificatePolicy)
        } catch {
            problems.append((Self.key(of: "\(error)", cluster.peers), "cannot be used: \(error)"))
            return
        }
        let chain = store.ownChain
        identity = chain.first?.identity
        checkName(cell, node)
        do throws(TLSError) {
            let verifier = try ChainVerifier(store)
            for usage in [CertificateUsage.server, .client] {
                _ = try verifier.verify(chain, usage: usage, now: now)
            }
        } catch {
            problems.append(("certificate", "would be refused by other nodes: \(error)"))
        }
    }

    /// The key whose file an error names.
    private static func key(of text: String, _ peers: NodeConfiguration.Peers) -> String {
        let files = [("key", [peers.key]), ("roots", [peers.roots]), ("revocationLists", peers.revocationLists)]
        return files.first { $0.1.contains { text.contains($0) } }?.0 ?? "certificate"
    }

    private mutating func checkName(_ cell: String, _ node: String) {
        let uris = identity?.uris ?? []
        guard uris.count == 1, let found = NodeIdentity(uri: uris[0]) else {
            let text = uris.isEmpty ? "has no URI" : "has the URI \(uris.joined(separator: ", "))"
            problems.append(
                ("certificate", "\(text), and a node's is spiffe://\(trustDomain)/cell/\(cell)/node/\(node)")
            )
            return
        }
        if !found.isIn(trustDomain: trustDomain) {
            problems.append(("certificate", "is for \(found), which is not of the trust domain \(trustDomain)"))
        } else if found.cell != cell || found.node != node {
            problems.append(("certificate", "is for \(found), and this is node \(node) of cell \(cell)"))
        }
    }

    /// Whether the certificate speaks for an account; true when it could not be read, which is said already.
    func covers(_ account: AccountID) -> Bool {
        identity.map { AccountScope($0, trustDomain: trustDomain).covers(account) } ?? true
    }
}

extension Timestamp {
    /// The system's wall-clock time.
    static var system: Timestamp { Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)) }
}
