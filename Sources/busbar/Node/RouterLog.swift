import Delivery
import Logging
import Router

/// Words a router's notices for the log. Event payloads are never logged.
enum RouterLog {
    static func write(_ notice: RouterNotice, to log: Logger) {
        switch notice {
        case .unknownBus(let bus, let caller, let eventID):
            log.warning(
                "an event names a bus that does not exist; it is answered as accepted, and dropped",
                metadata: ["bus": "\(bus)", "caller": "\(caller)", "event": "\(eventID)"]
            )
        case .denied(let bus, let reason):
            log.notice("a policy refused events", metadata: ["bus": "\(bus)", "reason": "\(reason)"])
        case .doubtfulPolicy(let resource, let warning):
            log.warning("a policy is doubtful", metadata: ["resource": "\(resource)", "warning": "\(warning)"])
        case .dropped(let target, let rule, let event, let failure, let reason):
            log.error(
                "a delivery ended without its target and without a dead-letter queue",
                metadata: [
                    "target": "\(target)", "rule": "\(rule)", "sequence": "\(event)", "code": "\(failure.code)",
                    "failure": "\(failure.message)", "reason": "\(reason)",
                ]
            )
        case .expired(let target, let rule, let count):
            log.error(
                "deliveries grew too old while their target was down",
                metadata: ["target": "\(target)", "rule": "\(rule)", "count": "\(count)"]
            )
        case .attemptFailed(let target, let rule, let failure, let willRetry):
            log.debug(
                "an attempt failed",
                metadata: [
                    "target": "\(target)", "rule": "\(rule)", "code": "\(failure.code)",
                    "failure": "\(failure.message)", "retry": "\(willRetry)",
                ]
            )
        case .storeFailed(let error):
            log.error("the store refused a change", metadata: ["error": "\(error)"])
        case .loop(let bus, let hops):
            log.warning(
                "an event was not forwarded: it went in a circle or too far",
                metadata: ["bus": "\(bus)", "hops": "\(hops.joined(separator: " "))"]
            )
        case .unreadableEvent(let sequence):
            log.error("an intake record cannot be read", metadata: ["sequence": "\(sequence)"])
        }
    }
}
