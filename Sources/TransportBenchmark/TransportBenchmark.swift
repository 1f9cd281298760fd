import Glibc
import NIOPosix
import SansIO
import Transport

/// `TransportBenchmark serve --certificate path --key path [--authority path] [--port n]`
///
/// Serves on one event loop, prints `listening PORT`, and ends when its standard input does. With an authority, clients
/// must show a certificate.
@main
struct TransportBenchmark {
    private var certificate = ""
    private var key = ""
    private var authority: String?
    private var port = 0

    /// Not asynchronous, as the first thread of an asynchronous program ends early, which valgrind cannot follow.
    static func main() {
        var benchmark = TransportBenchmark()
        var arguments = CommandLine.arguments.dropFirst()
        guard let role = arguments.popFirst(), benchmark.parse(arguments), role == "serve" else {
            print("usage: TransportBenchmark serve --certificate path --key path [--authority path] [--port n]")
            exit(2)
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        Task(executorPreference: LoopExecutor(eventLoop: group.next())) { [benchmark] in
            do {
                print("listening \(try await benchmark.serve(on: group))")
                fflush(nil)
            } catch {
                print("failed: \(error)")
                exit(1)
            }
        }
        var byte: UInt8 = 0
        while read(0, &byte, 1) > 0 {}
        exit(0)
    }

    private mutating func parse(_ arguments: ArraySlice<String>) -> Bool {
        var rest = arguments
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else { return false }
            switch option {
            case "--certificate": certificate = value
            case "--key": key = value
            case "--authority": authority = value
            case "--port": port = Int(value) ?? 0
            default: return false
            }
        }
        return !certificate.isEmpty && !key.isEmpty
    }

    /// - Returns: the port.
    private func serve(on group: MultiThreadedEventLoopGroup) async throws -> Int {
        let configuration = TLSConfiguration(
            certificateChainFile: certificate,
            privateKeyFile: key,
            peerVerification: authority.map { .required(caFile: $0) } ?? .none,
            minimumVersion: .tls13
        )
        let tls = try TLSContext(role: .server, configuration: configuration)
        return try await HTTPServer.start(group: group, host: "127.0.0.1", port: port, tls: tls) { _ in
            SmallAnswers()
        }.port
    }
}

/// Answers every request at once with a few bytes, as a file server with a small file does.
private final class SmallAnswers: HTTPRequestHandler {
    private let response = HTTPResponse(
        status: 200,
        headers: [HTTPField("content-type", "text/plain"), HTTPField("server", "busbar")],
        body: Array("accepted\n".utf8)
    )

    func handle(_ request: HTTPRequest, _ reply: any HTTPReply) {
        reply.send(response)
    }
}
