import NIOCore
import SansIO
import Transport

/// Requests over one connection to a peer: whenever one is answered, the next one goes out.
final class LinkRun {
    /// Why a run has no result.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let links: PeerLinks
    private let options: Options
    private let body: [UInt8]
    private let promise: EventLoopPromise<String>
    private var left: Int
    private var waiting = 0
    private var startedAt = NIODeadline.now()

    private init(_ options: Options, tls: TLSContext, eventLoop: any EventLoop) {
        var settings = PeerLinkSettings()
        settings.connectionsPerPeer = 1
        settings.requestsPerConnection = options.outstanding
        links = PeerLinks(eventLoop: eventLoop, tls: tls, settings: settings, seed: 1)
        self.options = options
        body = [UInt8](repeating: UInt8(ascii: "x"), count: options.bytes)
        left = options.requests
        promise = eventLoop.makePromise()
    }

    /// Makes all requests.
    ///
    /// - Returns: how many were answered a second.
    /// - Throws: ``Failure`` at the first that fails.
    static func run(_ options: Options, on eventLoop: any EventLoop) async throws -> String {
        let tls = try TLSContext(role: .client, configuration: options.clientTLS)
        return try await eventLoop.flatSubmit {
            let run = LinkRun(options, tls: tls, eventLoop: eventLoop)
            run.connect()
            return run.promise.futureResult
        }.get()
    }

    /// The first request opens the connection, and does not count.
    private func connect() {
        exchange { [self] in
            startedAt = .now()
            for _ in 0..<options.outstanding { next() }
        }
    }

    private func next() {
        guard left > 0 else {
            if waiting == 0 { finish() }
            return
        }
        left -= 1
        waiting += 1
        exchange { [self] in
            waiting -= 1
            next()
        }
    }

    private func exchange(then goOn: @escaping () -> Void) {
        links.exchange(body, path: "/events", with: options.peer, timeout: .seconds(20)) { [self] result in
            switch result {
            case .success(let answer) where answer.status == 200: goOn()
            case .success(let answer): promise.fail(Failure(description: "answered with status \(answer.status)"))
            case .failure(let error): promise.fail(Failure(description: error.description))
            }
        }
    }

    private func finish() {
        let seconds = Double((NIODeadline.now() - startedAt).nanoseconds) / 1e9
        promise.succeed("requests-per-second \(Int(Double(options.requests) / seconds))")
    }
}
