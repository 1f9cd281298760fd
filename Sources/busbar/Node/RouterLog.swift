import Delivery
import Logging
import Router
import SansIO

/// Writes a router's notices to the log, but no more than ten of a kind in ten seconds: what one tenant does must not fill
/// the disk. What is held back is counted in the next line of its kind.
final class RouterLog {
    private struct Window {
        var start: Timestamp
        var written = 0
        var heldBack = 0
    }

    private let log: Logger
    private let clock: any ClockPort
    private var windows: [String: Window] = [:]
    private static let linesPerWindow = 10
    private static let window = Duration.seconds(10)

    init(log: Logger, clock: any ClockPort) {
        self.log = log
        self.clock = clock
    }

    /// Writes a notice unless there were too many of its kind.
    func write(_ notice: RouterNotice) {
        let now = clock.now
        var window = windows[notice.kind] ?? Window(start: now)
        if now - window.start >= Self.window || now < window.start {
            window = Window(start: now, heldBack: window.heldBack)
        }
        var log = log
        if window.written < Self.linesPerWindow {
            window.written += 1
            if window.heldBack > 0 { log[metadataKey: "heldBack"] = "\(window.heldBack)" }
            window.heldBack = 0
            Self.write(notice, to: log)
        } else {
            window.heldBack += 1
        }
        windows[notice.kind] = window
    }

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
        case .heldBack(let target, let rule, let failure, let count):
            log.debug(
                "deliveries wait for room here",
                metadata: [
                    "target": "\(target)", "rule": "\(rule)", "count": "\(count)", "failure": "\(failure.message)",
                ]
            )
        case .storeFailed(let error):
            log.error("the store refused a change", metadata: ["error": "\(error)"])
        case .unreadableEvent(let sequence):
            log.error("an intake record cannot be read", metadata: ["sequence": "\(sequence)"])
        case .loop, .peerRefused, .busPending, .beyondRate, .queueFull, .overflowed: writePeer(notice, to: log)
        }
    }

    /// Writes what concerns other cells.
    private static func writePeer(_ notice: RouterNotice, to log: Logger) {
        switch notice {
        case .loop(let bus, let hops):
            log.warning(
                "an event was not forwarded: it went in a circle or too far",
                metadata: ["bus": "\(bus)", "hops": "\(hops.joined(separator: " "))"]
            )
        case .peerRefused(let peer, let account, let reason):
            log.warning(
                "a node of another cell was refused",
                metadata: ["peer": "\(peer)", "account": "\(account)", "reason": "\(reason)"]
            )
        case .busPending(let bus, let caller):
            log.notice(
                "an event of another cell waits for a bus of an account that is new here",
                metadata: ["bus": "\(bus)", "caller": "\(caller)"]
            )
        case .beyondRate(let account, let peer):
            log.notice(
                "an account sends more from other cells than it may",
                metadata: ["account": "\(account)", "peer": "\(peer)"]
            )
        case .queueFull(let target):
            log.warning("a queue towards another cell is full and refuses events", metadata: ["target": "\(target)"])
        case .overflowed(let target, let rule, let count):
            log.error(
                "a full queue towards another cell pushed deliveries out",
                metadata: ["target": "\(target)", "rule": "\(rule)", "count": "\(count)"]
            )
        default: break
        }
    }
}
