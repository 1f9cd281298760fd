import Glibc
import NIOPosix
import SansIO
import Transport

/// The transport without a router around it, to be measured from outside; `deploy/bench transport` runs it.
///
/// A server prints `listening PORT`; it ends when its standard input does.
@main
enum TransportBenchmark {
    /// Not asynchronous, as the first thread of an asynchronous program ends early, which valgrind cannot follow.
    static func main() {
        guard let options = Options(Array(CommandLine.arguments.dropFirst())) else {
            print(Options.usage)
            exit(2)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        Task(executorPreference: LoopExecutor(eventLoop: group.next())) {
            do {
                switch options.role {
                case .serve, .hop:
                    print("listening \(try await serve(options, on: group))")
                    fflush(nil)
                case .link:
                    print(try await LinkRun.run(options, on: group.next()))
                    exit(0)
                }
            } catch {
                print("failed: \(error)")
                exit(1)
            }
        }
        // A link ends by itself.
        if options.role == .link { while true { pause() } }
        var byte: UInt8 = 0
        while read(0, &byte, 1) > 0 {}
        exit(0)
    }

    /// - Returns: the port.
    private static func serve(_ options: Options, on group: MultiThreadedEventLoopGroup) async throws -> Int {
        let tls = try TLSContext(role: .server, configuration: options.serverTLS)
        let upstreamTLS = options.role == .hop ? try TLSContext(role: .client, configuration: options.clientTLS) : nil
        return try await HTTPServer.start(group: group, host: "127.0.0.1", port: options.port, tls: tls) { eventLoop in
            guard let upstreamTLS else { return SmallAnswers() }
            return Forwarder(links: PeerLinks(eventLoop: eventLoop, tls: upstreamTLS, seed: 1), peer: options.peer)
        }.port
    }
}
