import EventModel
import Router
import SansIO

extension AWSError {
    /// The wire form of a refusal of the catalog, with the recorded texts (spec: control §4).
    init(_ error: CatalogError) {
        switch error {
        case .noSuchBus(let name):
            self.init(.resourceNotFound, "Event bus \(name) does not exist.")
        case .busExists(let name):
            self.init(.resourceAlreadyExists, "Event bus \(name) already exists.")
        case .defaultBus:
            self.init(.validation, "Cannot delete event bus default.")
        case .busHasRules:
            self.init(.validation, "EventBus can't be deleted since it has rules.")
        case .noSuchRule(let rule, let bus):
            self.init(.resourceNotFound, "Rule \(rule) does not exist on EventBus \(bus).")
        case .ruleHasTargets:
            self.init(.validation, "Rule can't be deleted since it has targets.")
        case .limit, .tooManyTags:
            self.init(.limitExceeded, "The requested resource exceeds the maximum number allowed.")
        case .noSuchStatement:
            self.init(.resourceNotFound, "Statement with the provided id does not exist.")
        case .policyTooLong:
            self.init(.policyLengthExceeded, "The policy is longer than the maximum of 10240 characters.")
        case .invalid(let text):
            self.init(.validation, text)
        case .store(let error):
            self.init(.internalFailure, "The change could not be stored: \(error.message)")
        }
    }
}

extension Result where Failure == CatalogError {
    /// Turns the catalog's answer into an operation's.
    func answer(_ output: (Success) -> JSONObject?) -> APIResult {
        switch self {
        case .success(let value): .success(output(value))
        case .failure(let error): .failure(AWSError(error))
        }
    }

    /// The answer of an operation without output members.
    var emptyAnswer: APIResult { answer { _ in nil as JSONObject? } }
}

/// Runs a question to the catalog with its refusals as wire errors.
func asking<Value>(_ question: () throws(CatalogError) -> Value) throws(AWSError) -> Value {
    do throws(CatalogError) {
        return try question()
    } catch {
        throw AWSError(error)
    }
}
