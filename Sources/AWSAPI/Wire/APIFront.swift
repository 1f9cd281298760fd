import EventModel
import SansIO
import SigV4

/// The API listener's handler: finds the service, verifies the signature, reads the members, runs the operation and words
/// the answer (spec: control §1, §2). One front belongs to one shard.
public final class APIFront: HTTPRequestHandler {
    /// A service behind the front.
    struct Route {
        let service: any APIService
        let signingName: String
        let wire: WireProtocol
    }

    /// A request on its way through the front.
    struct Exchange {
        let request: HTTPRequest
        let reply: any HTTPReply
        let requestID: String
        let route: Route
    }

    /// Answers requests that are not API calls, such as health checks; false when it does not know the request.
    public var fallback: (HTTPRequest, any HTTPReply) -> Bool = { _, _ in false }
    /// Hears of each answered call: service, operation, status, error code or nil.
    public var observer: (_ service: String, _ operation: String, _ status: Int, _ error: String?) -> Void = {
        _,
        _,
        _,
        _ in
    }
    /// The keys that may sign.
    public var keys: AccessKeys

    private let clock: any ClockPort
    private let digest: any SigV4Digest
    private let verifier: SigV4Verifier
    private var keyCache = SigningKeyCache()
    private var generator: SeededGenerator
    private var routes: [String: Route] = [:]
    /// Target prefixes and the signing names they belong to.
    private var prefixes: [String: String] = [:]

    /// Creates a front.
    ///
    /// - Parameters:
    ///   - keys: the keys that may sign.
    ///   - clock: time of the shard.
    ///   - digest: SHA-256 and HMAC.
    ///   - seed: seeds request ids.
    ///   - verifier: how strict signatures are taken.
    public init(
        keys: AccessKeys,
        clock: any ClockPort,
        digest: any SigV4Digest,
        seed: UInt64,
        verifier: SigV4Verifier = SigV4Verifier()
    ) {
        self.keys = keys
        self.clock = clock
        self.digest = digest
        self.verifier = verifier
        generator = SeededGenerator(seed: seed)
    }

    /// Adds the `events` service.
    public func serveEvents(_ service: any APIService) {
        prefixes["AWSEvents"] = "events"
        let wire = WireProtocol.json(version: "1.1", isQueryCompatible: false)
        routes["events"] = Route(service: service, signingName: "events", wire: wire)
    }

    /// Adds the `sqs` service.
    public func serveQueues(_ service: any APIService) {
        prefixes["AmazonSQS"] = "sqs"
        let wire = WireProtocol.json(version: "1.0", isQueryCompatible: true)
        routes["sqs"] = Route(service: service, signingName: "sqs", wire: wire)
    }

    /// Adds the `sts` service.
    public func serveIdentity(_ service: any APIService) {
        let wire = WireProtocol.query(namespace: "https://sts.amazonaws.com/doc/2011-06-15/")
        routes["sts"] = Route(service: service, signingName: "sts", wire: wire)
    }

