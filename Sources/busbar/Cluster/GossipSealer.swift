import COpenSSL
import Transport

/// Seals and opens datagrams with a key ring: AES-256-GCM.
///
/// A sealed datagram is the key's number, the nonce, the sealed message and the tag; the number is authenticated too. All
/// nodes share the keys, so a nonce must not repeat among any of them: it is eight random bytes, drawn for each process and
/// ring, and a counter of four, and the random part is drawn anew when the counter has run out.
final class GossipSealer {
    /// By how many bytes a message grows.
    static let overheadBytes = numberBytes + AEADKey.nonceBytes + AEADKey.tagBytes
    private static let numberBytes = 4
    private static let prefixBytes = 8

    private(set) var ring: GossipKeyRing
    private var keys: [(number: [UInt8], key: AEADKey)]
    private var prefix: [UInt8]
    private var counter: UInt32 = 0

    /// Prepares the keys of a ring; nil when out of memory.
    init?(_ ring: GossipKeyRing) {
        guard let keys = Self.prepare(ring), let prefix = Self.drawPrefix() else { return nil }
        self.ring = ring
        self.keys = keys
        self.prefix = prefix
    }

    private static func prepare(_ ring: GossipKeyRing) -> [(number: [UInt8], key: AEADKey)]? {
        var keys: [(number: [UInt8], key: AEADKey)] = []
        for key in ring.keys {
            guard let prepared = AEADKey(key.bytes) else { return nil }
            keys.append((bytes(of: key.number), prepared))
        }
        return keys
    }

    private static func bytes(of number: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) }
    }

    private static func drawPrefix() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: prefixBytes)
        return RAND_bytes(&bytes, Int32(prefixBytes)) == 1 ? bytes : nil
    }

    /// Takes another ring into use; false when out of memory, and the present one stays.
    func replace(_ ring: GossipKeyRing) -> Bool {
        guard ring != self.ring else { return true }
        guard let keys = Self.prepare(ring), let prefix = Self.drawPrefix() else { return false }
        self.ring = ring
        self.keys = keys
        self.prefix = prefix
        counter = 0
        return true
    }

    /// Seals a message in place with the ring's first key; leaves it empty when that is not possible.
    func seal(_ message: inout [UInt8]) {
        if counter == .max {
            guard let next = Self.drawPrefix() else {
                message = []
                return
            }
            prefix = next
            counter = 0
        }
        counter += 1
        let nonce = prefix + Self.bytes(of: counter)
        let (number, key) = keys[0]
        guard key.seal(&message, nonce: nonce, associated: number) else { return }
        message.insert(contentsOf: number + nonce, at: 0)
    }

    /// Opens a datagram in place; false when no key of the ring fits.
    func open(_ datagram: inout [UInt8]) -> Bool {
        guard datagram.count >= Self.overheadBytes,
            let key = keys.first(where: { datagram.starts(with: $0.number) })
        else { return false }
        let head = Self.numberBytes + AEADKey.nonceBytes
        let nonce = Array(datagram[Self.numberBytes..<head])
        datagram.removeFirst(head)
        return key.key.open(&datagram, nonce: nonce, associated: key.number)
    }
}
