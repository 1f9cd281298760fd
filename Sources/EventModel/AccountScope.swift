import SansIO

/// The accounts that a node may host and speak for, by the DNS names of its certificate: `<account>.account.<trust
/// domain>` each, or `*.account.<trust domain>` for all (DESIGN §6).
public struct AccountScope: Hashable, Sendable {
    /// True when the certificate names every account of the trust domain.
    public let isEverything: Bool
    /// The accounts that are named one by one, in order and without repeats.
    public let accounts: [AccountID]

    /// Creates a scope.
    public init(isEverything: Bool = false, accounts: [AccountID] = []) {
        self.isEverything = isEverything
        self.accounts = Array(Set(accounts)).sorted()
    }

    /// Reads the scope out of a certificate's names; names that are not of this form count for nothing, and an empty trust
    /// domain has none of this form.
    ///
    /// - Parameters:
    ///   - identity: a verified certificate's names.
    ///   - trustDomain: the trust domain, in lower case.
    public init(_ identity: CertificateIdentity, trustDomain: String) {
        let suffix = ".account.\(trustDomain)"
        var everything = false
        var accounts: [AccountID] = []
        for name in identity.dnsNames.map({ $0.lowercased() }) where !trustDomain.isEmpty && name.hasSuffix(suffix) {
            let label = String(name.dropLast(suffix.count))
            if label == "*" {
                everything = true
            } else if let account = AccountID(label) {
                accounts.append(account)
            }
        }
        self.init(isEverything: everything, accounts: accounts)
    }

    /// Whether the certificate speaks for an account.
    public func covers(_ account: AccountID) -> Bool {
        if isEverything { return true }
        var low = 0
        var high = accounts.count
        while low < high {
            let middle = (low + high) / 2
            if accounts[middle] < account { low = middle + 1 } else { high = middle }
        }
        return low < accounts.count && accounts[low] == account
    }
}
