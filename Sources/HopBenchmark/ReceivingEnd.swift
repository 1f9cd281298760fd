import EventModel
import NIOCore
import NIOPosix
import Router
import SansIO
import Transport

/// The cell that hosts the receiving bus: a policy of five statements, one rule, one queue.
final class ReceivingEnd: Sendable {
    /// Where it listens for peers.
    let port: Int
    private let eventLoop: any EventLoop
    private let parts: NIOLoopBound<Parts>
    private let server: HTTPServer

    private final class Parts {
        let router: EventRouter
        let watch: WatchedReceiver
        var usedBefore: UInt64 = 0

        init(_ router: EventRouter, _ watch: WatchedReceiver) {
            self.router = router
            self.watch = watch
        }
    }

    private init(server: HTTPServer, eventLoop: any EventLoop, parts: NIOLoopBound<Parts>) {
        self.server = server
        port = server.port
        self.eventLoop = eventLoop
        self.parts = parts
    }

    /// Opens the store, makes bus, rule and queue, and listens.
    static func start(
        _ group: MultiThreadedEventLoopGroup,
        directory: String,
        certs: String
    ) async throws -> ReceivingEnd {
        let eventLoop = group.next()
        let account = BenchmarkCell.receiver
        let parts = try await eventLoop.submit {
            let router = try BenchmarkCell.router(eventLoop, directory: directory, hosting: account)
            let receiver = PeerReceiver(router: router, settings: PeerSettings(trustDomain: BenchmarkCell.trustDomain))
            return NIOLoopBound(Parts(router, WatchedReceiver(receiver)), eventLoop: eventLoop)
        }.get()
        try await BenchmarkCell.step(eventLoop) { done in parts.value.router.start(completion: done) }
        let queue = QueueKey(region: BenchmarkCell.region, account: account, name: "bench")
        let arn = "arn:aws:sqs:\(BenchmarkCell.region):\(account):bench"
        try await BenchmarkCell.step(eventLoop) { done in
            parts.value.router.queues.create(queue, attributes: [], tags: [], completion: done)
        }
        let core = try await eventLoop.submit { NIOLoopBound(parts.value.router, eventLoop: eventLoop) }.get()
        try await BenchmarkCell.putRule(core, eventLoop, of: account, to: arn)
        try await BenchmarkCell.step(eventLoop) { done in
            core.value.putPolicy(policy, on: BenchmarkCell.bus(account), completion: done)
        }
        let server = try await HTTPServer.start(
            group: group,
            host: "127.0.0.1",
            port: 0,
            tls: try BenchmarkCell.tls(.server, certs: certs)
        ) { _ in parts.value.watch }
        return ReceivingEnd(server: server, eventLoop: eventLoop, parts: parts)
    }

    /// Five statements, of which the last lets the sender in.
    private static var policy: String {
        let bus = BenchmarkCell.bus(BenchmarkCell.receiver).arn
        func statement(_ sid: String, _ effect: String, _ principal: String, _ condition: String) -> String {
            #"{"Sid":"\#(sid)","Effect":"\#(effect)","Principal":{"AWS":"\#(principal)"},"#
                + #""Action":"events:PutEvents","Resource":"\#(bus)","Condition":{"StringEquals":{\#(condition)}}}"#
        }
        let statements = [
            statement("one", "Deny", "*", #""events:source":"forbidden""#),
            statement("two", "Allow", "222233334444", #""events:detail-type":"payment""#),
            statement("three", "Allow", "333344445555", #""events:source":"shop""#),
            statement("four", "Deny", "*", #""aws:SourceAccount":"999999999999""#),
            statement("five", "Allow", "\(BenchmarkCell.sender)", #""events:source":"bench""#),
        ]
        return #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#
    }

    /// One JSON object with the figures since the last report.
    func report() async throws -> String {
        try await eventLoop.submit { [parts] in
            let parts = parts.value
            let book = parts.router.books[BenchmarkCell.bus(BenchmarkCell.receiver)] ?? BusBook()
            let used = Usage.cpu()
            defer {
                parts.usedBefore = used
                parts.watch.reset()
            }
            return "{\"accepted\":\(book.accepted),\"delivered\":\(book.delivered),\"cpu_us\":"
                + "\((used - parts.usedBefore) / 1000),\"requests\":\(parts.watch.requests),"
                + parts.watch.answers.fields("answer") + "," + parts.watch.journeys.fields("journey")
                + ",\"samples\":[\(parts.watch.samples.joined(separator: ","))]}"
        }.get()
    }
}
