import EventModel
import PeerProtocol

/// Holds what an entry claims against what the sender's certificate proves (DESIGN §6).
///
/// The certificate proves a set of accounts. Everything else in an entry is a name within one of them: who acts, which rule
/// forwards, which bus it left last. A name that reaches beyond the account is refused.
struct PeerAuthority {
    let node: NodeIdentity
    let scope: AccountScope

    /// An entry whose claims stay within its account; shared by the entries of a frame that claim the same.
    final class Claim {
        /// Where the event is to go.
        let destination: BusAddress
        /// The bus that it left last; nil for an event that a caller puts.
        let lastBus: BusAddress?
        let subject: AccessRequest.Subject

        init(destination: BusAddress, lastBus: BusAddress?, subject: AccessRequest.Subject) {
            self.destination = destination
            self.lastBus = lastBus
            self.subject = subject
        }
    }

    /// Checks an entry's claims.
    ///
    /// - Returns: the claims, or the verdict that refuses them.
    func check(_ entry: ForwardEntry) -> Result<Claim, Refusal> {
        let account = entry.sourceAccount
        guard scope.covers(account) else {
            return .failure(
                Refusal(.notCovered("The certificate of \(node) does not speak for account \(account)."))
            )
        }
        guard let destination = Self.bus(entry.bus) else {
            return .failure(Refusal(.malformed("\(entry.bus) is not the ARN of a bus.")))
        }
        guard let principal = ARN(entry.principal), principal.service == "iam",
            AccountID(principal.account) == account
        else { return .failure(Refusal(.denied("\(entry.principal) is no principal of account \(account)."))) }
        var lastBus: BusAddress?
        if !entry.isDirect || !entry.hops.isEmpty {
            guard let hop = entry.hops.last.flatMap(BusAddress.init(arn:)), hop.account == account else {
                return .failure(Refusal(.denied("The event did not come from a bus of account \(account).")))
            }
            let bus = hop.ruleARN("")
            // Rules of the default bus leave the bus out, so what follows must be a name and nothing more.
            guard entry.rule.utf8.starts(with: bus.utf8),
                !entry.rule.utf8.dropFirst(bus.utf8.count).contains(UInt8(ascii: "/"))
            else {
                return .failure(Refusal(.denied("\(entry.rule) is no rule of \(hop.arn).")))
            }
            guard entry.hops.allSatisfy({ Self.bus($0) != nil }) else {
                return .failure(Refusal(.malformed("A hop is not the ARN of a bus.")))
            }
            lastBus = hop
        }
        let subject = AccessRequest.Subject.remote(arn: entry.principal, session: entry.session, account: account)
        return .success(Claim(destination: destination, lastBus: lastBus, subject: subject))
    }

    /// Reads a bus's ARN; nil also for one longer than any bus has, since it is stored with the event.
    private static func bus(_ arn: String) -> BusAddress? {
        guard arn.utf8.count <= longestARN else { return nil }
        return BusAddress(arn: arn)
    }

    /// The fixed parts and the account take 39 bytes, a bus's name 256 at most; no region needs more than the rest.
    private static let longestARN = 384

    /// A verdict that ends an entry.
    struct Refusal: Error {
        var verdict: PeerVerdict

        init(_ verdict: PeerVerdict) {
            self.verdict = verdict
        }
    }
}
