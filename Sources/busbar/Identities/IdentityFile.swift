import EventModel
import Foundation
import Router

/// The file of accounts, users, roles and keys that `busbar account`, `principal` and `key` edit and a node reads.
struct IdentityFile: Codable, Equatable, Sendable {
    /// An access key; its secret is sealed.
    struct Key: Codable, Equatable, Sendable {
        var id: String
        var sealed: String
        var active: Bool
        var created: String
    }

    /// An account's place in an organization.
    struct Organization: Codable, Equatable, Sendable {
        var id: String
        var paths: [String]
    }

    /// A user or a role.
    struct Principal: Codable, Equatable, Sendable {
        var kind: String
        var name: String
        var path: String
        var tags: [String: String]
        var policies: [String]
        var boundary: String?
        var trust: String?
        var keys: [Key]
    }

    /// An account. Its own keys act as its root.
    struct Account: Codable, Equatable, Sendable {
        var id: String
        var organization: Organization?
        var keys: [Key]
        var principals: [Principal]
    }

    /// Why a file cannot be used, or a command cannot be done.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// The keys that a principal may have: two, so that one can replace the other while both work.
    static let keysPerPrincipal = 2

    var version = 1
    var accounts: [Account] = []

    /// Reads a file.
    static func load(_ path: String) throws -> IdentityFile {
        let data: Data
        do {
            data = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw Failure(description: "\(path) cannot be read: \(error.localizedDescription)")
        }
        let file: IdentityFile
        do {
            file = try JSONDecoder().decode(IdentityFile.self, from: data)
        } catch {
            throw Failure(description: "\(path) is not an identity file: \(Self.words(error))")
        }
        guard file.version == 1 else {
            throw Failure(description: "\(path) has version \(file.version); this program knows version 1")
        }
        return file
    }

    private static func words(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        func place(_ context: DecodingError.Context) -> String {
            context.codingPath.map(\.stringValue).joined(separator: ".")
        }
        switch error {
        case .keyNotFound(let key, let context):
            return "\(place(context)).\(key.stringValue) is missing"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return "\(place(context)): \(context.debugDescription)"
        @unknown default: return "\(error)"
        }
    }

    /// Changes a file under a lock: a new one takes its place at once and whole, or it stays as it is.
    ///
    /// - Parameters:
    ///   - path: the file; made when it is not there.
    ///   - change: what to do; when it throws nothing is written.
    /// - Returns: what `change` returns.
    /// - Throws: ``Failure``, or what `change` throws.
    static func edit<Value>(_ path: String, _ change: (inout IdentityFile) throws -> Value) throws -> Value {
        let lock = open(path + ".lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw Failure(description: "\(path).lock cannot be opened") }
        defer { close(lock) }
        guard flock(lock, LOCK_EX) == 0 else { throw Failure(description: "\(path).lock cannot be locked") }
        var file = FileManager.default.fileExists(atPath: path) ? try load(path) : IdentityFile()
        let value = try change(&file)
        file.accounts.sort { $0.id < $1.id }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        try replace(path, with: try encoder.encode(file) + Data("\n".utf8))
        return value
    }

    /// Writes beside the file, syncs and renames, readable for its owner only from the first byte.
    private static func replace(_ path: String, with data: Data) throws {
        let temporary = "\(path).\(getpid()).new"
        let descriptor = open(temporary, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure(description: "\(temporary) cannot be written") }
        let handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        do {
            try handle.write(contentsOf: data)
            try handle.synchronize()
            try handle.close()
        } catch {
            unlink(temporary)
            throw Failure(description: "\(temporary) cannot be written: \(error.localizedDescription)")
        }
        guard rename(temporary, path) == 0 else {
            unlink(temporary)
            throw Failure(description: "\(path) cannot be replaced")
        }
    }
}
