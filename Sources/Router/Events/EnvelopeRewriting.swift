import EventModel
import SansIO

/// Reading and changing single members of an envelope without touching the rest.
enum EnvelopeRewriting {
    /// The envelope as it arrives in another region: with a new id and time (spec: patterns §6.1).
    static func arrival(_ envelope: [UInt8], id: String, time: Timestamp) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(envelope.count)
        var copied = 0
        visit(envelope) { key, value in
            let replacement: String
            switch key {
            case "id": replacement = id
            case "time": replacement = CivilTime(time).iso8601
            default: return
            }
            result.append(contentsOf: envelope[copied..<value.start])
            result.append(contentsOf: replacement.utf8)
            copied = value.end
        }
        result.append(contentsOf: envelope[copied...])
        return result
    }

    /// The values of `source` and `detail-type`; empty when absent.
    static func sourceAndType(_ envelope: [UInt8]) -> (source: String, detailType: String) {
        var source = ""
        var detailType = ""
        visit(envelope) { key, value in
            switch key {
            case "source": source = text(envelope, value)
            case "detail-type": detailType = text(envelope, value)
            default: break
            }
        }
        return (source, detailType)
    }

    private static func text(_ envelope: [UInt8], _ token: JSONToken) -> String {
        var bytes: [UInt8] = []
        JSONStrings.decode(envelope, token, into: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Calls `body` with each string member of the root that stands before `detail`, which comes last.
    private static func visit(_ envelope: [UInt8], _ body: (String, JSONToken) -> Void) {
        var reader = JSONReader(envelope)
        guard (try? reader.next())?.kind == .objectStart else { return }
        while let key = try? reader.next(), key.kind == .key {
            let name = text(envelope, key)
            guard name != "detail", let value = try? reader.next() else { return }
            if value.kind == .string { body(name, value) }
            guard (try? reader.skip(value)) != nil else { return }
        }
    }
}
