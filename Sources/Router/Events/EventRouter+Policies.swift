import AccessPolicy
import EventModel
import SansIO

/// A statement as PutPermission's members describe it (spec: control §7.1).
public struct PermissionStatement: Sendable, Equatable {
    /// `StatementId`
    public var sid: String
    /// `Principal`: an account's number or `*`.
    public var principal: String
    /// The organisation that `*` is limited to, or nil.
    public var organization: String?

    /// Creates a statement.
    public init(sid: String, principal: String, organization: String? = nil) {
        self.sid = sid
        self.principal = principal
        self.organization = organization
    }
}

/// Policies of buses (spec: control §7.1, §7.2).
extension EventRouter {
    /// Sets a bus's whole policy, kept byte for byte.
    public func putPolicy(
        _ text: String,
        on address: BusAddress,
        completion: @escaping (Result<Bus, CatalogError>) -> Void
    ) {
        let told = { [self] (result: Result<Bus, CatalogError>) in
            if case .success = result {
                for warning in decider.warnings(aboutPolicy: text) {
                    notice(.doubtfulPolicy(resource: address.arn, warning: warning))
                }
            }
            completion(result)
        }
        changePolicy(of: address, completion: told) { (_) throws(CatalogError) in
            let document: PolicyDocument
            do throws(PolicyError) {
                document = try PolicyDocument(parsing: text)
            } catch {
                throw .invalid(Self.fault(error))
            }
            guard let arn = ARN(address.arn) else { return text }
            if let foreign = document.foreignResource(bus: arn) {
                let resource = ARN(foreign)?.resource ?? foreign
                throw .invalid("The relative-id \"\(resource)\" is invalid for ARN \"\(foreign)\".")
            }
            return text
        }
    }

    /// Adds a statement to a bus's policy, in the place of the one with the same id.
    public func putStatement(
        _ statement: PermissionStatement,
        on address: BusAddress,
        completion: @escaping (Result<Bus, CatalogError>) -> Void
    ) {
        changePolicy(of: address, completion: completion) { (present) throws(CatalogError) in
            guard let arn = ARN(address.arn) else { return present }
            let permission = BusPermission(
                statementID: statement.sid,
                grantee: AccountID(statement.principal).map(BusPermission.Grantee.account) ?? .everyone,
                organizationID: statement.organization
            )
            do throws(PolicyError) {
                let existing = try Self.document(present)
                return try PolicyDocument.adding(permission, on: arn, to: existing).text
            } catch {
                throw .invalid(Self.fault(error))
            }
        }
    }

    /// Removes a bus's policy; there need not be one.
    public func removePolicy(of address: BusAddress, completion: @escaping (Result<Bus, CatalogError>) -> Void) {
        changePolicy(of: address, completion: completion) { _ in nil }
    }

    /// Removes the statement of that id.
    public func removeStatement(
        _ sid: String,
        of address: BusAddress,
        completion: @escaping (Result<Bus, CatalogError>) -> Void
    ) {
        changePolicy(of: address, completion: completion) { (present) throws(CatalogError) in
            do throws(PolicyError) {
                switch try Self.document(present)?.removing(sid: sid) {
                case nil, .unknownStatement: break
                case .nothingLeft: return nil
                case .remaining(let document): return document.text
                }
            } catch {
                throw .invalid(Self.fault(error))
            }
            throw .noSuchStatement
        }
    }

    private func changePolicy(
        of address: BusAddress,
        completion: @escaping (Result<Bus, CatalogError>) -> Void,
        change: @escaping (String?) throws(CatalogError) -> String?
    ) {
        let limit = settings.quotas.busPolicyCharacters
        let now = clock.now
        catalog.updateBus(
            address,
            change: { (bus) throws(CatalogError) in
                var bus = bus
                bus.policy = try change(bus.policy)
                guard (bus.policy?.utf16.count ?? 0) <= limit else { throw .policyTooLong }
                bus.modified = now
                return bus
            },
            completion: completion
        )
    }

    private static func document(_ text: String?) throws(PolicyError) -> PolicyDocument? {
        guard let text else { return nil }
        return try PolicyDocument(parsing: text)
    }

    private static func fault(_ error: PolicyError) -> String {
        if case .notJSON = error.reason { return "This policy contains invalid Json" }
        return "This policy is not valid: \(error)"
    }
}
