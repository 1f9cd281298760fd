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
    /// How to talk to other cells; nil for a node that stands alone.
    var cluster: Cluster?
    var quotas = Quotas()
    /// Regions that clients may name; each account has buses and queues of its own in each.
    var regions = NodeConfiguration.commonRegions
    var strictCompatibility = false
    var maximumHops = 16
    var store = EmbeddedStoreConfiguration(directory: "")
    var http = HTTPServerConfiguration()
    var logLevel = Logger.Level.info
    var logFormat = LogFormat.text
    /// How long requests in flight may take to finish when the node stops.
    var stopTimeout = Duration.seconds(10)
    /// What the configuration file says that works and is seldom meant.
    var warnings: [String] = []
}

extension NodeConfiguration {
    /// The regions of AWS that need no opting in, and some that do: what clients name when nobody says otherwise.
    static let commonRegions = [
        "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2",
        "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "ap-south-1",
        "ap-south-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1", "ap-southeast-2",
        "ap-southeast-3", "ap-southeast-4", "ap-east-1", "me-south-1", "me-central-1", "af-south-1", "il-central-1",
    ]
}
