import EventModel
import Foundation
import Logging
import SansIO

/// Writes log lines to standard error: readable text, or one JSON object a line.
struct LogOutput: LogHandler {
    let format: NodeConfiguration.LogFormat
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }
            .map { ($0.key, $0.value.description) }
            .sorted { $0.0 < $1.0 }
        let now = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let time = CivilTime(now).iso8601Milliseconds
        // A log that cannot be written, to a full disk or a closed pipe, must not end the process.
        try? FileHandle.standardError.write(
            contentsOf: Data(line(time, event.level.rawValue, event.message.description, fields).utf8)
        )
    }

    func line(_ time: String, _ level: String, _ message: String, _ fields: [(String, String)]) -> String {
        switch format {
        case .json:
            var object: JSONObject = ["time": .string(time), "level": .string(level), "message": .string(message)]
            for (key, value) in fields { object[key] = .string(value) }
            return JSONValue.object(object).text + "\n"
        case .text:
            let tail = fields.map { key, value in
                let plain = value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F } && !value.isEmpty
                return " \(key)=\(plain ? value : JSONValue.string(value).text)"
            }
            let padded = level + String(repeating: " ", count: max(0, 8 - level.count))
            return "\(time) \(padded) \(message)\(tail.joined())\n"
        }
    }
}
