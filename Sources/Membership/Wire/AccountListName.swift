import EventModel

/// Names a list of accounts by its content: how many there are and their digest. So nodes of one cell name the same list,
/// and whoever has it may hand it over.
public struct AccountListName: Hashable, Sendable {
    /// The kind of the claim's extension that carries it.
    static let extensionKind: UInt8 = 1
    /// Its bytes in messages: the number, then the digest.
    static let bytes = 20
    /// An account's bytes in messages.
    static let accountBytes = 5
    /// What the digest begins with, so that a list is no other signed or digested text.
    private static let tag: [UInt8] = [0xC5, 1]

    /// The number of accounts.
    public var count: UInt32
    /// The digest of a tag and the accounts' bytes.
    public var digest: Digest128

    /// Creates a name.
    public init(count: UInt32, digest: Digest128) {
        self.count = count
        self.digest = digest
    }

    /// The name of a list as it travels.
    init(of bytes: ArraySlice<UInt8>, _ crypto: any MembershipCrypto) {
        count = UInt32(truncatingIfNeeded: bytes.count / Self.accountBytes)
        digest = crypto.digest((Self.tag + bytes)[...])
    }

    /// A list as it travels.
    static func encode(_ accounts: [AccountID]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(accounts.count * accountBytes)
        for account in accounts { bytes.append(account) }
        return bytes
    }

    /// Reads a list; nil unless it consists of accounts in order, each once.
    static func decode(_ bytes: [UInt8], _ range: Range<Int>) -> [AccountID]? {
        var reader = ByteReader(bytes, range)
        var accounts: [AccountID] = []
        accounts.reserveCapacity(range.count / accountBytes)
        while reader.remaining > 0 {
            guard let account = reader.account() else { return nil }
            if let last = accounts.last, last >= account { return nil }
            accounts.append(account)
        }
        return accounts
    }
}

extension [UInt8] {
    mutating func append(_ name: AccountListName) {
        append(name.count)
        append(name.digest)
    }

    mutating func append(_ account: AccountID) {
        append(UInt8(truncatingIfNeeded: account.number >> 32))
        append(UInt32(truncatingIfNeeded: account.number))
    }
}

extension ByteReader {
    mutating func accountListName() -> AccountListName? {
        guard let count = uint32(), let digest = digest() else { return nil }
        return AccountListName(count: count, digest: digest)
    }

    mutating func account() -> AccountID? {
        guard let high = byte(), let low = uint32() else { return nil }
        return AccountID(number: UInt64(high) << 32 | UInt64(low))
    }
}
