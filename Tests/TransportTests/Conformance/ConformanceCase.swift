import Testing

/// One rule of RFC 9113 or RFC 7541 that a server must keep, and how to see whether it does.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
    /// What a client does, after its connection preface.
    enum Step: Sendable {
        case send([UInt8])
        /// Waits until the server has ended its side of a stream.
        case awaitEnd(UInt32)
        /// Waits until the server has reset a stream.
        case awaitReset(UInt32)
    }

    /// What the server must do about it.
    enum Outcome: Sendable {
        /// A GOAWAY with one of these codes, and the connection closes.
        case connectionError(Set<UInt32>)
        /// A RST_STREAM with one of these codes while the connection goes on. A GOAWAY with the same codes does as well
        /// (RFC 9113 §5.4).
        case streamError(UInt32, Set<UInt32>)
        /// A response with status 200, and no error of any kind.
        case answered(UInt32)
        /// No error of any kind, and the connection goes on.
        case tolerated
    }

    let section: String
    let rule: String
    let steps: [Step]
    let outcome: Outcome
    /// True when resets of streams other than the outcome's are part of the case.
    private var expectsResets = false

    init(_ section: String, _ rule: String, _ outcome: Outcome, _ steps: Step...) {
        self.section = section
        self.rule = rule
        self.steps = steps
        self.outcome = outcome
    }

    /// The usual case, of which all bytes can be sent at once.
    init(_ section: String, _ rule: String, _ outcome: Outcome, sending bytes: [UInt8]...) {
        self.section = section
        self.rule = rule
        steps = [.send(bytes.flatMap { $0 })]
        self.outcome = outcome
    }

    /// The same case for steps that make the server reset streams by design.
    func ignoringResets() -> ConformanceCase {
        var copy = self
        copy.expectsResets = true
        return copy
    }

    var testDescription: String { "\(section) \(rule)" }

    /// Carries the case out.
    ///
    /// - Returns: nil when the server kept the rule, else what it did.
    func run(_ client: ConformanceClient) async -> String? {
        for step in steps {
            switch step {
            case .send(let bytes): await client.send(bytes)
            case .awaitEnd(let stream): await client.wait { $0.hasEnded(stream) }
            case .awaitReset(let stream): await client.wait { $0.resetCode(stream) != nil }
            }
        }
        if case .answered(let stream) = outcome { await client.wait { $0.isAnswered(stream) } }
        await client.settle()
        if let code = client.goAwayCode, code != ErrorCode.none { await client.wait { _ in false } }
        return isMet(client) ? nil : client.summary
    }

    private func isMet(_ client: ConformanceClient) -> Bool {
        let isUnharmed = !client.hasEnded && client.goAwayCode == nil
        switch outcome {
        case .connectionError(let codes):
            guard let code = client.goAwayCode else { return false }
            return codes.contains(code) && client.hasEnded
        case .streamError(let stream, let codes):
            if let code = client.goAwayCode { return codes.contains(code) && client.hasEnded }
            guard let code = client.resetCode(stream) else { return false }
            return codes.contains(code) && isUnharmed && client.resets.allSatisfy { $0.stream == stream }
        case .answered(let stream):
            return client.isAnswered(stream) && isUnharmed && (expectsResets || client.resets.isEmpty)
        case .tolerated:
            return isUnharmed && (expectsResets || client.resets.isEmpty)
        }
    }
}
