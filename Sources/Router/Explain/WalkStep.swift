import EventModel
import PeerProtocol

/// One place that a hypothetical event comes to, with what would happen there and what would follow from it.
public struct WalkStep: Sendable, Equatable {
    /// The kinds of place.
    public enum Place: String, Sendable {
        /// An event bus.
        case bus
        /// A rule of the bus.
        case rule
        /// A target of the rule.
        case target
        /// The target's dead-letter queue.
        case deadLetterQueue
    }

    /// What would happen.
    public enum Outcome: String, Sendable {
        /// The bus takes the event in.
        case accepted
        /// The event is answered as accepted, and dropped: there is no such bus.
        case dropped
        /// A policy refuses, or a hop rule does.
        case refused
        /// The rule's pattern matches.
        case matched
        /// It does not.
        case unmatched
        /// The rule takes no events.
        case disabled
        /// The target gets the event.
        case delivered
        /// The event waits in the target's queue and is tried again.
        case waiting
        /// The target does not get it, for good.
        case failed
        /// The dead-letter queue gets the event.
        case kept
        /// Nothing gets it.
        case lost
        /// The event goes to another cell, whose policies and rules are not known here.
        case decidedThere
        /// The other cell was asked, and lets the event in.
        case acceptedThere
        /// The other cell was asked, and refuses the event.
        case refusedThere
        /// The walk ended here, for it was too long.
        case cutOff
    }

    /// The kind of place.
    public var place: Place
    /// The place's ARN.
    public var arn: String
    /// What would happen there.
    public var outcome: Outcome
    /// Why, in lines for a person.
    public var reasons: [String]
    /// What would follow.
    public var next: [WalkStep]
    /// What may be asked of the other cell.
    var question: Question?

    /// A question to the cell of a bus.
    struct Question: Sendable, Equatable {
        var entry: ForwardEntry
        var account: AccountID
        /// What would follow here if it refuses.
        var ifRefused: [WalkStep]
    }

    /// Creates a step.
    public init(_ place: Place, _ arn: String, _ outcome: Outcome, reasons: [String] = [], next: [WalkStep] = []) {
        self.place = place
        self.arn = arn
        self.outcome = outcome
        self.reasons = reasons
        self.next = next
    }

    /// The tree as indented lines.
    public var lines: [String] {
        let name = place == .deadLetterQueue ? "dead-letter queue" : place.rawValue
        let own = ["\(name) \(arn): \(outcome.text)"] + reasons.map { "  . \($0)" }
        return own + next.flatMap { $0.lines.map { "    " + $0 } }
    }

    /// The tree as JSON.
    public var json: JSONValue {
        .object([
            "place": .string(place.rawValue), "arn": .string(arn), "outcome": .string(outcome.rawValue),
            "reasons": .array(reasons.map(JSONValue.string)), "next": .array(next.map(\.json)),
        ])
    }
}

extension WalkStep.Outcome {
    /// The outcome in words.
    fileprivate var text: String {
        switch self {
        case .cutOff: "cut off"
        case .decidedThere: "decided there"
        case .acceptedThere: "accepted there"
        case .refusedThere: "refused there"
        default: rawValue
        }
    }
}
