import SansIO

/// A request to an HTTPS endpoint.
public struct HTTPSRequest: Sendable, Hashable {
    /// The method in upper case, e.g. `POST`.
    public let method: String
    /// The host name in lower case, or the IP address without brackets.
    public let host: String
    /// The port; 443 unless the URL names another.
    public let port: UInt16
    /// Path and query, as they are sent; at least `/`.
    public let target: String
    /// Header fields. `host` and those about the connection and the body's length are added by the client, and left out
    /// when given.
    public let headers: [HTTPField]
    /// The whole body.
    public let body: [UInt8]

    /// Creates a request; nil when the method is no token or the URL is not one of this client's.
    ///
    /// - Parameters:
    ///   - method: the method in upper case.
    ///   - url: `https://host[:port][/path][?query]` in ASCII; a fragment is left out, a user name is not taken.
    ///   - headers: header fields.
    ///   - body: the whole body.
    public init?(method: String, url: String, headers: [HTTPField] = [], body: [UInt8] = []) {
        let scheme = "https://"
        guard HeaderRules.isUsableName(method), url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            url.prefix(scheme.count).lowercased() == scheme
        else { return nil }
        let rest = url.dropFirst(scheme.count).prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let (host, port) = Self.parse(authority) else { return nil }
        let target = rest.dropFirst(authority.count)
        self.method = method
        self.host = host
        self.port = port
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
        self.headers = headers
        self.body = body
    }

    private static func parse(_ authority: Substring) -> (host: String, port: UInt16)? {
        let host: Substring
        let port: Substring
        if authority.hasPrefix("[") {
            let inside = authority.dropFirst().prefix { $0 != "]" }
            guard inside.allSatisfy({ $0.isHexDigit || $0 == ":" || $0 == "." }) else { return nil }
            let behind = authority.dropFirst(1 + inside.count)
            guard behind.hasPrefix("]") else { return nil }
            host = inside
            port = behind.dropFirst()
        } else {
            host = authority.prefix { $0 != ":" }
            port = authority.dropFirst(host.count)
            guard host.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "." || $0 == "_" }) else {
                return nil
            }
        }
        guard !host.isEmpty else { return nil }
        if port.isEmpty { return (host.lowercased(), 443) }
        guard port.hasPrefix(":"), port.dropFirst().allSatisfy(\.isNumber), let number = UInt16(port.dropFirst()),
            number > 0
        else { return nil }
        return (host.lowercased(), number)
    }

    /// The `host` field: the port only if it is not the usual one.
    var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == 443 ? name : "\(name):\(port)"
    }
}
