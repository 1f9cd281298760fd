import EventModel

/// How an event becomes the payload of a target (spec: patterns §4.1).
public enum TargetInput: Sendable, Equatable {
    /// No input form: the whole envelope.
    case event
    /// `Input`: this text, byte for byte.
    case constant([UInt8])
    /// `InputPath`: what the path selects.
    case path(InputPath)
    /// `InputTransformer`: the template filled with variables.
    case transformer(InputTransformer)

    /// Characters that `Input` may have.
    public static let maximumInputLength = 8_192

    /// Takes in a target's input members and validates them as PutTargets does.
    ///
    /// - Parameters:
    ///   - input: `Input`
    ///   - inputPath: `InputPath`
    ///   - transformer: `InputTransformer`: the members of `InputPathsMap` (empty when absent) and `InputTemplate`
    ///   - onlyTransformer: whether the target takes no other form, as CloudWatch Logs does
    /// - Throws: ``TargetInputError`` (spec: patterns §4.1-§4.3, §4.7).
    public init(
        input: String?,
        inputPath: String?,
        transformer: (variables: [InputVariable], template: String)?,
        onlyTransformer: Bool = false
    ) throws(TargetInputError) {
        let forms = (input == nil ? 0 : 1) + (inputPath == nil ? 0 : 1) + (transformer == nil ? 0 : 1)
        guard forms <= 1 else { throw TargetInputError(.severalForms) }
        guard !onlyTransformer || (input == nil && inputPath == nil) else { throw TargetInputError(.onlyTransformer) }
        if let input {
            self = .constant(try Self.checked(input))
        } else if let inputPath {
            self = .path(try Self.parsed(inputPath))
        } else if let transformer {
            let compiled = try InputTransformer(variables: transformer.variables, template: transformer.template)
            self = .transformer(compiled)
        } else {
            self = .event
        }
    }

    /// The empty text passes, though it is not JSON (spec: patterns §4.2).
    private static func checked(_ input: String) throws(TargetInputError) -> [UInt8] {
        guard input.unicodeScalars.count <= maximumInputLength else {
            throw TargetInputError(.tooLong(member: "Input", maximum: maximumInputLength))
        }
        let bytes = Array(input.utf8)
        guard !bytes.isEmpty else { return bytes }
        var reader = JSONReader(bytes)
        do {
            while try reader.next().kind != .end {}
        } catch {
            let position = TextPosition(of: error.offset, in: bytes)
            throw TargetInputError(.inputSyntax(text: input, line: position.line, column: position.column))
        }
        return bytes
    }

    private static func parsed(_ path: String) throws(TargetInputError) -> InputPath {
        do {
            return try InputPath(path)
        } catch {
            throw TargetInputError(.invalidPath(path))
        }
    }

    /// The payload for an event.
    ///
    /// Time and memory are linear in the event, the template and the output.
    ///
    /// - Parameters:
    ///   - event: the envelope as JSON text; one that is not JSON gives ``TransformOutcome/invalid(text:)``.
    ///   - context: what reserved placeholders stand for.
    ///   - maximumBytes: bytes that a filled template may have. The other forms cannot grow an event.
    /// - Returns: what to send, or why there is nothing to send.
    public func render(
        event: [UInt8],
        context: TransformContext,
        maximumBytes: Int = Quotas().queueMessageBytes
    ) -> TransformOutcome {
        switch self {
        case .event:
            return .payload(event)
        case .constant(let text):
            return text.isEmpty ? .nothing : .payload(text)
        case .path(let path):
            guard let payload = path.evaluate(event) else { return .invalid(text: event) }
            return .payload(payload)
        case .transformer(let transformer):
            guard
                var renderer = TemplateRenderer(
                    transformer,
                    event: event,
                    context: context,
                    maximumBytes: maximumBytes
                )
            else { return .invalid(text: event) }
            return renderer.render()
        }
    }
}
