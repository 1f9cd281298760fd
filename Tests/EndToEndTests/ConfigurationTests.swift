import Foundation
import Testing

extension NodeTests {
    /// `busbar config check` and `busbar serve`.
    @Suite struct ConfigurationTests {
        private static func directory() throws -> URL {
            let place = FileManager.default.temporaryDirectory
                .appendingPathComponent("busbar-config-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
            return place
        }

        /// A node of two accounts, whose keys come from a file and from the environment.
        private static func twoAccounts(_ place: URL) throws -> String {
            try "an-account-a-secret-of-forty-characters!".write(
                to: place.appendingPathComponent("a.secret"),
                atomically: true,
                encoding: .utf8
            )
            return """
                cell: test
                node: test-1
                data: \(place.path)/data
                listeners:
                  - host: 127.0.0.1
                    port: 0
                admin:
                  host: 127.0.0.1
                  port: 0
                accounts:
                  - id: "111122223333"
                    keys:
                      - id: AKIATESTACCOUNTA
                        secretFile: \(place.path)/a.secret
                  - id: "444455556666"
                    keys:
                      - id: AKIATESTACCOUNTB
                        secretEnvironment: TEST_SECRET_B
                limits:
                  rulesPerBus: 3
                store:
                  minimumFreeMegabytes: 16
                log:
                  format: json

                """
        }

        private static let environment = ["TEST_SECRET_B": "an-account-b-secret-of-forty-characters!"]

        private static func check(_ text: String, in place: URL) throws -> ChildProcess.Result {
            let file = place.appendingPathComponent("busbar.yaml")
            try text.write(to: file, atomically: true, encoding: .utf8)
            return try ChildProcess(try Tools.busbar(), ["config", "check", file.path], environment: environment)
                .wait(within: 30)
        }

        @Test func goodFileIsGood() async throws {
            let place = try Self.directory()
            defer { try? FileManager.default.removeItem(at: place) }
            let result = try await onThread { try Self.check(try Self.twoAccounts(place), in: place) }
            expectSuccess(result)
            #expect(result.output.contains("2 accounts, 1 listeners"))
        }

        @Test(arguments: [
            ("cell: test", "cel: test", "cel is not a known key; did you mean 'cell'?"),
            (
                "rulesPerBus: 3", "rulesPerBuss: 3",
                "limits.rulesPerBuss is not a known key; did you mean 'rulesPerBus'?"
            ),
            ("rulesPerBus: 3", "rulesPerBus: lots", "limits.rulesPerBus must be a whole number from 1 to 1000000"),
            ("format: json", "format: jsn", "log.format must be one of text, json; did you mean 'json'?"),
            ("\"444455556666\"", "\"111122223333\"", "names account 111122223333 twice"),
            ("\"444455556666\"", "12", "accounts[1].id must be an account's twelve digits, in quotes"),
            ("TEST_SECRET_B", "TEST_SECRET_X", "names a variable that is not set: TEST_SECRET_X"),
            ("a.secret", "b.secret", "names a file that cannot be read"),
            ("data:", "#data:", "data is missing"),
            ("listeners:", "listeners: [}", "is not YAML"),
        ])
        func badFileIsRefused(part: String, replacement: String, complaint: String) async throws {
            let place = try Self.directory()
            defer { try? FileManager.default.removeItem(at: place) }
            let text = try Self.twoAccounts(place).replacingOccurrences(of: part, with: replacement)
            let result = try await onThread { try Self.check(text, in: place) }
            #expect(result.status != 0)
            #expect(result.transcript.contains(complaint), "\(result.transcript)")
        }

        /// The port in a line of the log in JSON that has this message.
        private static func port(_ message: String, _ log: String) -> Int? {
            for line in log.split(separator: "\n") {
                guard let entry = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    entry.text("message") == message, let address = entry.text("address")
                else { continue }
                return address.split(separator: ":").last.flatMap { Int($0) }
            }
            return nil
        }

        @Test func servesTwoAccountsWithAnAdminAddress() async throws {
            let place = try Self.directory()
            defer { try? FileManager.default.removeItem(at: place) }
            try await onThread {
                expectSuccess(try Self.check(try Self.twoAccounts(place), in: place))
                let file = place.appendingPathComponent("busbar.yaml").path
                let node = try ChildProcess(
                    try Tools.busbar(),
                    ["serve", "--config", file],
                    environment: Self.environment
                )
                let (api, admin) = try node.awaitErrors("addresses", within: 30) { log -> (Int, Int)? in
                    guard let api = Self.port("serving the API", log),
                        let admin = Self.port("serving health and metrics", log)
                    else { return nil }
                    return (api, admin)
                }
                let script = try ChildProcess(
                    try Tools.python(),
                    [Tools.scripts.appendingPathComponent("served.py").path],
                    environment: [
                        "BUSBAR_ENDPOINT": "http://127.0.0.1:\(api)", "BUSBAR_ADMIN": "http://127.0.0.1:\(admin)",
                        "BUSBAR_WORK": place.path, "PYTHONDONTWRITEBYTECODE": "1",
                    ]
                )
                expectSuccess(try script.wait(within: 60))
                node.signal(SIGTERM)
                #expect(try node.wait(within: 20).status == 0)
            }
        }

        private static let unit = Tools.root.appendingPathComponent("deploy/systemd/busbar@.service")

        /// What the unit runs as `busbar`, with the configuration file of the test in the place of its own.
        private static func unitArguments(_ key: String, _ file: String) throws -> [String] {
            let lines = try String(contentsOf: unit, encoding: .utf8).split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix(key + "=") })
            let words = line.dropFirst(key.count + 1).split(separator: " ").map(String.init)
            #expect(words.first == "/usr/local/bin/busbar" && words.contains("/etc/busbar/%i.yaml"), "\(line)")
            return words.dropFirst().map { $0 == "/etc/busbar/%i.yaml" ? file : $0 }
        }

