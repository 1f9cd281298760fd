import Delivery
import EventModel
import EventPattern
import EventTransform
import PeerProtocol
import SansIO

/// Walks a hypothetical event through policies, rules and targets, across accounts, and delivers nothing.
///
/// It reads the same catalog and asks the same policy engine as real events do, so that its answer is theirs.
public struct EventWalk {
    let state: CatalogState
    let queue: (ARN) -> (owner: AccountID, policy: String?)?
    let elsewhere: ((BusAddress, UInt64?) -> [String])?
    let decider: any AccessDecider
    let settings: RouterSettings
    let now: Timestamp
    /// Steps that are left; rules that feed one another could make a tree without end.
    private var budget: Int

    /// Creates a walk.
    ///
    /// - Parameters:
    ///   - state: buses, rules and targets.
    ///   - decider: the policy engine.
    ///   - settings: the router's.
    ///   - now: the time of the walk.
    ///   - maximumSteps: the places that are looked at before the rest is cut off.
    ///   - elsewhere: lines on a bus of another cell, and on the target that leads there; nil for a cell that is alone.
    ///   - queue: the owner and the policy of a queue; nil when it does not exist.
    public init(
        state: CatalogState,
        decider: any AccessDecider,
        settings: RouterSettings,
        now: Timestamp,
        maximumSteps: Int = 2_000,
        elsewhere: ((BusAddress, UInt64?) -> [String])? = nil,
        queue: @escaping (ARN) -> (owner: AccountID, policy: String?)?
    ) {
        self.state = state
        self.decider = decider
        self.settings = settings
        self.now = now
        self.elsewhere = elsewhere
        self.queue = queue
        budget = maximumSteps
    }

    private var authorizer: DeliveryAuthorizer {
        DeliveryAuthorizer(decider: decider, isStrict: settings.strictCompatibility)
    }

    /// Puts an event to a bus in thought.
    ///
    /// - Parameters:
    ///   - event: the event.
    ///   - caller: the ARN of the principal that puts it.
    ///   - account: its account.
    ///   - address: the bus.
    /// - Returns: the bus with everything that would follow.
    public mutating func put(
        _ event: HypotheticalEvent,
        by caller: String,
        of account: AccountID,
        to address: BusAddress
    ) -> WalkStep {
        if let elsewhere, !state.accounts.contains(address.account) {
            var step = WalkStep(.bus, address.arn, .decidedThere, reasons: elsewhere(address, nil))
            let entry = ForwardEntry(
                id: Self.noDelivery,
                sourceAccount: account,
                principal: caller,
                bus: address.arn,
                envelope: event.envelope
            )
            step.question = WalkStep.Question(entry: entry, account: address.account, ifRefused: [])
            return step
        }
        let request = AccessRequest(
            subject: .principal(arn: caller, account: account),
            action: "events:PutEvents",
            resource: address.arn,
            resourceAccount: address.account,
            context: [
                ("events:eventBusInvocation", ["false"]), ("events:source", [event.source]),
                ("events:detail-type", [event.detailType]), ("aws:SecureTransport", ["true"]),
                ("aws:RequestedRegion", [address.region]),
            ]
        )
        let bus = state.bus(address)
        let explanation = decider.explain(request, policy: bus?.policy)
        guard bus != nil else {
            return WalkStep(
                .bus,
                address.arn,
                .dropped,
                reasons: ["there is no such bus; PutEvents says nothing of it"]
            )
        }
        guard explanation.verdict.isAllowed else {
            return WalkStep(.bus, address.arn, .refused, reasons: explanation.reasons)
        }
        return enter(event.envelope, address, hops: [], reasons: explanation.lines)
    }

    private mutating func enter(
        _ envelope: [UInt8],
        _ address: BusAddress,
        hops: [String],
        reasons: [String]
    ) -> WalkStep {
        var step = WalkStep(.bus, address.arn, .accepted, reasons: reasons)
        for name in state.ruleNames(on: address) {
            guard let rule = try? state.existingRule(name, on: address) else { continue }
            guard budget > 0 else {
                step.next.append(WalkStep(.rule, address.ruleARN(name), .cutOff))
                break
            }
            budget -= 1
            step.next.append(consider(rule, envelope, address, hops))
        }
        if step.next.isEmpty { step.reasons.append("the bus has no rules") }
        return step
    }

    private mutating func consider(
        _ rule: Rule,
        _ envelope: [UInt8],
        _ address: BusAddress,
        _ hops: [String]
    ) -> WalkStep {
        var step = WalkStep(.rule, address.ruleARN(rule.name), .matched)
        guard rule.state != .disabled else {
            step.outcome = .disabled
            return step
        }
        guard let text = rule.pattern, let pattern = try? Pattern.parse(text),
            let explanation = try? pattern.explain(envelope)
        else {
            step.outcome = .unmatched
            step.reasons = ["the rule has no pattern that can be read"]
            return step
        }
        guard explanation.matches else {
            step.outcome = .unmatched
            step.reasons = explanation.branches.compactMap { $0.failure?.description }
            return step
        }
        if rule.targets.isEmpty { step.reasons = ["the rule has no targets"] }
        for target in rule.targets {
            let compiled = CompiledTarget(TargetRevision(bus: address, rule: rule.name, target: target))
            step.next.append(reach(compiled, envelope, hops))
        }
        return step
    }

