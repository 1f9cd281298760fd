import SansIO
import Testing

@testable import Transport

@Suite struct ExpiryMonitorTests {
    private let start = Timestamp(milliseconds: 1_800_000_000_000)

    private func item(
        _ kind: CertificateValidity.Kind = .own,
        _ name: String = "CN=node",
        life: Duration = .seconds(1000)
    ) -> CertificateValidity {
        CertificateValidity(kind: kind, name: name, notBefore: start, notAfter: start + life)
    }

    private func stage(_ item: CertificateValidity, at seconds: Int) -> ExpiryStage {
        ExpiryStage(item, maximumStaleness: .seconds(500), now: start + .seconds(seconds))
    }

    @Test(arguments: [
        (-5, ExpiryStage.fresh), (0, .fresh), (500, .fresh), (501, .halfLife), (900, .halfLife), (901, .nearExpiry),
        (1000, .nearExpiry), (1001, .expired),
    ])
    func aCertificateAges(_ seconds: Int, _ expected: ExpiryStage) {
        for kind in [CertificateValidity.Kind.own, .intermediate, .authority] {
            #expect(stage(item(kind), at: seconds) == expected)
        }
    }

    @Test(arguments: [(1000, ExpiryStage.fresh), (1001, .nearExpiry), (1500, .nearExpiry), (1501, .expired)])
    func aRevocationListAges(_ seconds: Int, _ expected: ExpiryStage) {
        #expect(stage(item(.revocationList), at: seconds) == expected)
    }

    @Test func eachStageIsToldOnce() {
        var monitor = ExpiryMonitor()
        var told: [ExpiryStage] = []
        for seconds in stride(from: 0, through: 1200, by: 50) {
            told += monitor.check([item()], maximumStaleness: .zero, now: start + .seconds(seconds)).map(\.stage)
        }
        #expect(told == [.halfLife, .nearExpiry, .expired])
        #expect(monitor.check([item()], maximumStaleness: .zero, now: start).isEmpty)
        #expect(monitor.check([item()], maximumStaleness: .zero, now: start + .seconds(1200)).isEmpty)
    }

    @Test func aRenewedCertificateStartsAnew() {
        var monitor = ExpiryMonitor()
        let renewed = CertificateValidity(
            kind: .own,
            name: "CN=node",
            notBefore: start + .seconds(600),
            notAfter: start + .seconds(1600)
        )
        #expect(monitor.check([item()], maximumStaleness: .zero, now: start + .seconds(600)).count == 1)
        #expect(monitor.check([renewed], maximumStaleness: .zero, now: start + .seconds(601)).isEmpty)
        let later = monitor.check([renewed], maximumStaleness: .zero, now: start + .seconds(1101))
        #expect(later.map(\.stage) == [.halfLife])
    }

    @Test func resultsComeInTheOrderGivenAndEachOnce() {
        var monitor = ExpiryMonitor()
        let items = [item(.own, "CN=b"), item(.authority, "CN=a"), item(.own, "CN=b")]
        let found = monitor.check(items, maximumStaleness: .zero, now: start + .seconds(950))
        #expect(found.map(\.item.name) == ["CN=b", "CN=a"])
    }

    @Test func eventsReadAsSentences() {
        let own = CertificateEvent.aged(item(), .halfLife)
        #expect(
            own.description
                == "this node's certificate CN=node is past half of its life: valid until Fri, 15 Jan 2027 08:16:40 GMT"
        )
        #expect(own.severity == .warning)
        let list = CertificateEvent.aged(item(.revocationList, "CN=root"), .expired)
        #expect(list.description.hasPrefix("the revocation list of CN=root is too old to rely on"))
        #expect(list.severity == .error)
    }
}
