import EmbeddedStore
import EventModel
import Foundation
import Logging
import Transport
import Yams

/// Reads the YAML file of `busbar serve`.
enum ConfigurationFile {
    /// Everything that is wrong with a file.
    struct Invalid: Error, CustomStringConvertible {
        let file: String
        let problems: [String]
        var description: String {
            "\(file) cannot be used:\n" + problems.map { "  - \($0)" }.joined(separator: "\n")
        }
    }

    static func load(_ file: String) throws -> NodeConfiguration {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw Invalid(file: file, problems: ["it cannot be read: \(error.localizedDescription)"])
        }
        let environment = ProcessInfo.processInfo.environment
        var configuration = try parse(text, file: file, environment: environment)
        try configuration.addIdentities(environment: environment)
        return configuration
    }

    static func parse(_ text: String, file: String, environment: [String: String]) throws -> NodeConfiguration {
        let node: Node?
        do {
            node = try Yams.compose(yaml: text)
        } catch {
            throw Invalid(file: file, problems: ["it is not YAML: \(error)"])
        }
        guard let node else { throw Invalid(file: file, problems: ["it is empty"]) }
        let problems = ConfigurationReader.Problems()
        let reader = ConfigurationReader(node, path: "", problems: problems)
        var configuration = NodeConfiguration()
        configuration.cell = reader.string("cell") ?? configuration.cell
        configuration.node = reader.string("node") ?? configuration.node
        if let data = reader.string("data") {
            configuration.dataDirectory = data
        } else {
            reader.note("is missing", key: "data")
        }
        configuration.listeners = reader.list("listeners").compactMap { listener($0) }
        if configuration.listeners.isEmpty { reader.note("needs at least one entry", key: "listeners") }
        configuration.admin = reader.nested("admin").flatMap { listener($0) }
        if configuration.admin == nil {
            reader.note("is missing: where /livez, /readyz and /metrics are served", key: "admin")
        }
        configuration.accounts = reader.list("accounts").compactMap { AccountReader.account($0, environment) }
        configuration.identities = reader.nested("identities").flatMap { AccountReader.identities($0) }
        if configuration.accounts.isEmpty, configuration.identities == nil {
            reader.note("needs at least one entry", key: "accounts")
        }
        for line in configuration.accounts.duplicates {
            reader.note(line, at: reader.value("accounts"), key: "accounts")
        }
        configuration.cluster = ClusterReader.cluster(reader, configuration)
        if let limits = reader.nested("limits") { read(limits, into: &configuration) }
        if let store = reader.nested("store") { read(store, into: &configuration.store) }
        if let log = reader.nested("log") {
            configuration.logLevel = log.choice("level", Logger.Level.self) ?? .info
            configuration.logFormat = log.choice("format", NodeConfiguration.LogFormat.self) ?? .text
            log.finish()
        }
        let regions = reader.strings("regions")
        for region in regions where !region.isRegionName {
            let complaint = "must be names in lower case like us-east-1, not '\(region)'"
            reader.note(complaint, at: reader.value("regions"), key: "regions")
        }
        if !regions.isEmpty { configuration.regions = regions }
        configuration.strictCompatibility = reader.bool("strictCompatibility") ?? false
        configuration.maximumHops = reader.integer("maximumHops", in: 1...64) ?? configuration.maximumHops
        if let seconds = reader.integer("stopTimeoutSeconds", in: 0...3_600) {
            configuration.stopTimeout = .seconds(seconds)
        }
        ListenerCheck(configuration).note(reader)
        for problem in configuration.http.validate() {
            reader.note(problem, at: reader.value("limits"), key: "limits")
        }
        reader.finish()
        configuration.store.directory = configuration.dataDirectory
        guard problems.lines.isEmpty else { throw Invalid(file: file, problems: problems.lines) }
        configuration.warnings = problems.warnings
        return configuration
    }

    private static func listener(_ reader: ConfigurationReader) -> NodeConfiguration.Listener? {
        let host = reader.host("host") ?? "127.0.0.1"
        let port = reader.integer("port", in: 0...65_535)
        if port == nil, !reader.has("port") { reader.note("is missing", key: "port") }
        var tls: TLSConfiguration?
        if let section = reader.nested("tls") {
            let certificate = section.string("certificate")
            let key = section.string("key")
            for (name, value) in [("certificate", certificate), ("key", key)] {
                guard let value else {
                    section.note("is missing", key: name)
                    continue
                }
                if !FileManager.default.isReadableFile(atPath: value) {
                    section.note("names a file that cannot be read: \(value)", key: name)
                }
            }
            if let certificate, let key {
                section.warnOfReaders(key, key: "key")
                tls = TLSConfiguration(certificateChainFile: certificate, privateKeyFile: key)
            }
            section.finish()
        }
        reader.finish()
        return port.map { NodeConfiguration.Listener(host: host, port: $0, tls: tls) }
    }

    private static func read(_ reader: ConfigurationReader, into configuration: inout NodeConfiguration) {
        func set(_ key: String, _ range: ClosedRange<Int>, _ place: WritableKeyPath<NodeConfiguration, Int>) {
            if let value = reader.integer(key, in: range) { configuration[keyPath: place] = value }
        }
        set("eventBusesPerAccount", 1...100_000, \.quotas.eventBusesPerAccount)
        set("rulesPerBus", 1...1_000_000, \.quotas.rulesPerBus)
        set("targetsPerRule", 1...100, \.quotas.targetsPerRule)
        set("entriesPerPutEvents", 1...1_000, \.quotas.entriesPerPutEvents)
        set("putEventsBytes", 1_024...(16 << 20), \.quotas.putEventsBytes)
        set("eventPatternCharacters", 256...65_536, \.quotas.eventPatternCharacters)
        set("busPolicyCharacters", 1_024...131_072, \.quotas.busPolicyCharacters)
        set("queuesPerAccount", 1...1_000_000, \.quotas.queuesPerAccount)
        set("queueMessageBytes", 1_024...1_048_576, \.quotas.queueMessageBytes)
        set("maximumConnections", 1...1_000_000, \.http.maximumConnections)
        set("maximumBodyBytes", 1_024...(64 << 20), \.http.maximumBodyBytes)
        set("maximumHeaderBytes", 1_024...(1 << 20), \.http.maximumHeaderBytes)
        set("maximumClientBufferedBytes", 1_024...(1 << 40), \.http.maximumClientBufferedBytes)
        set("maximumLoopBufferedBytes", 1_024...(1 << 40), \.http.maximumLoopBufferedBytes)
        if let http = reader.nested("http") { HTTPLimitsReader.read(http, into: &configuration.http) }
        reader.finish()
    }

    private static func read(_ reader: ConfigurationReader, into store: inout EmbeddedStoreConfiguration) {
        if let value = reader.integer("journalSegmentMegabytes", in: 1...4_096) {
            store.journalSegmentBytes = value << 20
        }
        if let value = reader.integer("journalLimitMegabytes", in: 4...1_048_576) {
            store.journalLimitBytes = value << 20
        }
        if let value = reader.integer("minimumFreeMegabytes", in: 0...1_048_576) {
            store.minimumFreeBytes = UInt64(value) << 20
        }
        reader.finish()
    }
}
