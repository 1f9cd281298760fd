import Glibc
import NIOCore
import NIOPosix

/// Why a connection could not be made, or broke, in words for people who do not know this program's parts.
enum ConnectFailure {
    /// Words for an error of the event loop's or the system's.
    static func words(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError: words(error)
        case let error as IOError: words(error)
        case ChannelError.connectTimeout: "timed out"
        case is ChannelError: "the connection was closed"
        case is EventLoopError: "this node is stopping"
        default: "\(error)"
        }
    }

    /// A name may stand for several addresses; each reason is told once.
    private static func words(_ error: NIOConnectionError) -> String {
        var reasons: [String] = []
        for failure in error.connectionErrors {
            let reason = words(failure.error)
            if !reasons.contains(reason) { reasons.append(reason) }
        }
        return reasons.isEmpty ? "no address was found for \(error.host)" : reasons.joined(separator: "; ")
    }

    private static func words(_ error: IOError) -> String {
        var text = [CChar](repeating: 0, count: 256)
        guard strerror_r(error.errnoCode, &text, text.count) == 0 else { return "system error \(error.errnoCode)" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).lowercased()
    }
}
