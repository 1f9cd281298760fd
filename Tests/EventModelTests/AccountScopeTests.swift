import EventModel
import SansIO
import Testing

@Suite struct AccountScopeTests {
    private func scope(_ names: [String], trustDomain: String = "example.com") -> AccountScope {
        AccountScope(CertificateIdentity(uris: [], dnsNames: names), trustDomain: trustDomain)
    }

    private func account(_ text: String) throws -> AccountID { try #require(AccountID(text)) }

    @Test func namedAccountsAreCoveredAndNoOthers() throws {
        let scope = scope(["210987654321.account.example.com", "localhost", "123456789012.account.example.com"])
        #expect(!scope.isEverything)
        let named = [try account("123456789012"), try account("210987654321")]
        #expect(scope.accounts == named)
        #expect(scope.covers(named[0]) && scope.covers(named[1]))
        for other in ["000000000000", "123456789011", "123456789013", "200000000000", "999999999999"] {
            #expect(try !scope.covers(account(other)))
        }
    }

    @Test func theWildcardCoversEverything() throws {
        let scope = scope(["*.account.example.com", "123456789012.account.example.com"])
        #expect(scope.isEverything)
        for other in ["000000000000", "999999999999"] { #expect(try scope.covers(account(other))) }
        #expect(try scope.accounts == [account("123456789012")])
    }

    @Test(arguments: [
        "", "account.example.com", ".account.example.com", "*", "*.example.com", "*.*.account.example.com",
        "**.account.example.com", "*2.account.example.com", "1234*.account.example.com",
        "12345678901.account.example.com",
        "1234567890123.account.example.com", "12345678901a.account.example.com", "a.123456789012.account.example.com",
        "*.123456789012.account.example.com", "123456789012.account.example.com.",
        "123456789012.account.example.com.evil",
        "123456789012.account.example.org", "123456789012.account.a.example.com", "123456789012.accounts.example.com",
        "123456789012account.example.com", "123456789012.account.badexample.com", " 123456789012.account.example.com",
        "\u{661}23456789012.account.example.com", "123456789012.account.*.com", "123456789012.*.example.com",
    ])
    func otherNamesCountForNothing(_ name: String) throws {
        #expect(scope([name]) == AccountScope())
        let beside = scope([name, "123456789012.account.example.com"])
        let named = try account("123456789012")
        #expect(beside.accounts == [named] && !beside.isEverything)
    }

    @Test func namesAreComparedWithoutRegardToCase() throws {
        #expect(try scope(["123456789012.ACCOUNT.Example.COM"]).covers(account("123456789012")))
    }

    @Test func withoutATrustDomainNothingIsCovered() {
        #expect(scope(["*.account.", "123456789012.account."], trustDomain: "") == AccountScope())
    }

    @Test func accountsAreSortedAndEachOnce() throws {
        let accounts = try (0..<50).map { try account("1234567890\($0 % 25 + 10)") }
        let scope = AccountScope(accounts: accounts.reversed())
        #expect(scope.accounts == Array(accounts.prefix(25)))
        for account in accounts { #expect(scope.covers(account)) }
        #expect(AccountScope(accounts: accounts) == scope)
        #expect(!AccountScope().covers(accounts[0]))
    }
}
