import SansIO

/// The accounts that a node may host and speak for, by the DNS names of its certificate: `<account>.account.<trust
/// domain>` each, or `*.account.<trust domain>` for all (DESIGN §6).
public struct AccountScope: Hashable, Sendable {
    /// True when the certificate names every account of the trust domain.
    public var isEverything: Bool
    /// The accounts that are named one by one, in order and without repeats.
    public var accounts: [AccountID]

    /// Creates a scope.
    public init(isEverything: Bool = false, accounts: [AccountID] = []) {
        self.isEverything = isEverything
        self.accounts = Array(Set(accounts)).sorted()
    }

    /// Reads the scope out of a certificate's names; names that are not of this form count for nothing.
    ///
    /// - Parameters:
    ///   - identity: a verified certificate's names.
    ///   - trustDomain: the trust domain, in lower case.
    public init(_ identity: CertificateIdentity, trustDomain: String) {
        let suffix = ".account.\(trustDomain)"
        var everything = false
        var accounts: [AccountID] = []
        for name in identity.dnsNames.map({ $0.lowercased() }) where name.hasSuffix(suffix) {
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
        isEverything || accounts.contains(account)
    }
}
