import EventModel
import Router

/// The `events` service: EventBridge's API of 2015-10-07 (spec: control §4).
public final class EventService: APIService {
    let router: EventRouter
    var catalog: Catalog { router.catalog }
    private var operations: [String: APIOperation] = [:]

    /// Creates the service in front of a router.
    public init(router: EventRouter) {
        self.router = router
        addBusOperations()
        addRuleOperations()
        addTargetOperations()
        addPermissionOperations()
        addTagOperations()
        add("PutEvents") { [unowned self] in putEvents($0, $1) }
        add("TestEventPattern") { [unowned self] in testEventPattern($0, $1) }
    }

    /// The operation of that name, or nil.
    public func operation(named name: String) -> APIOperation? {
        operations[name]
    }

    func add(_ name: String, _ operation: @escaping APIOperation) {
        operations[name] = operation
    }

    /// Adds an operation that answers at once or throws.
    func addImmediate(_ name: String, _ body: @escaping (APICall) throws(AWSError) -> JSONObject?) {
        operations[name] = { call, answer in
            do throws(AWSError) {
                answer(.success(try body(call)))
            } catch {
                answer(.failure(error))
            }
        }
    }

    /// Adds an operation that starts a change of the catalog, unless it throws before.
    func addChange(
        _ name: String,
        _ body: @escaping (APICall, @escaping (APIResult) -> Void) throws(AWSError) -> Void
    ) {
        operations[name] = { call, answer in
            do throws(AWSError) {
                try body(call, answer)
            } catch {
                answer(.failure(error))
            }
        }
    }

    /// The bus that a request means, which may belong to another account.
    func bus(_ reference: String?, _ call: APICall) throws(AWSError) -> BusAddress {
        guard let address = BusAddress(reference: reference, region: call.region, account: call.caller.account) else {
            throw .validation(
                "Parameter \(reference ?? "") is not valid. Reason: Provided Arn is not in correct format."
            )
        }
        return address
    }

    /// Refuses unless the caller may do `action` on `resource`, which belongs to the owner of `bus`.
    func authorize(
        _ call: APICall,
        _ action: String,
        on resource: String,
        of bus: BusAddress,
        context: [(key: String, values: [String])] = []
    ) throws(AWSError) {
        let request = AccessRequest(
            subject: .principal(arn: call.caller.arn, account: call.caller.account),
            action: action,
            resource: resource,
            resourceAccount: bus.account,
            context: context + call.conditionContext
        )
        let verdict = router.decider.decide(request, policy: catalog.state.bus(bus)?.policy)
        if case .denied(let text) = verdict { throw AWSError(.accessDenied, text) }
    }
}

extension APICall {
    /// The condition keys that every signed call has (spec: control §8.7).
    var conditionContext: [(key: String, values: [String])] {
        var keys: [(key: String, values: [String])] = [
            ("aws:SecureTransport", [isSecure ? "true" : "false"]),
            ("aws:RequestedRegion", [region]),
        ]
        if !sourceAddress.isEmpty { keys.append(("aws:SourceIp", [sourceAddress])) }
        return keys
    }
}
