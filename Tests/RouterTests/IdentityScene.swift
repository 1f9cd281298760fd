import EventModel
import Router
import SansIO
import Simulation

extension RouterScene {
    /// Replaces what is declared of account a.
    func declare(_ principals: [PrincipalDeclaration], organization: String? = nil) {
        var account = AccountDeclaration(account: Self.a)
        account.organizationID = organization
        account.organizationPaths = organization.map { ["\($0)/r-1/ou-1/"] } ?? []
        account.principals = principals
        (router.decider as? PolicyDecider)?.directory = IdentityDirectory([account])
    }

    func putPolicy(_ text: String, on address: BusAddress) {
        router.putPolicy(text, on: address) { _ in }
        shard.run()
    }

    /// Puts an event as any principal and returns the refusal, or nil.
    func refusal(_ source: String, bus: String? = nil, by arn: String, of account: AccountID = a) -> String? {
        var text: String?
        let entry = PutEventsEntry(source: source, detailType: "T", detail: Array("{}".utf8), bus: bus)
        let putter = EventPutter(account: account, arn: arn, region: "us-east-1", now: shard.now)
        router.putEvents([entry], by: putter) { result in
            if case .failure(.denied(let reason)) = result { text = reason }
        }
        shard.run()
        return text
    }
}

/// Short forms of declarations and policies.
enum Declared {
    static func user(_ name: String, _ policies: String...) -> PrincipalDeclaration {
        var user = PrincipalDeclaration(kind: .user, name: name)
        user.policies = policies
        return user
    }

    static func role(_ name: String, trust: String?, _ policies: String...) -> PrincipalDeclaration {
        var role = PrincipalDeclaration(kind: .role, name: name, path: "/bus/")
        role.trustPolicy = trust
        role.policies = policies
        return role
    }

    static func allow(_ action: String, _ resource: String = "*") -> String {
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"\#(action)","Resource":"\#(resource)"}}"#
    }

    static func trust(sourceARN: String) -> String {
        #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"#
            + #""Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:SourceArn":"\#(sourceARN)"},"#
            + #""StringEquals":{"aws:SourceAccount":"111122223333"}}}}"#
    }
}