    /// Takes one request and sees to it that `reply` is answered exactly once.
    public func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        let requestID = EventID.make(using: &generator)
        let prefix = request.header("x-amz-target")?.prefix { $0 != "." }
        if request.header("authorization") == nil, prefix == nil, fallback(request, reply) { return }
        let parsed = SigV4Request.parse(request)
        let route: Route
        do throws(AWSError) {
            route = try self.route(prefix: prefix.map(String.init), scope: (try? parsed.get())?.service, request)
        } catch {
            let wire = WireProtocol.json(version: "1.1", isQueryCompatible: false)
            observer("", "", error.kind.status, error.kind.code)
            reply.send(wire.response(error, request: request, requestID: requestID))
            return
        }
        let exchange = Exchange(request: request, reply: reply, requestID: requestID, route: route)
        do throws(AWSError) {
            // Without its body a request cannot be verified.
            if case .bodyTooLarge(let limit)? = request.fault {
                throw AWSError(.requestTooLarge, "The request body is longer than the limit of \(limit) bytes.")
            }
            let caller = try authenticate(parsed, route)
            try perform(exchange, by: caller.caller, region: caller.region)
        } catch {
            answer(exchange, operation: "", .failure(error))
        }
    }

    /// Finds the service by target prefix, form action or credential scope (spec: control §1.7).
    private func route(prefix: String?, scope: String?, _ request: HTTPRequest) throws(AWSError) -> Route {
        if let prefix {
            guard let name = prefixes[prefix], let route = routes[name] else {
                let target = request.header("x-amz-target") ?? ""
                throw AWSError(.unknownOperation, "Busbar does not have the operation \(target).")
            }
            return route
        }
        if let scope {
            if let route = routes[scope] { return route }
            throw AWSError(.unknownOperation, "Busbar does not have the service \(scope).")
        }
        let isForm = request.header("content-type")?.hasPrefix("application/x-www-form-urlencoded") ?? false
        if isForm || request.target.contains("Action="), let route = routes["sts"] { return route }
        guard let route = routes["events"] else {
            throw AWSError(.unknownOperation, "The request names no operation.")
        }
        return route
    }

    private func authenticate(
        _ parsed: Result<SignedRequest, SigV4Failure>,
        _ route: Route
    ) throws(AWSError) -> (caller: Caller, region: String) {
        let failure: SigV4Failure
        switch parsed {
        case .failure(let fault): failure = fault
        case .success(let signed):
            let key = keys[signed.accessKeyID]
            let verdict = verifier.verify(
                signed,
                credential: key?.credential,
                now: clock.now,
                expectedService: route.signingName,
                digest: digest,
                keyCache: &keyCache
            )
            switch verdict {
            case .refused(let fault): failure = fault
            case .verified:
                guard let key else {
                    failure = .unknownAccessKey
                    break
                }
                return (key.caller, signed.region)
            }
        }
        let dialect = route.wire.dialect(service: route.signingName)
        let kind = AWSErrorKind(failure.code(for: dialect), status: failure.httpStatus(for: dialect))
        throw AWSError(kind, failure.message(for: dialect))
    }

    private func perform(_ exchange: Exchange, by caller: Caller, region: String) throws(AWSError) {
        let request = exchange.request
        let (name, input) = try read(exchange)
        guard let operation = exchange.route.service.operation(named: name) else {
            throw unknown(name, exchange.route)
        }
        let scheme = request.connection.isSecure ? "https" : "http"
        let call = APICall(
            caller: caller,
            region: region,
            requestID: exchange.requestID,
            now: clock.now,
            input: input,
            endpoint: "\(scheme)://\(request.header("host") ?? "localhost")",
            sourceAddress: request.connection.remoteAddress,
            isSecure: request.connection.isSecure,
            userAgent: request.header("user-agent") ?? "",
            referer: request.header("referer") ?? "",
            onCancel: { exchange.reply.onCancel = $0 }
        )
        operation(call) { [self] result in answer(exchange, operation: name, result) }
    }

    private func unknown(_ name: String, _ route: Route) -> AWSError {
        if case .query = route.wire {
            return AWSError(.invalidAction, "The action \(name) is not valid for this web service.")
        }
        return AWSError(.unknownOperation, "Busbar does not have the operation \(name) of \(route.signingName).")
    }

    /// The operation's name and members.
    private func read(_ exchange: Exchange) throws(AWSError) -> (name: String, input: JSONObject) {
        let request = exchange.request
        if case .query = exchange.route.wire {
            let query = request.target.utf8.drop { $0 != UInt8(ascii: "?") }.dropFirst()
            let fields = try request.body.isEmpty ? FormFields.parse(query) : FormFields.parse(request.body)
            return (fields["Action"]?.string ?? "", fields)
        }
        guard let target = request.header("x-amz-target"), let dot = target.firstIndex(of: ".") else {
            throw AWSError(.unknownOperation, "The request has no X-Amz-Target header.")
        }
        let name = String(target[target.index(after: dot)...])
        guard !request.body.isEmpty else { return (name, JSONObject()) }
        do throws(JSONError) {
            guard let object = try JSONValue(parsing: request.body).object else {
                throw JSONError(.unexpectedCharacter, at: 0)
            }
            return (name, object)
        } catch {
            throw AWSError(.serialization, "The request body is not a JSON object: \(error).")
        }
    }

    private func answer(_ exchange: Exchange, operation: String, _ result: APIResult) {
        let response: HTTPResponse
        switch result {
        case .success(let output):
            response = exchange.route.wire.response(output, operation: operation, requestID: exchange.requestID)
            observer(exchange.route.signingName, operation, response.status, nil)
        case .failure(let error):
            response = exchange.route.wire.response(error, request: exchange.request, requestID: exchange.requestID)
            observer(exchange.route.signingName, operation, response.status, error.kind.code)
        }
        exchange.reply.send(response)
    }
}
