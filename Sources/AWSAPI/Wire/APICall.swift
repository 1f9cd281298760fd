import EventModel
import SansIO

/// Who makes an API call: a principal of an account, proven by a signature.
public struct Caller: Sendable, Equatable {
    /// The account that the principal belongs to.
    public var account: AccountID
    /// The principal's ARN as denial texts and GetCallerIdentity print it.
    public var arn: String
    /// The unique id that GetCallerIdentity shows.
    public var userID: String

    /// Creates a caller.
    public init(account: AccountID, arn: String, userID: String) {
        self.account = account
        self.arn = arn
        self.userID = userID
    }

    /// A user of an account.
    public static func user(_ arn: String, name: String, of account: AccountID) -> Caller {
        Caller(account: account, arn: arn, userID: name)
    }

    /// The root user of an account.
    public static func root(of account: AccountID) -> Caller {
        Caller(account: account, arn: "arn:aws:iam::\(account):root", userID: account.description)
    }
}

/// One authenticated call of an operation.
public struct APICall {
    /// Who calls.
    public var caller: Caller
    /// The region of the credential scope; it selects the tenant's region (spec: control §2.9).
    public var region: String
    /// The request's id, as the response header shows it.
    public var requestID: String
    /// When the request was taken in.
    public var now: Timestamp
    /// The members of the request.
    public var input: JSONObject
    /// `scheme://host[:port]` by which the client reached the server.
    public var endpoint: String
    /// The client's address.
    public var sourceAddress: String
    /// Whether the connection is protected by TLS.
    public var isSecure: Bool
    /// The client's `User-Agent`, or empty.
    public var userAgent: String
    /// The client's `Referer`, or empty.
    public var referer: String
    /// Calls `action` once if the client goes away before the call is answered.
    public var onCancel: (@escaping () -> Void) -> Void

    /// Creates a call.
    public init(
        caller: Caller,
        region: String,
        requestID: String,
        now: Timestamp,
        input: JSONObject,
        endpoint: String,
        sourceAddress: String = "",
        isSecure: Bool = false,
        userAgent: String = "",
        referer: String = "",
        onCancel: @escaping (@escaping () -> Void) -> Void = { _ in }
    ) {
        self.caller = caller
        self.region = region
        self.requestID = requestID
        self.now = now
        self.input = input
        self.endpoint = endpoint
        self.sourceAddress = sourceAddress
        self.isSecure = isSecure
        self.userAgent = userAgent
        self.referer = referer
        self.onCancel = onCancel
    }
}

/// The answer of an operation: the output members, nil for an operation without output, or an error.
public typealias APIResult = Result<JSONObject?, AWSError>

/// An operation: takes a call and answers exactly once, now or later on the same shard.
public typealias APIOperation = (APICall, @escaping (APIResult) -> Void) -> Void

/// A service behind the API listener.
public protocol APIService: AnyObject {
    /// The operation of that name, or nil.
    func operation(named name: String) -> APIOperation?
}