        @Test func whatTheSystemdUnitRunsIsUnderstood() async throws {
            let place = try Self.directory()
            defer { try? FileManager.default.removeItem(at: place) }
            try await onThread {
                let file = place.appendingPathComponent("busbar.yaml").path
                try Self.twoAccounts(place).write(toFile: file, atomically: true, encoding: .utf8)
                let before = try Self.unitArguments("ExecStartPre", file)
                expectSuccess(
                    try ChildProcess(try Tools.busbar(), before, environment: Self.environment).wait(within: 30)
                )
                let node = try ChildProcess(
                    try Tools.busbar(),
                    try Self.unitArguments("ExecStart", file),
                    environment: Self.environment
                )
                _ = try node.awaitErrors("service", within: 60) { $0.contains("the node serves") ? true : nil }
                // As ExecReload does.
                node.signal(SIGHUP)
                _ = try node.awaitErrors("a reload", within: 60) { $0.contains("are read again") ? true : nil }
                node.signal(SIGTERM)
                #expect(try node.wait(within: 30).status == 0)
            }
        }

        @Test func systemdAcceptsTheUnit() async throws {
            guard let analyze = Tools.onPath("systemd-analyze") else {
                print("skipped: systemd-analyze is not here")
                return
            }
            let place = try Self.directory()
            defer { try? FileManager.default.removeItem(at: place) }
            try await onThread {
                let copy = place.appendingPathComponent("busbar@.service")
                let text = try String(contentsOf: Self.unit, encoding: .utf8)
                    .replacingOccurrences(of: "/usr/local/bin/busbar", with: try Tools.busbar().path)
                try text.write(to: copy, atomically: true, encoding: .utf8)
                let arguments = ["verify", "--man=no", copy.path]
                let result = try ChildProcess(URL(fileURLWithPath: analyze), arguments).wait(within: 60)
                #expect(result.status == 0 && !result.transcript.contains("busbar"), "\(result.transcript)")
            }
        }
    }
}
