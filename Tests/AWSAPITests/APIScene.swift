import AWSAPI
import EventModel
import Router
import SansIO
import SigV4
import Simulation

/// The API front over a whole router in memory, called as a client would: with signed requests.
final class APIScene {
    let shard = VirtualShard()
    let front: APIFront
    let router: EventRouter
    static let secret = "swift/Example+Secret/Key0123456789abcdEFG"

    init() {
        let store = MemoryStore { [shard] in shard.post($0) }
        let decider = PolicyDecider(clock: shard)
        let accounts = ["111122223333", "444455556666"].compactMap { AccountID($0) }
        router = EventRouter(accounts: Set(accounts), store: store, clock: shard, decider: decider, seed: 3)
        var keys = AccessKeys()
        for (account, name) in zip(accounts, ["AKIAAAAAAAAAAAAAAAAA", "AKIABBBBBBBBBBBBBBBB"]) {
            keys[name] = AccessKeys.Key(
                credential: SigV4Credential(secret: Self.secret),
                caller: .root(of: account)
            )
        }
        front = APIFront(keys: keys, clock: shard, digest: WeakDigest(), seed: 5)
        front.serveEvents(EventService(router: router))
        front.serveQueues(QueueService(driver: router.queues, access: decider))
        front.serveIdentity(IdentityService())
        router.start { _ in }
        shard.run()
    }

    /// An answer, taken apart.
    struct Answer {
        var status = 0
        var code: String?
        var message: String?
        var body: JSONObject = [:]
        var text = ""
        var headers: [HTTPField] = []
    }

    /// Calls an operation of `events` as account a or b.
    @discardableResult
    func events(_ operation: String, _ input: String, as account: Character = "a") -> Answer {
        call(request("AWSEvents.\(operation)", input, service: "events", as: account))
    }

    /// Calls an operation of `sqs`.
    @discardableResult
    func queues(_ operation: String, _ input: String, as account: Character = "a") -> Answer {
        var request = plain("AmazonSQS.\(operation)", input)
        request.headers.append(HTTPField("x-amzn-query-mode", "true"))
        return call(signed(request, service: "sqs", as: account))
    }

    func request(
        _ target: String,
        _ input: String,
        service: String,
        as account: Character = "a"
    ) -> HTTPRequest {
        signed(plain(target, input), service: service, as: account)
    }

    func plain(_ target: String, _ input: String) -> HTTPRequest {
        HTTPRequest(
            method: "POST",
            target: "/",
            headers: [
                HTTPField("host", "127.0.0.1:8010"),
                HTTPField("content-type", "application/x-amz-json-1.1"),
                HTTPField("x-amz-target", target),
            ],
            body: Array(input.utf8),
            connection: HTTPConnectionInfo(remoteAddress: "127.0.0.1", isSecure: false, majorVersion: 1)
        )
    }

    func signed(
        _ request: HTTPRequest,
        service: String,
        as account: Character = "a",
        secret: String = APIScene.secret,
        offset: Duration = .zero
    ) -> HTTPRequest {
        var request = request
        var signer = SigV4Signer(
            accessKeyID: account == "a" ? "AKIAAAAAAAAAAAAAAAAA" : "AKIABBBBBBBBBBBBBBBB",
            secret: secret,
            region: "us-east-1",
            service: service
        )
        signer.sign(&request, at: shard.now + offset, digest: WeakDigest())
        return request
    }

    func call(_ request: HTTPRequest) -> Answer {
        let reply = CapturedReply()
        front.handle(request, reply)
        shard.run()
        var answer = Answer()
        guard let response = reply.response else { return answer }
        answer.status = response.status
        answer.headers = response.headers
        answer.text = String(decoding: response.body, as: UTF8.self)
        if let object = (try? JSONValue(parsing: response.body))?.object { answer.body = object }
        answer.code = answer.body["__type"]?.string
        answer.message = answer.body["message"]?.string
        return answer
    }
}

/// Keeps the response.
final class CapturedReply: HTTPReply {
    private(set) var response: HTTPResponse?
    var onCancel: (() -> Void)?

    func send(_ response: HTTPResponse) {
        if self.response == nil { self.response = response }
    }
}

/// Not a cryptographic digest: enough to tell texts and keys apart where signatures themselves are not the point.
struct WeakDigest: SigV4Digest {
    func sha256(_ message: UnsafeRawBufferPointer, into result: UnsafeMutableRawBufferPointer) {
        mix(0x9E37_79B9_7F4A_7C15, [message], result)
    }

    func hmacSHA256(
        key: UnsafeRawBufferPointer,
        message: UnsafeRawBufferPointer,
        into result: UnsafeMutableRawBufferPointer
    ) {
        mix(0xBF58_476D_1CE4_E5B9, [key, message], result)
    }

    private func mix(_ seed: UInt64, _ parts: [UnsafeRawBufferPointer], _ result: UnsafeMutableRawBufferPointer) {
        var state = seed
        for part in parts {
            for byte in part { state = (state ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
            state = (state ^ UInt64(part.count)) &* 0x94D0_49BB_1331_11EB
        }
        var generator = SeededGenerator(seed: state)
        for word in 0..<4 { result.storeBytes(of: generator.next(), toByteOffset: word * 8, as: UInt64.self) }
    }
}
