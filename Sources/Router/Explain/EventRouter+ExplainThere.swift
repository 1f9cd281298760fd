import Cluster
import EventModel
import PeerProtocol
import SansIO

/// Explanations for which the cell is asked that decides.
extension EventRouter {
    /// Explains a decision by the policies in force now. About a bus of another cell that cell is asked too, once this side's policies
    /// allow it: whether its policy would let in an event of that principal.
    ///
    /// - Parameters:
    ///   - question: who would do what.
    ///   - completion: receives the explanation, at once when no other cell has to be asked, and within 3 s otherwise; it is
    ///     ``AccessExplanation/isOpen`` when that cell was not heard or cannot be asked this.
    /// - Throws: why the question cannot be put.
    public func explain(
        _ question: AccessQuestion,
        completion: @escaping (AccessExplanation) -> Void
    ) throws(AccessQuestion.Fault) {
        var explanation = try explain(question)
        guard explanation.isOpen, let forwarder, let bus = BusAddress(arn: question.resource),
            catalog.state.accounts.contains(try question.subject().account)
        else { return completion(explanation) }
        let entry: ForwardEntry
        do throws(AccessQuestion.Fault) {
            entry = try question.entry(for: bus, now: clock.now)
        } catch {
            explanation.lines.insert("that cell was not asked: \(error)", at: 0)
            return completion(explanation)
        }
        forwarder.inquire(entry, to: bus.account, timeout: Self.questionTimeout) { result in
            explanation.take(AnswerThere(result), question, entry)
            completion(explanation)
        }
    }
}

extension AccessExplanation {
    fileprivate mutating func take(_ answer: AnswerThere, _ question: AccessQuestion, _ entry: ForwardEntry) {
        switch answer.outcome {
        case .accepted: isOpen = false
        case .dropped: close("There is no such bus.")
        case .refused(let text): close(text)
        case .open, .unfit: break
        }
        // What is said below of this side alone is no longer all that is known.
        if !isOpen { lines.removeFirst() }
        let untold = question.untold(by: entry)
        if !untold.isEmpty { lines.insert("that cell was not told: \(untold.joined(separator: ", "))", at: 0) }
        let (source, type) = question.sourceAndType
        lines.insert("the question was about an event with source \(source) and detail-type \(type)", at: 0)
        lines.insert(answer.line, at: 0)
    }

    private mutating func close(_ text: String) {
        verdict = .denied(text)
        isOpen = false
    }
}

extension AccessQuestion {
    /// What of the context an event does not carry to another cell, or carries with another value. What else a policy may ask
    /// about, that cell sees for itself.
    fileprivate func untold(by entry: ForwardEntry) -> [String] {
        let (source, type) = sourceAndType
        var said = ["events:source": source, "events:detail-type": type, "aws:securetransport": "true"]
        said["events:eventbusinvocation"] = entry.isDirect ? "false" : "true"
        if entry.isDirect {
            said["aws:requestedregion"] = BusAddress(arn: entry.bus)?.region
        } else {
            said["aws:sourcearn"] = entry.rule
            said["aws:sourceaccount"] = entry.sourceAccount.description
        }
        return context.compactMap { key, values in
            guard let value = said[key.lowercased()], values.first == value else { return key }
            return values.count > 1 ? "further values of \(key)" : nil
        }
    }

    fileprivate var sourceAndType: (source: String, type: String) {
        (first("events:source") ?? "busbar.explain", first("events:detail-type") ?? "question")
    }

    /// An event of the principal as it would come to a bus of another cell: by a rule where the context says so, else by a put.
    fileprivate func entry(for bus: BusAddress, now: Timestamp) throws(Fault) -> ForwardEntry {
        guard action.lowercased() == "events:putevents" else {
            throw Fault(description: "another cell answers for events:PutEvents alone")
        }
        let (subject, account) = try subject()
        var session = ""
        let principal: String
        switch subject {
        case .principal(let arn, _): principal = arn
        case .role(let arn, let name, _), .remote(let arn, let name, _):
            principal = arn
            session = name
        case .service(let name, _, _):
            throw Fault(description: "between cells rules act as a role or as their account's root, not as \(name)")
        }
        let (source, type) = sourceAndType
        let text: JSONObject = [
            "source": .string(source), "detail-type": .string(type), "detail": .object(JSONObject()),
        ]
        let event: HypotheticalEvent
        do throws(HypotheticalEvent.Fault) {
            event = try HypotheticalEvent(JSONValue.object(text).bytes, from: account, region: bus.region, now: now)
        } catch {
            throw Fault(description: error.description)
        }
        var entry = ForwardEntry(
            id: EventWalk.noDelivery,
            sourceAccount: account,
            principal: principal,
            session: session,
            bus: bus.arn,
            envelope: event.envelope
        )
        if let sender = try rule(of: account, in: bus.region) {
            entry.rule = sender.arn
            entry.hops = [sender.bus.arn]
            // A rule acts with its role under its own name; a session that the question names stays.
            if !session.isEmpty, ARN(self.principal)?.service == "iam" { entry.session = sender.name }
        }
        return entry
    }

    /// The rule that forwards, with its bus; nil for a put.
    private func rule(
        of account: AccountID,
        in region: String
    ) throws(Fault) -> (arn: String, name: String, bus: BusAddress)? {
        if let arn = first("aws:SourceArn") {
            guard case .rule(let name, let bus)? = TaggedResource(arn: arn), bus.account == account else {
                throw Fault(description: "aws:SourceArn must be the ARN of a rule of account \(account)")
            }
            return (arn, name, bus)
        }
        guard first("events:eventBusInvocation") == "true" else { return nil }
        let bus = BusAddress(region: region, account: account, name: "default")
        return (bus.ruleARN("question"), "question", bus)
    }
}
