import Cluster
import EventModel
import PeerProtocol
import SansIO

/// Walks that ask other cells what they would do.
extension EventRouter {
    /// Cells are asked about so many places of a walk at most.
    private static let maximumQuestions = 16
    /// How long a person waits for other cells.
    static let questionTimeout = Duration.seconds(3)

    /// Walks a hypothetical event from a bus on, and asks each cell that it would come to whether it would let the event in.
    ///
    /// - Parameters:
    ///   - event: the event.
    ///   - caller: the ARN of the principal that puts it.
    ///   - account: its account.
    ///   - address: the bus.
    ///   - completion: receives the walk, at once when no other cell has to be asked.
    public func simulate(
        _ event: HypotheticalEvent,
        by caller: String,
        of account: AccountID,
        to address: BusAddress,
        completion: @escaping (WalkStep) -> Void
    ) {
        let walk = simulate(event, by: caller, of: account, to: address)
        var questions: [WalkStep.Question] = []
        walk.collect(&questions)
        questions = Array(questions.prefix(Self.maximumQuestions))
        guard let forwarder, !questions.isEmpty else { return completion(walk) }
        var answers = [Result<PeerVerdict, ForwardFailure>?](repeating: nil, count: questions.count)
        var missing = questions.count
        for (index, question) in questions.enumerated() {
            forwarder.inquire(question.entry, to: question.account, timeout: Self.questionTimeout) { answer in
                answers[index] = answer
                missing -= 1
                guard missing == 0 else { return }
                var rest = answers[...]
                completion(walk.answered(&rest))
            }
        }
    }
}

extension WalkStep {
    fileprivate func collect(_ questions: inout [Question]) {
        if let question { questions.append(question) }
        for step in next { step.collect(&questions) }
    }

    /// The walk with the answers to its first questions, in the order in which they are collected.
    fileprivate func answered(_ answers: inout ArraySlice<Result<PeerVerdict, ForwardFailure>?>) -> WalkStep {
        var step = self
        if let question {
            if let answer = answers.popFirst() ?? nil {
                step.take(answer, question)
            } else {
                step.reasons.insert("that cell was not asked: there were too many questions", at: 0)
            }
        }
        step.next = step.next.map { $0.answered(&answers) }
        return step
    }

    private mutating func take(_ result: Result<PeerVerdict, ForwardFailure>, _ question: Question) {
        let answer = AnswerThere(result)
        switch answer.outcome {
        case .accepted: outcome = .acceptedThere
        case .dropped: outcome = .dropped
        case .refused, .unfit:
            outcome = .refusedThere
            next += question.ifRefused
        case .open: break
        }
        reasons.insert(answer.line, at: 0)
    }
}

/// What another cell said of an event that it was asked about.
struct AnswerThere {
    enum Outcome: Equatable {
        case accepted
        case dropped
        /// With the reason that the event itself would come back with.
        case refused(String)
        /// It refused the event itself, before it asked any policy.
        case unfit
        /// It said nothing, or nothing that decides.
        case open
    }

    let outcome: Outcome
    /// The same for a person.
    let line: String

    init(_ result: Result<PeerVerdict, ForwardFailure>) {
        switch result {
        case .success(.accepted), .success(.duplicate):
            outcome = .accepted
            line = "that cell was asked: its policy lets the event in; what its rules do is not told"
        case .success(.unknownBus):
            outcome = .dropped
            line = "that cell was asked: there is no such bus, and it drops what comes for it"
        case .success(.denied(let text)), .success(.loop(let text)):
            outcome = .refused(text)
            line = "that cell was asked: \(text)"
        case .success(.malformed(let text)), .success(.tooLarge(let text)):
            outcome = .unfit
            line = "that cell was asked: \(text)"
        case .success(let verdict):
            let reason = verdict.reason.isEmpty ? "" : ": \(verdict.reason)"
            outcome = .open
            line = "that cell was asked, and would have the event come again later (\(verdict.kind)\(reason))"
        case .failure(let failure):
            outcome = .open
            line = "that cell was not heard: \(failure.message)"
        }
    }
}
