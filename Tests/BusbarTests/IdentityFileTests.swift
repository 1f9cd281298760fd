import EventModel
import Foundation
import Router
import Testing

@testable import busbar

@Suite struct IdentityFileTests {
    private let path = FileManager.default.temporaryDirectory.appendingPathComponent("busbar-\(UUID().uuidString).json")
        .path
    private let alice = "arn:aws:iam::111122223333:user/ops/alice"
    private let allow = #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#

    private func user(_ policies: [String] = []) -> IdentityFile.Principal {
        .init(kind: "user", name: "alice", path: "/ops/", tags: ["b": "2", "a": "1"], policies: policies, keys: [])
    }

    private func withFile(_ body: () throws -> Void) rethrows {
        defer { for file in [path, path + ".lock"] { try? FileManager.default.removeItem(atPath: file) } }
        try body()
    }

    private func account() throws -> AccountID { try #require(AccountID("111122223333")) }

    @Test func aFileIsMadeEditedAndReadBack() throws {
        try withFile {
            let account = try account()
            let sealing = try SealingKey(hexadecimal: SealingKey.generate())
            let made = try IdentityFile.makeKey(sealing: sealing, now: "2026-01-01T00:00:00Z")
            try IdentityFile.edit(path) { file in
                file.putAccount(account, organization: .init(id: "o-1", paths: ["o-1/r/"]))
                try file.put(user([allow]), in: account)
                try file.add(made.key, to: IdentityFile.Subject(alice))
            }
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(!(try String(contentsOfFile: path, encoding: .utf8)).contains(made.secret))
            var problems: [String] = []
            let accounts = try IdentityFile.load(path).accounts(sealing: sealing, problems: &problems)
            #expect(problems.isEmpty)
            let principal = try #require(accounts.first?.principals.first)
            #expect(principal.keys.first?.secret == made.secret)
            #expect(principal.declaration.arn(in: account) == alice)
            #expect(principal.declaration.tags == [Tag(key: "a", value: "1"), Tag(key: "b", value: "2")])
            #expect(principal.declaration.policies == [allow], "byte for byte")
            #expect(accounts.first?.organizationID == "o-1")
        }
    }

    @Test func twoKeysRotateAndAThirdIsRefused() throws {
        let sealing = try SealingKey(hexadecimal: SealingKey.generate())
        var file = IdentityFile()
        file.putAccount(try account(), organization: nil)
        try file.put(user(), in: account())
        let subject = try IdentityFile.Subject(alice)
        let keys = try (0..<3).map { _ in try IdentityFile.makeKey(sealing: sealing, now: "").key }
        try file.add(keys[0], to: subject)
        try file.add(keys[1], to: subject)
        #expect(throws: IdentityFile.Failure.self) { try file.add(keys[2], to: subject) }
        var problems: [String] = []
        #expect(file.accounts(sealing: sealing, problems: &problems)[0].principals[0].keys.count == 2)
        try file.changeKey(keys[0].id) { key in
            var key = key
            key.active = false
            return key
        }
        let left = file.accounts(sealing: sealing, problems: &problems)[0].principals[0].keys
        #expect(left.map(\.id) == [keys[1].id], "an inactive key signs nothing")
        try file.changeKey(keys[0].id) { _ in nil }
        try file.add(keys[2], to: subject)
        try file.put(user([allow]), in: account())
        #expect(
            file.accounts[0].principals[0].keys.map(\.id) == [keys[1].id, keys[2].id],
            "keys outlive a replacement"
        )
        #expect(throws: IdentityFile.Failure.self) { try file.changeKey("AKIANONE") { _ in nil } }
        _ = file.accounts(sealing: nil, problems: &problems)
        #expect(problems.count == 2, "without the sealing key nothing opens")
    }

    @Test func nonsenseIsRefusedAndTheFileStays() throws {
        try withFile {
            let account = try account()
            try IdentityFile.edit(path) { $0.putAccount(account, organization: nil) }
            let before = try IdentityFile.load(path)
            #expect(throws: IdentityFile.Failure.self) {
                try IdentityFile.edit(path) { try $0.put(user(["{}"]), in: account) }
            }
            var trusted = user()
            trusted.trust = "{}"
            #expect(throws: IdentityFile.Failure.self) {
                try IdentityFile.edit(path) { [trusted] in try $0.put(trusted, in: account) }
            }
            #expect(throws: IdentityFile.Failure.self) {
                try IdentityFile.edit(path) { try $0.remove(IdentityFile.Subject(alice)) }
            }
            #expect(try IdentityFile.load(path) == before)
            try IdentityFile.edit(path) { try $0.put(user(), in: account) }
            for (path, name) in [("/", user().name.uppercased()), ("/elsewhere/", user().name)] {
                var alike = user()
                alike.path = path
                alike.name = name
                #expect(throws: IdentityFile.Failure.self, "\(path)\(name)") {
                    try IdentityFile.edit(self.path) { [alike] in try $0.put(alike, in: account) }
                }
            }
            for text in ["", "12", "arn:aws:iam::111122223333:group/x", "arn:aws:iam::111122223333:user/"] {
                #expect(throws: IdentityFile.Failure.self, "\(text)") { try IdentityFile.Subject(text) }
            }
            try Data(#"{"version":2,"accounts":[]}"#.utf8).write(to: URL(fileURLWithPath: path))
            #expect(throws: IdentityFile.Failure.self) { try IdentityFile.load(path) }
        }
    }

    @Test func usersAndRolesStandInTheConfigurationToo() throws {
        let trust =
            #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"#
            + #""Action":"sts:AssumeRole"}}"#
        let text = """
            data: /d
            listeners: [{port: 1}]
            admin: {port: 2}
            accounts:
              - id: "111122223333"
                organization: {id: o-1, paths: [o-1/r/]}
                users:
                  - name: alice
                    path: /ops/
                    tags: {team: blue}
                    policies: [{document: '\(allow)'}]
                    keys: [{id: AKIAALICE, secret: 0123456789abcdef}]
                roles:
                  - name: forward
                    trust: {document: '\(trust)'}
            """
        let configuration = try ConfigurationFile.parse(text, file: "f", environment: [:])
        let account = try #require(configuration.accounts.first)
        #expect(account.organizationPaths == ["o-1/r/"])
        #expect(account.principals.map(\.declaration.kind) == [.user, .role])
        #expect(account.principals[0].keys.map(\.id) == ["AKIAALICE"])
        #expect(account.principals[1].declaration.trustPolicy == trust)
        func problems(_ text: String) -> [String] {
            do {
                _ = try ConfigurationFile.parse(text, file: "f", environment: [:])
                return []
            } catch {
                return (error as? ConfigurationFile.Invalid)?.problems ?? ["\(error)"]
            }
        }
        #expect(problems(text.replacing(allow, with: "{}")).first?.contains("is not a valid policy") == true)
        #expect(problems(text.replacing("name: alice", with: "name: a b")).first?.contains("is not valid") == true)
        let twice = text.replacing("    roles:", with: "      - name: ALICE\n    roles:")
        #expect(problems(twice) == ["line 5: accounts gives account 111122223333 the user ALICE twice"])
        #expect(problems(text.replacing("trust: {", with: "trust: {file: x, ")).first?.contains("exactly one") == true)
    }
}
