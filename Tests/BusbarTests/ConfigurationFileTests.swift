import EmbeddedStore
import EventModel
import Logging
import Testing

@testable import busbar

@Suite struct ConfigurationFileTests {
    private let good = """
        cell: main
        node: node-1
        data: /var/lib/busbar
        listeners:
          - host: 127.0.0.1
            port: 8080
        admin: {port: 9090}
        accounts:
          - id: "111122223333"
            keys:
              - {id: AKIAEXAMPLE, secretEnvironment: KEY}
        limits: {rulesPerBus: 2000}
        log: {level: debug, format: json}
        """

    private func problems(_ text: String) -> [String] {
        do {
            _ = try ConfigurationFile.parse(text, file: "f", environment: ["KEY": "0123456789abcdef0123"])
            return []
        } catch let error as ConfigurationFile.Invalid {
            return error.problems
        } catch {
            return ["\(error)"]
        }
    }

    @Test func aGoodFileIsRead() throws {
        let configuration = try ConfigurationFile.parse(
            good,
            file: "f",
            environment: ["KEY": "0123456789abcdef0123"]
        )
        #expect(configuration.accounts.first?.keys.first?.secret == "0123456789abcdef0123")
        #expect(configuration.quotas.rulesPerBus == 2000)
        #expect(configuration.logLevel == .debug)
        #expect(configuration.admin?.port == 9090)
        #expect(configuration.store.directory == "/var/lib/busbar")
    }

    @Test func anUnknownKeyIsRefusedWithASuggestion() {
        #expect(
            problems(good + "\nlisteneers: []") == ["line 14: listeneers is not a known key; did you mean 'listeners'?"]
        )
        #expect(problems(good + "\nzzz: 1") == ["line 14: zzz is not a known key"])
    }

    @Test func everyProblemIsListed() {
        let found = problems("data: /d\nlisteners: [{port: 99999}]\naccounts: [{id: 12}]\nlog: {level: loud}")
        #expect(found.contains { $0.contains("listeners[0].port must be a whole number from 0 to 65535") })
        #expect(found.contains { $0.contains("admin is missing") })
        #expect(found.contains { $0.contains("accounts[0].id must be an account's twelve digits") })
        #expect(found.contains { $0.contains("log.level must be one of") })
    }

    @Test(arguments: [
        (
            "port: 8080", "port: 9090", "line 7: admin takes 127.0.0.1:9090, which listeners has already"
        ),
        ("host: 127.0.0.1", "host: no such host", "must be a host's name or an IP address, not 'no such host'"),
        (
            "limits: {rulesPerBus: 2000}", "limits: {maximumClientBufferedBytes: 2000}",
            "line 12: limits maximumClientBufferedBytes must be at least maximumBodyBytes"
        ),
        (
            "limits: {", "regions: [\"x y\"]\nlimits: {",
            "line 12: regions must be names in lower case like us-east-1, not 'x y'"
        ),
        (
            "limits: {",
            "  - id: \"111122223333\"\n    keys: [{id: AKIAOTHER, secretEnvironment: KEY}]\nlimits: {",
            "line 9: accounts names account 111122223333 twice"
        ),
    ])
    func whatIsWrongIsSaidWithItsLine(part: String, mistake: String, complaint: String) {
        let found = problems(good.replacing(part, with: mistake))
        #expect(found.contains { $0.contains(complaint) }, "\(found)")
    }

    @Test func listenersOfOnePortOnDifferentAddressesStandBesideEachOther() {
        #expect(
            problems(good.replacing("port: 8080", with: "port: 9090").replacing("127.0.0.1", with: "10.0.0.1")) == []
        )
        let everywhere = good.replacing("port: 8080", with: "port: 9090").replacing("127.0.0.1", with: "0.0.0.0")
        #expect(problems(everywhere).count == 1)
    }

    @Test func secretsMustBeThereAndLongEnough() {
        let short = good.replacing("secretEnvironment: KEY", with: "secret: short")
        #expect(problems(short).contains { $0.contains("at least 16 characters") })
        let missing = good.replacing("secretEnvironment: KEY", with: "secretEnvironment: NONE")
        #expect(problems(missing).contains { $0.contains("names a variable that is not set") })
    }

    @Test func whatIsNotYAMLIsSaid() {
        #expect(problems("a: [").first?.hasPrefix("it is not YAML") ?? false)
        #expect(problems("") == ["it is empty"])
    }

    @Test func distancesCountEdits() {
        #expect(Suggestion.distance("kitten", "sitting") == 3)
        #expect(Suggestion.closest(to: "prot", among: ["port", "host"]) == nil)
        #expect(Suggestion.closest(to: "listener", among: ["listeners", "limits"]) == "listeners")
    }
}
