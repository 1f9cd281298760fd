import Foundation

/// Certificates and a key ring for the tests of this process, made once.
final class TestNodeFiles: Sendable {
    static let shared = TestNodeFiles()

    private let directory: URL

    static let root = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private init() {
        do {
            directory = try TemporaryFolders.make("busbar-tests")
        } catch {
            preconditionFailure("no folder for the certificates: \(error)")
        }
        let make = Self.root.appendingPathComponent("certs/make-dev-certs").path
        // The node's certificate is for every account; a second one of the same name is for one that the tests do not use.
        let script = """
            set -e
            umask 077
            mkdir -p "$1/other"
            "$2" "$1" >/dev/null
            "$2" "$1/other" >/dev/null
            openssl rand -hex 32 >"$1/gossip.keys"
            "$3" "$1/cluster" edge/edge-1=111122223333 central/central-1=444455556666,555566667777 \
                partner/partner-1=777788889999 >/dev/null
            for name in shop orders billing partner; do openssl rand -hex 20 >"$1/cluster/$name.secret"; done
            for name in central partner; do
                mkdir "$1/cluster/$name"
                cp "$1/gossip.keys" "$1/cluster/$name/gossip.keys"
            done
            openssl ecparam -name prime256v1 -genkey -noout -out "$1/narrow.key" 2>/dev/null
            printf '%s\\n' 'basicConstraints = critical, CA:FALSE' 'keyUsage = critical, digitalSignature' \
                'extendedKeyUsage = serverAuth, clientAuth' 'subjectKeyIdentifier = hash' \
                'authorityKeyIdentifier = keyid' \
                'subjectAltName = URI:spiffe://busbar.local/cell/dev/node/dev-1,DNS:999900001111.account.busbar.local' \
                >"$1/narrow.cnf"
            openssl req -new -key "$1/narrow.key" -subj /CN=narrow |
                openssl x509 -req -CA "$1/ca.pem" -CAkey "$1/ca.key" -days 30 -set_serial 7 \
                -extfile "$1/narrow.cnf" -out "$1/narrow.pem" 2>/dev/null
            """
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/bash")
        let makeCluster = Self.root.appendingPathComponent("certs/make-cluster-certs").path
        process.arguments = ["-c", script, "bash", directory.path, make, makeCluster]
        do {
            try process.run()
            process.waitUntilExit()
            precondition(process.terminationStatus == 0, "the certificates could not be made")
        } catch {
            preconditionFailure("the certificates could not be made: \(error)")
        }
    }

    /// The path of one of the files.
    func path(_ name: String) -> String { directory.appendingPathComponent(name).path }
}
