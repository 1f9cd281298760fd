import ArgumentParser
import EventModel
import Foundation
import Glibc

/// Asks a running node on its admin address: one request over plain HTTP, then the connection ends.
struct AdminClient {
    /// Why there is no answer.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private let url: String
    private let host: String
    private let port: String
    /// `HOST:PORT`, whichever way it was written.
    var address: String { "\(host.lowercased()):\(port)" }
    /// A node that does not answer within this many seconds is given up.
    private static let patience = 30

    /// Takes `http://HOST:PORT`.
    init(_ url: String) throws {
        guard let parts = URLComponents(string: url), parts.scheme == "http", let host = parts.host, !host.isEmpty
        else {
            throw ValidationError("'\(url)' is no admin address: it looks like http://127.0.0.1:8080")
        }
        self.url = url
        self.host = host.filter { $0 != "[" && $0 != "]" }
        port = String(parts.port ?? 80)
    }

    /// Posts a JSON object.
    ///
    /// - Returns: the answer's object, with status 200.
    /// - Throws: ``Failure`` with the node's own words when it refuses.
    func post(_ path: String, _ body: JSONObject = [:]) throws -> JSONObject {
        let payload = JSONValue.object(body).bytes
        let head =
            "POST \(path) HTTP/1.1\r\nhost: \(host):\(port)\r\ncontent-type: application/json\r\n"
            + "content-length: \(payload.count)\r\nconnection: close\r\n\r\n"
        return try object(try exchange(Data(head.utf8) + Data(payload)))
    }

    /// Gets a JSON object; otherwise as ``post(_:_:)``.
    func get(_ path: String) throws -> JSONObject {
        let head = "GET \(path) HTTP/1.1\r\nhost: \(host):\(port)\r\nconnection: close\r\n\r\n"
        return try object(try exchange(Data(head.utf8)))
    }

    private func object(_ answer: Data) throws -> JSONObject {
        guard let end = answer.range(of: Data("\r\n\r\n".utf8)),
            let status = String(decoding: answer[..<end.lowerBound], as: UTF8.self).split(separator: " ").dropFirst()
                .first
        else { throw Failure(description: "\(url) gives no HTTP answer") }
        let object = (try? JSONValue(parsing: [UInt8](answer[end.upperBound...])))?.object
        guard status == "200", let object else {
            let text = object?["error"]?.string ?? "it answers with status \(status); is it the node's admin address?"
            throw Failure(description: "\(url): \(text)")
        }
        return object
    }

    private func exchange(_ request: Data) throws -> Data {
        let descriptor = try connect()
        defer { close(descriptor) }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: false)
        do {
            try handle.write(contentsOf: request)
            return try handle.readToEnd() ?? Data()
        } catch {
            throw Failure(description: "\(url): \(error.localizedDescription)")
        }
    }

    private func connect() throws -> Int32 {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, port, &hints, &found) == 0, let first = found else {
            throw Failure(description: "\(url): the host is not known")
        }
        defer { freeaddrinfo(first) }
        var next: UnsafeMutablePointer<addrinfo>? = first
        while let address = next?.pointee {
            next = address.ai_next
            let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
            guard descriptor >= 0 else { continue }
            var limit = timeval(tv_sec: Self.patience, tv_usec: 0)
            let size = socklen_t(MemoryLayout<timeval>.size)
            setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
            setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
            if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return descriptor }
            close(descriptor)
        }
        throw Failure(description: "\(url): nothing listens there; is the node running?")
    }
}
