import NIOCore
import NIOHTTP1
import SansIO

/// An HTTP/1.1 request whose header is in and whose body may not be.
struct PartialRequest {
    var request: HTTPRequest
    let isVersion10: Bool
    /// The connection closes after the answer.
    var closesAfter: Bool
    /// The client waits for leave to send the body.
    var expectsContinue: Bool
    /// What the body takes of its client's budget.
    private(set) var heldBytes: HeldBytes?
    /// The body's length when it was declared, else 0.
    let declaredBytes: Int

    /// Checks what the decoder leaves to its user: framing that two readers could take in two ways (RFC 9112 §6.3) and
    /// the one `host` field (RFC 9112 §3.2), in whose place the authority of a target in absolute form comes (§3.2.2).
    ///
    /// - Returns: nil when the request must be refused.
    init?(_ head: HTTPRequestHead, _ info: HTTPConnectionInfo) {
        var headers: [HTTPField] = []
        headers.reserveCapacity(head.headers.count)
        var framing = Framing()
        for (name, value) in head.headers {
            let field = HTTPField(Self.lowercased(name), Self.trimmed(value))
            guard HeaderRules.isUsableName(field.name), framing.note(field) else { return nil }
            headers.append(field)
        }
        isVersion10 = head.version.minor == 0
        guard framing.isSound(isVersion10: isVersion10) else { return nil }
        declaredBytes = framing.contentLength ?? 0
        expectsContinue = framing.expectsContinue && !isVersion10
        // The decoder stops for good after a request for another protocol, which is not spoken here.
        closesAfter = !head.isKeepAlive || framing.asksForUpgrade || head.method == .CONNECT
        var target = head.uri
        if let parts = Authority.split(target, method: head.method.rawValue) {
            guard !parts.authority.isEmpty, Authority.isValid(parts.authority) else { return nil }
            target = parts.rest
            let field = HTTPField("host", parts.authority)
            if let index = headers.firstIndex(where: { $0.name == "host" }) {
                headers[index] = field
            } else {
                headers.append(field)
            }
        }
        request = HTTPRequest(
            method: head.method.rawValue,
            target: target,
            headers: headers,
            body: [],
            connection: info
        )
        if let length = framing.contentLength { request.body.reserveCapacity(min(length, 64 << 10)) }
    }

    /// What came of adding a part of the body.
    enum AppendResult {
        case taken
        /// The body would grow past its limit.
        case tooLong
        /// The client's budget has no room for it.
        case noRoom
    }

    /// Adds a part of the body, if it stays within `limit` bytes and the budget.
    mutating func append(_ bytes: ByteBuffer, limit: Int, of budget: ByteBudget) -> AppendResult {
        guard request.body.count + bytes.readableBytes <= limit else { return .tooLong }
        let held = heldBytes ?? HeldBytes(budget)
        heldBytes = held
        guard held.add(bytes.readableBytes) else { return .noRoom }
        bytes.withUnsafeReadableBytes { request.body.append(contentsOf: $0) }
        return .taken
    }

    private static func lowercased(_ name: String) -> String {
        let hasCapital = name.utf8.contains { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") }
        return hasCapital ? String(decoding: name.utf8.map(HeaderRules.lower), as: UTF8.self) : name
    }

    private static func trimmed(_ value: String) -> String {
        let bytes = value.utf8
        func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
        guard let first = bytes.first, let last = bytes.last, isSpace(first) || isSpace(last) else { return value }
        guard let start = bytes.firstIndex(where: { !isSpace($0) }),
            let end = bytes.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(value[start...end])
    }
}

/// What a header list says about where its message ends.
private struct Framing {
    var contentLength: Int?
    var transferEncodings = 0
    var hosts = 0
    var expectsContinue = false
    var asksForUpgrade = false

    /// Takes one field.
    ///
    /// - Returns: false when it alone makes the request unusable.
    mutating func note(_ field: HTTPField) -> Bool {
        switch field.name {
        case "content-length":
            let digits = field.value.utf8
            guard contentLength == nil, !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                let length = Int(field.value)
            else { return false }
            contentLength = length
        case "transfer-encoding":
            guard HeaderRules.equals(field.value, "chunked") else { return false }
            transferEncodings += 1
        case "host":
            hosts += 1
            return Authority.isValid(field.value)
        case "expect":
            if HeaderRules.equals(field.value, "100-continue") { expectsContinue = true }
        case "upgrade":
            asksForUpgrade = true
        default:
            break
        }
        return true
    }

    /// True when there is one way only to find the message's end.
    func isSound(isVersion10: Bool) -> Bool {
        if transferEncodings > 0, contentLength != nil || transferEncodings > 1 || isVersion10 { return false }
        return hosts == 1 || (isVersion10 && hosts == 0)
    }
}
