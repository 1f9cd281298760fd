import SansIO

/// What a template may ask for besides the event (spec: patterns §4.4).
public struct TransformContext: Sendable, Hashable {
    /// `<aws.events.rule-arn>`
    public var ruleARN: String
    /// `<aws.events.rule-name>`
    public var ruleName: String
    /// When the event was taken in: `<aws.events.event.ingestion-time>`
    public var ingestionTime: Timestamp

    /// Creates a context.
    public init(ruleARN: String, ruleName: String, ingestionTime: Timestamp) {
        self.ruleARN = ruleARN
        self.ruleName = ruleName
        self.ingestionTime = ingestionTime
    }
}

/// What became of an event on its way to a target.
public enum TransformOutcome: Sendable, Equatable {
    /// What to send.
    case payload([UInt8])
    /// The text did not become valid JSON, or grew beyond the limit: no invocation and no retry, but `INVALID_JSON` with this
    /// text in the dead-letter queue (spec: patterns §4.5). Beyond the limit the text is cut.
    case invalid(text: [UInt8])
    /// The text is empty: neither delivered nor dead-lettered (spec: patterns §4.2, §4.5).
    case nothing
}
