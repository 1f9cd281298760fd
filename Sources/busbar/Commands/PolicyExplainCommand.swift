import AccessPolicy
import ArgumentParser
import EventModel
import Foundation
import Router
import SansIO

extension PolicyCommand {
    /// `busbar policy explain --principal ARN --action A --resource ARN`
    struct Explain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "explain",
            abstract: "Say whether a principal may do something, and why; exits with 1 when it may not.",
            discussion: """
                With --policy or --identity-policy the files decide. Without them a running node is asked, and its \
                accounts, buses and queues decide; about a bus of another cell it asks that cell, and the exit status is 2 \
                when that one did not answer.
                """
        )

        @Option(help: "An account's twelve digits, the ARN of a root, user or role session, or the name of a service.")
        var principal: String

        @Option(help: "The action, for example events:PutEvents.")
        var action: String

        @Option(help: "The ARN of the resource, or *.")
        var resource: String

        @Option(
            parsing: .upToNextOption,
            help: "Condition keys with their values: KEY=VALUE, repeated for more values."
        )
        var context: [String] = []

        @Option(help: "The file of the resource's policy.")
        var policy: String?

        @Option(parsing: .upToNextOption, help: "Files of the principal's policies.")
        var identityPolicy: [String] = []

        @Option(help: "The file of the principal's permissions boundary.")
        var boundary: String?

        @Option(help: "The account that owns the resource, when its ARN does not say.")
        var resourceAccount: String?

        @Option(help: "The organization of the principal's account.")
        var organization: String?

        @Option(help: "The node's admin address; BUSBAR_ADMIN sets another default.")
        var admin = PolicyCommand.defaultAddress

        @Flag(help: "Print the answer as JSON.")
        var json = false

        func run() async throws {
            let pairs = try contextPairs()
            let isOffline = policy != nil || !identityPolicy.isEmpty || boundary != nil
            let answer = isOffline ? try decide(pairs) : try ask(pairs)
            if json {
                print(JSONValue.object(answer).text)
            } else {
                if let message = answer["message"]?.string { print(message) }
                for line in answer["lines"]?.array ?? [] { print(line.string ?? "") }
            }
            if answer["open"]?.bool == true { throw ExitCode(2) }
            if answer["allowed"]?.bool != true { throw ExitCode(1) }
        }

        private func contextPairs() throws -> [(key: String, values: [String])] {
            var pairs: [(key: String, values: [String])] = []
            for text in context {
                guard let sign = text.firstIndex(of: "="), sign > text.startIndex else {
                    throw ValidationError("--context takes KEY=VALUE, not '\(text)'.")
                }
                let key = String(text[..<sign])
                let value = String(text[text.index(after: sign)...])
                if let index = pairs.firstIndex(where: { $0.key == key }) {
                    pairs[index].values.append(value)
                } else {
                    pairs.append((key, [value]))
                }
            }
            return pairs
        }

        private func ask(_ pairs: [(key: String, values: [String])]) throws -> JSONObject {
            var context = JSONObject()
            for (key, values) in pairs { context[key] = .array(values.map(JSONValue.string)) }
            return try AdminClient(admin).post(
                "/policy/explain",
                [
                    "principal": .string(principal), "action": .string(action), "resource": .string(resource),
                    "context": .object(context),
                ]
            )
        }

        private func decide(_ pairs: [(key: String, values: [String])]) throws -> JSONObject {
            let caller = try self.caller()
            var request = AuthorizationRequest(principal: caller, action: PolicyAction(action), resource: resource)
            for (key, values) in pairs {
                for value in values { request.context.add(ConditionKey(key), value) }
            }
            if !pairs.contains(where: { ["aws:currenttime", "aws:epochtime"].contains($0.key.lowercased()) }) {
                request.context.addTime(Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000)))
            }
            let identity = try identityPolicy.map { CompiledPolicy(try PolicyCommand.parse($0, .identity)) }
            let policies = ApplicablePolicies(
                resource: try policy.map { CompiledPolicy(try PolicyCommand.parse($0, .resource)) },
                resourceAccount: try owner(caller),
                identity: identity.isEmpty ? .none : .policies(identity),
                permissionsBoundary: try boundary.map { CompiledPolicy(try PolicyCommand.parse($0, .identity)) }
            )
            let explanation = PolicyEvaluator.explain(request, under: policies)
            return PolicyEndpoints.json(AccessExplanation(explanation, of: request))
        }

        private func caller() throws -> Principal {
            let attributes = PrincipalAttributes(organizationID: organization)
            if let account = AccountID(principal) { return .root(of: account, attributes: attributes) }
            if let known = Principal(arn: principal, attributes: attributes) { return known }
            guard principal.hasSuffix(".amazonaws.com") else {
                throw ValidationError(
                    "--principal takes an account's twelve digits, the ARN of a root, a user or a role session, "
                        + "or the name of a service."
                )
            }
            return .service(principal)
        }

        private func owner(_ caller: Principal) throws -> AccountID {
            if let resourceAccount {
                guard let account = AccountID(resourceAccount) else {
                    throw ValidationError("--resource-account takes twelve digits.")
                }
                return account
            }
            if let account = ARN(resource).flatMap({ AccountID($0.account) }) ?? caller.account { return account }
            throw ValidationError("The resource names no account; --resource-account says whose it is.")
        }
    }
}
