/// Signing keys that were used lately, so that most requests need one HMAC instead of five.
///
/// A key enters only after a request has proved to know it, so strangers cannot push out useful keys. An entry holds
/// the secret that it was derived from and is ignored when the caller's secret differs, so a changed secret takes effect
/// at once. The cache holds secrets: treat it like the credential store.
public struct SigningKeyCache: Sendable {
    private struct Scope: Hashable, Sendable {
        var accessKeyID: String
        var date: String
        var region: String
        var service: String
    }

    private struct Entry: Sendable {
        var secret: String
        var key: SHA256Hash
    }

    /// The most keys that the cache holds. At least 2.
    public let capacity: Int
    // Two generations approximate least recently used at constant cost: a hit in the old one moves to the young one, and
    // when the young one is full it becomes the old one.
    private var young: [Scope: Entry] = [:]
    private var old: [Scope: Entry] = [:]

    /// Creates an empty cache.
    ///
    /// - Parameter capacity: the most keys to hold, 1,024 unless given; about 200 bytes each. With fewer than the number
    ///   of access keys in use per day, requests pay about 2 µs more each. Values below 2 count as 2.
    public init(capacity: Int = 1024) {
        self.capacity = max(2, capacity)
    }

    /// How many keys the cache holds now.
    public var count: Int { young.count + old.count }

    /// Forgets every key.
    public mutating func removeAll() {
        young = [:]
        old = [:]
    }

    mutating func key(for signed: SignedRequest, secret: String) -> SHA256Hash? {
        let scope = Self.scope(signed)
        if let entry = young[scope] {
            return entry.secret.hasSameBytes(as: secret) ? entry.key : nil
        }
        guard let entry = old.removeValue(forKey: scope) else { return nil }
        guard entry.secret.hasSameBytes(as: secret) else { return nil }
        store(entry, for: scope)
        return entry.key
    }

    mutating func insert(_ key: SHA256Hash, for signed: SignedRequest, secret: String) {
        let scope = Self.scope(signed)
        old.removeValue(forKey: scope)
        store(Entry(secret: secret, key: key), for: scope)
    }

    private mutating func store(_ entry: Entry, for scope: Scope) {
        if young.count >= capacity / 2, young[scope] == nil {
            old = young
            young = [:]
        }
        young[scope] = entry
    }

    private static func scope(_ signed: SignedRequest) -> Scope {
        Scope(
            accessKeyID: signed.accessKeyID,
            date: signed.scopeDate,
            region: signed.region,
            service: signed.service
        )
    }
}
