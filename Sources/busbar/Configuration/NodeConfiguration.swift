import EmbeddedStore
import EventModel
import Logging
import Router
import Transport

/// Everything that a node needs to know to run.
struct NodeConfiguration: Sendable {
    /// A listener of the API.
    struct Listener: Sendable {
        var host: String
        /// 0 lets the system choose.
        var port: Int
        var tls: TLSConfiguration?
    }

    /// An access key of an account.
    struct Key: Sendable {
        var id: String
        var secret: String
    }

    /// An account that the node hosts.
    struct Account: Sendable {
        var id: AccountID
        /// Keys of the account itself; they act as its root.
        var keys: [Key]
        var organizationID: String?
        var organizationPaths: [String] = []
        var principals: [Principal] = []
    }

    /// A user or a role, with a user's keys.
    struct Principal: Sendable {
        var declaration: PrincipalDeclaration
        var keys: [Key]
    }

    /// The file that `busbar account`, `principal` and `key` edit, and the key of its secrets.
    struct Identities: Sendable {
        var file: String
        var sealingKeyFile: String?
        var sealingKeyVariable: String?
    }

    /// How logs are written.
    enum LogFormat: String, Sendable, CaseIterable {
        case text
        case json
    }

    var cell = "main"
    var node = "node-1"
    var dataDirectory = "/var/lib/busbar"
    var listeners: [Listener] = []
    /// Where `/livez`, `/readyz` and `/metrics` are served; nil to serve them on the API listeners.
    var admin: Listener?
    var accounts: [Account] = []
    /// Where more accounts and principals are, or nil.
    var identities: Identities?
    var quotas = Quotas()
    var strictCompatibility = false
    var maximumHops = 16
    var store = EmbeddedStoreConfiguration(directory: "")
    var http = HTTPServerConfiguration()
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text
    /// How long requests in flight may take to finish when the node stops.
    var stopTimeout = Duration.seconds(10)
}
