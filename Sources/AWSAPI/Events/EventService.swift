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
}
