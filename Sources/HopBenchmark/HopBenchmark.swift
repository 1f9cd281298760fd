import Glibc
import NIOCore
import NIOPosix

/// One end of a hop between two cells, in a process of its own.
///
/// `HopBenchmark receive --directory PATH --certs PATH` prints `listening PORT`, answers the events of the other end, and on
/// each line of its standard input prints one JSON object with what it has used and seen since the last one.
///
/// `HopBenchmark send --directory PATH --certs PATH --port PORT` reads lines of its standard input, each `EVENTS RATE` with rate 0
/// for as fast as possible, puts that many events on a bus whose rule forwards them to the other end, and prints one JSON
/// object when the last delivery is settled.
///
/// Both keep their data in an embedded store, as nodes do, and end with their standard input.
@main
struct HopBenchmark {
    static func main() async {
        var options: [String: String] = [:]
        let arguments = Array(CommandLine.arguments.dropFirst())
        for index in stride(from: 1, to: arguments.count - 1, by: 2) {
            options[arguments[index]] = arguments[index + 1]
        }
        guard let role = arguments.first, let directory = options["--directory"], let certs = options["--certs"] else {
            return usage()
        }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            switch role {
            case "receive":
                let cell = try await ReceivingEnd.start(group, directory: directory, certs: certs)
                print("listening \(cell.port)")
                fflush(nil)
                while readLine() != nil {
                    print(try await cell.report())
                    fflush(nil)
                }
            case "send":
                guard let port = options["--port"].flatMap(UInt16.init) else { return usage() }
                let cell = try await SendingEnd.start(group, directory: directory, certs: certs, port: port)
                print("ready")
                fflush(nil)
                while let line = readLine() {
                    let words = line.split(separator: " ").compactMap { Int($0) }
                    guard words.count == 2 else { continue }
                    print(try await cell.run(events: words[0], rate: words[1]))
                    fflush(nil)
                }
            default: return usage()
            }
        } catch {
            print("failed: \(error)")
            exit(1)
        }
        exit(0)
    }

    private static func usage() {
        print("usage: HopBenchmark receive|send --directory PATH --certs PATH [--port PORT]")
        exit(2)
    }
}
