import EventModel

/// Fills a template with what a walk over the event found (spec: patterns §4.5).
struct TemplateRenderer {
    private let transformer: InputTransformer
    private let event: [UInt8]
    private let context: TransformContext
    private let collector: PathCollector
    private var output: BoundedOutput
    /// Whether something was written that may have broken the JSON around it.
    private var needsCheck: Bool

    /// Nil when `event` is not JSON.
    init?(_ transformer: InputTransformer, event: [UInt8], context: TransformContext, maximumBytes: Int) {
        self.transformer = transformer
        self.event = event
        self.context = context
        // Each result of `[*]` adds at least one byte to the output, so more results than bytes exceed the limit anyway.
        var collector = PathCollector(tree: transformer.tree, maximumResults: maximumBytes)
        guard collector.collect(event) else { return nil }
        self.collector = collector
        output = BoundedOutput(limit: maximumBytes)
        output.reserve(transformer.text.bytes.count + 128)
        needsCheck = transformer.text.kind != .object
    }

    mutating func render() -> TransformOutcome {
        for part in transformer.parts {
            if output.exceeded { break }
            write(part)
        }
        if output.exceeded || collector.overflowed { return .invalid(text: output.wholeCharacters) }
        let bytes = output.bytes
        if bytes.isEmpty { return .nothing }
        guard !needsCheck || isValid(bytes) else { return .invalid(text: bytes) }
        return .payload(bytes)
    }

    private func isValid(_ bytes: [UInt8]) -> Bool {
        if transformer.text.kind == .lines { return QuotedLines.isValid(bytes) }
        var reader = JSONReader(bytes)
        do {
            while try reader.next().kind != .end {}
            return true
        } catch {
            return false
        }
    }

    private mutating func write(_ part: TemplatePart) {
        switch part.content {
        case .literal(let range):
            output.append(transformer.text.bytes[range])
        case .unknown(let range):
            if !part.isQuoted { needsCheck = true }
            output.append(transformer.text.bytes[range])
        case .variable(let slot):
            write(collector.selection(slot: slot, of: event), part)
        case .ruleARN:
            write(text: context.ruleARN, part)
        case .ruleName:
            write(text: context.ruleName, part)
        case .ingestionTime:
            write(text: CivilTime(context.ingestionTime).iso8601Milliseconds, part)
        case .event(let slots):
            EventSummary.append(collector, slots, of: event, to: &output)
        }
    }

    private mutating func write(text: String, _ part: TemplatePart) {
        let isObject = transformer.text.kind == .object
        guard isObject else {
            output.append(Array(text.utf8))
            return
        }
        if !part.isQuoted, !part.isWholeValue { needsCheck = true }
        var quoted: [UInt8] = []
        JSONStrings.append(text.utf8, to: &quoted)
        output.append(part.isQuoted ? quoted.dropFirst().dropLast() : quoted[...])
    }

    private mutating func write(_ selection: Selection, _ part: TemplatePart) {
        let isObject = transformer.text.kind == .object
        if !part.isQuoted, !part.isWholeValue { needsCheck = true }
        switch selection {
        case .nothing:
            if isObject, !part.isQuoted { output.append("\"\"") }
        case .value(.scalar, let range), .value(.null, let range):
            output.append(event[range])
        case .value(.string, let range):
            writeString(range, isQuoted: part.isQuoted)
        case .value(.container, let range):
            if part.isQuoted { needsCheck = true }
            output.appendCompact(event, range, dropsQuotes: !isObject)
        case .list(let ranges):
            if part.isQuoted { needsCheck = true }
            output.appendCompact(event, listOf: ranges, dropsQuotes: !isObject)
        }
    }

    private mutating func writeString(_ range: Range<Int>, isQuoted: Bool) {
        if transformer.text.kind == .object {
            output.append(isQuoted ? event[range].dropFirst().dropLast() : event[range])
            return
        }
        guard let text = EventScanner.string(event, range.lowerBound), let decoded = EventScanner.decode(event, text)
        else {
            needsCheck = true
            output.append(event[range])
            return
        }
        output.append(decoded)
    }
}
