import EventModel

/// The part of the `sts` service that clients need: who am I (spec: control §1.5).
public final class IdentityService: APIService {
    /// Creates the service.
    public init() {}

    /// The operation of that name, or nil.
    public func operation(named name: String) -> APIOperation? {
        guard name == "GetCallerIdentity" else { return nil }
        return { call, answer in
            answer(
                .success([
                    "Arn": .string(call.caller.arn),
                    "UserId": .string(call.caller.userID),
                    "Account": .string(call.caller.account.description),
                ])
            )
        }
    }
}