    private mutating func reach(_ target: CompiledTarget, _ envelope: [UInt8], _ hops: [String]) -> WalkStep {
        switch target.destination {
        case .queue(let text): return send(envelope, to: text, target)
        case .bus(let destination): return forward(envelope, to: destination, target, hops)
        case .unsupported(let arn):
            return failed(
                target,
                .init(code: "NO_RESOURCE", message: "Nothing here delivers to \(arn).", isRetryable: false)
            )
        }
    }

    private func send(_ envelope: [UInt8], to text: String, _ target: CompiledTarget) -> WalkStep {
        guard let arn = ARN(text), let found = queue(arn) else { return failed(target, .missingQueue(text)) }
        if let failure = authorizer.refusalToSend(to: text, found, from: target) { return failed(target, failure) }
        let context = TransformContext(
            ruleARN: target.revision.ruleARN,
            ruleName: target.revision.rule,
            ingestionTime: now
        )
        switch target.input.render(event: envelope, context: context) {
        case .payload(let bytes):
            return WalkStep(.target, text, .delivered, reasons: ["a message of \(bytes.count) bytes"])
        case .invalid:
            return failed(target, .init(code: "INVALID_JSON", message: "Invalid input for target.", isRetryable: false))
        case .nothing:
            return WalkStep(.target, text, .lost, reasons: ["the input form gives no text, so nothing is sent"])
        }
    }

    private mutating func forward(
        _ envelope: [UInt8],
        to destination: BusAddress,
        _ target: CompiledTarget,
        _ hops: [String]
    ) -> WalkStep {
        guard state.accounts.contains(destination.account) else {
            if let elsewhere { return leave(envelope, to: destination, target, hops, elsewhere) }
            let message = "Account \(destination.account) is not hosted by this cell."
            return failed(target, .init(code: "NO_RESOURCE", message: message, isRetryable: false))
        }
        if let failure = settings.hopFailure(hops, from: target.revision.bus, to: destination) {
            return failed(target, failure)
        }
        let isFromAbroad = destination.account != target.account
        if isFromAbroad, state.isPending(destination, span: settings.peers?.newAccountTime, now: now) {
            let reason = "its account has just come to this cell, and the bus with its policy and rules has not yet"
            return WalkStep(.target, destination.arn, .waiting, reasons: [reason])
        }
        guard let bus = state.bus(destination) else {
            return WalkStep(.target, destination.arn, .dropped, reasons: ["there is no such bus"])
        }
        let request = DeliveryAuthorizer.forwardRequest(envelope, to: destination, of: target)
        let explanation = decider.explain(request, policy: bus.policy)
        if let failure = authorizer.refusalToForward(envelope, to: destination, policy: bus.policy, of: target) {
            let isByPolicy = failure.code == "NO_PERMISSIONS"
            return failed(target, failure, because: isByPolicy ? explanation.lines : [])
        }
        guard budget > 0 else { return WalkStep(.target, destination.arn, .cutOff) }
        budget -= 1
        let entered = enter(
            envelope,
            destination,
            hops: hops + [target.revision.bus.arn],
            reasons: explanation.verdict.isAllowed ? explanation.lines : []
        )
        return WalkStep(.target, destination.arn, .delivered, next: [entered])
    }

    /// As far as this side's own rules and policies let it go.
    private func leave(
        _ envelope: [UInt8],
        to destination: BusAddress,
        _ target: CompiledTarget,
        _ hops: [String],
        _ elsewhere: (BusAddress, UInt64?) -> [String]
    ) -> WalkStep {
        if let failure = settings.hopFailure(hops, from: target.revision.bus, to: destination) {
            return failed(target, failure)
        }
        if let failure = authorizer.refusalToLeave(envelope, to: destination, of: target) {
            return failed(target, failure)
        }
        let lines = elsewhere(destination, target.revision.target.key)
        var step = WalkStep(.target, destination.arn, .decidedThere, reasons: lines)
        let entry = ForwardEntry(
            id: Self.noDelivery,
            to: target,
            event: StoredEvent(hops: hops, traceHeader: "", envelope: envelope)
        )
        step.question = WalkStep.Question(
            entry: entry,
            account: destination.account,
            ifRefused: [deadLetter(target)]
        )
        return step
    }

    /// An event that is only asked about is no delivery of any store.
    static var noDelivery: DeliveryID { DeliveryID(event: 1, target: 1) }

    private func failed(
        _ target: CompiledTarget,
        _ failure: DeliveryFailure,
        because lines: [String] = []
    ) -> WalkStep {
        WalkStep(
            .target,
            target.revision.target.arn,
            .failed,
            reasons: ["\(failure.code): \(failure.message)"] + lines,
            next: [deadLetter(target)]
        )
    }

    private func deadLetter(_ target: CompiledTarget) -> WalkStep {
        guard let text = target.deadLetterQueue else {
            return WalkStep(.deadLetterQueue, "(none)", .lost, reasons: ["the target has no dead-letter queue"])
        }
        guard let arn = ARN(text), let found = queue(arn) else {
            return WalkStep(.deadLetterQueue, text, .lost, reasons: ["the dead-letter queue does not exist"])
        }
        if let failure = authorizer.refusalToSend(to: text, found, from: target, isDeadLetter: true) {
            return WalkStep(.deadLetterQueue, text, .lost, reasons: [failure.message])
        }
        return WalkStep(.deadLetterQueue, text, .kept)
    }
}

extension AccessExplanation {
    /// The denial's text, then why.
    var reasons: [String] {
        guard case .denied(let text) = verdict else { return lines }
        return [text] + lines
    }
}
