import COpenSSL
import Foundation
import Glibc

/// The keys that seal gossip, as the key ring file has them: a key a line, 64 hexadecimal digits, the one in use first.
///
/// A datagram names its key by number, so a ring changes without a pause: first every node gets the new key, then every node
/// uses it, then every node forgets the old one.
struct GossipKeyRing: Equatable, Sendable {
    /// Why a ring cannot be used or changed.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// One key.
    struct Key: Hashable, Sendable {
        let bytes: [UInt8]
        /// Names the key in datagrams and for people: the beginning of a digest of it.
        let number: UInt32

        init(bytes: [UInt8]) {
            self.bytes = bytes
            // The prefix keeps the digest apart from any other use of the key.
            let digest = OpenSSLDigest.sha256(Array("busbar gossip key".utf8) + bytes)
            number = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
        }

        /// The number as eight hexadecimal digits.
        var name: String { Self.name(number) }

        static func name(_ number: UInt32) -> String {
            let digits = String(number, radix: 16)
            return String(repeating: "0", count: 8 - digits.utf8.count) + digits
        }
    }

    /// The keys that open datagrams; the first seals them. At least one.
    private(set) var keys: [Key]
    /// A rotation needs two keys; a few more leave room for one that was broken off.
    static let maximumKeys = 8

    /// Reads the text of a ring file. Lines that begin with `#`, and empty ones, count for nothing.
    init(_ text: String) throws(Failure) {
        keys = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let word = line.trimmingCharacters(in: .whitespaces)
            guard !word.isEmpty, !word.hasPrefix("#") else { continue }
            guard let key = Self.key(hexadecimal: word) else {
                throw Failure(description: "line \(index + 1) is not 64 hexadecimal digits")
            }
            if keys.contains(where: { $0.number == key.number }) {
                throw Failure(description: "line \(index + 1) repeats a key")
            }
            keys.append(key)
        }
        guard !keys.isEmpty else { throw Failure(description: "there is no key") }
        guard keys.count <= Self.maximumKeys else {
            throw Failure(description: "there are more than \(Self.maximumKeys) keys")
        }
    }

    /// Reads a ring file.
    static func load(_ file: String) throws(Failure) -> GossipKeyRing {
        guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
            throw Failure(description: "the key ring \(file) cannot be read")
        }
        do {
            return try GossipKeyRing(text)
        } catch {
            throw Failure(description: "the key ring \(file) cannot be used: \(error)")
        }
    }

    /// The text of a ring file.
    var text: String { keys.map { Self.hexadecimal($0.bytes) + "\n" }.joined() }

    /// Replaces a ring file in one step, and waits until it is on the disk; only its owner may read it.
    func save(_ file: String) throws(Failure) {
        let place = URL(fileURLWithPath: file)
        let new = place.path + ".new"
        unlink(new)
        guard Self.write(text, to: new), rename(new, place.path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(new)
            throw Failure(description: "the key ring \(file) cannot be written: \(reason)")
        }
        // A node that starts after a power failure must not come up with a key that the others have taken away.
        let folder = open(place.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if folder >= 0 { close(folder) } }
        guard folder >= 0, fsync(folder) == 0 else {
            throw Failure(description: "the key ring \(file) is written and may not be on the disk yet")
        }
    }

    /// Writes a new file and syncs it; false when `errno` tells why not.
    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return false }
        let bytes = Array(text.utf8)
        // A ring has a few hundred bytes: a file system that takes fewer at once is full.
        let isWritten = Glibc.write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        return close(descriptor) == 0 && isWritten
    }

    /// Adds a key that opens datagrams and does not seal them yet. One that is there stays as it is.
    mutating func add(_ bytes: [UInt8]) throws(Failure) {
        let key = Key(bytes: bytes)
        guard bytes.count == 32 else { throw Failure(description: "a key has 32 bytes") }
        if keys.contains(key) { return }
        guard keys.count < Self.maximumKeys, !keys.contains(where: { $0.number == key.number }) else {
            throw Failure(description: "the ring takes no further key")
        }
        keys.append(key)
    }

    /// Makes a key of the ring the one that seals.
    mutating func use(_ number: UInt32) throws(Failure) {
        guard let index = keys.firstIndex(where: { $0.number == number }) else {
            throw Failure(description: "the ring has no key \(Key.name(number))")
        }
        keys.insert(keys.remove(at: index), at: 0)
    }

    /// Takes a key away that does not seal. One that is not there is gone already.
    mutating func remove(_ number: UInt32) throws(Failure) {
        guard keys[0].number != number else {
            throw Failure(description: "the key \(Key.name(number)) is in use")
        }
        keys.removeAll { $0.number == number }
    }

    /// A key from 64 hexadecimal digits; nil for any other text.
    static func key(hexadecimal text: some StringProtocol) -> Key? {
        let digits = text.utf8.map { Self.digit($0) }
        let values = digits.compactMap { $0 }
        guard digits.count == 64, values.count == 64 else { return nil }
        return Key(bytes: stride(from: 0, to: 64, by: 2).map { values[$0] << 4 | values[$0 + 1] })
    }

    /// Two hexadecimal digits a byte.
    static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return text.utf8.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
