/// A variable of `InputPathsMap`: a name and the path that selects its value.
public struct InputVariable: Hashable, Sendable {
    /// The name, as placeholders spell it.
    public var name: String
    /// The path.
    public var path: String

    /// Creates a variable.
    public init(name: String, path: String) {
        self.name = name
        self.path = path
    }
}

/// A compiled `InputTransformer` (spec: patterns §4.4, §4.5).
public struct InputTransformer: Sendable, Equatable {
    /// Entries that `InputPathsMap` may have.
    public static let maximumVariables = 100
    /// Characters that `InputTemplate` may have.
    public static let maximumTemplateLength = 8_192

    /// The members of `InputPathsMap` in the order they were given; of equal names the last counts.
    public let variables: [InputVariable]
    /// The text of `InputTemplate`.
    public let template: String

    let text: TemplateText
    let parts: [TemplatePart]
    /// The paths that the template asks for, those of unused variables left out.
    let tree: PathTree

    /// Compiles and validates.
    ///
    /// - Throws: ``TargetInputError`` (spec: patterns §4.7).
    public init(variables: [InputVariable], template: String) throws(TargetInputError) {
        self.variables = variables
        self.template = template
        let paths = try Self.parse(variables)
        guard !template.isEmpty else { throw TargetInputError(.emptyTemplate) }
        guard template.unicodeScalars.count <= Self.maximumTemplateLength else {
            throw TargetInputError(.tooLong(member: "InputTemplate", maximum: Self.maximumTemplateLength))
        }
        try Self.checkNames(template, paths)
        text = try TemplateText(template)
        for placeholder in text.placeholders {
            guard let reserved = ReservedPlaceholder(rawValue: placeholder.name), reserved.isObject else { continue }
            guard text.kind == .object, text.isFieldValue(placeholder) else {
                throw TargetInputError(.onlyInObjectTemplate(placeholder: placeholder.name))
            }
        }
        (parts, tree) = TemplatePart.parts(of: text, paths: paths)
    }

    private static func parse(_ variables: [InputVariable]) throws(TargetInputError) -> [String: InputPath] {
        guard variables.count <= maximumVariables else {
            throw TargetInputError(.tooLong(member: "InputPathsMap", maximum: maximumVariables))
        }
        var paths: [String: InputPath] = [:]
        for variable in variables {
            guard VariableName.isValid(variable.name) else {
                throw TargetInputError(.invalidVariableName(variable.name))
            }
            do {
                paths[variable.name] = try InputPath(variable.path)
            } catch {
                throw TargetInputError(.invalidVariablePath(name: variable.name, path: variable.path))
            }
        }
        return paths
    }

    private static func checkNames(_ template: String, _ paths: [String: InputPath]) throws(TargetInputError) {
        guard !paths.isEmpty else { return }
        for placeholder in TemplateText.placeholders(in: Array(template.utf8))
        where paths[placeholder.name] == nil && ReservedPlaceholder(rawValue: placeholder.name) == nil {
            throw TargetInputError(.invalidPlaceholder(placeholder.name))
        }
    }

    /// Equal when made from the same variables and the same template, byte for byte.
    public static func == (left: InputTransformer, right: InputTransformer) -> Bool {
        left.variables == right.variables && left.template.utf8.elementsEqual(right.template.utf8)
    }
}

/// The names that every template may use (spec: patterns §4.4).
enum ReservedPlaceholder: String, Sendable {
    case ruleARN = "aws.events.rule-arn"
    case ruleName = "aws.events.rule-name"
    case ingestionTime = "aws.events.event.ingestion-time"
    case event = "aws.events.event"
    case eventJSON = "aws.events.event.json"

    var isObject: Bool { self == .event || self == .eventJSON }
}

/// A stretch of a compiled template.
struct TemplatePart: Sendable {
    enum Content: Sendable {
        /// Copied as it is.
        case literal(Range<Int>)
        /// A placeholder that names nothing; its text is copied.
        case unknown(Range<Int>)
        /// The value in that slot of the path tree.
        case variable(slot: Int)
        case ruleARN
        case ruleName
        case ingestionTime
        /// The envelope without its detail, from these slots in the order of ``EventSummary/fields``.
        case event(slots: [Int])
    }

    var content: Content
    var isQuoted = false
    /// Whether any JSON value may stand here without breaking the text around it.
    var isWholeValue = false

    static func parts(of text: TemplateText, paths: [String: InputPath]) -> ([TemplatePart], PathTree) {
        var parts: [TemplatePart] = []
        var steps: [[InputPath.Step]] = []
        var literalStart = 0
        for placeholder in text.placeholders {
            if literalStart < placeholder.start {
                parts.append(TemplatePart(content: .literal(literalStart..<placeholder.start)))
            }
            literalStart = placeholder.end
            let content = content(of: placeholder, paths: paths, steps: &steps)
            parts.append(
                TemplatePart(
                    content: content,
                    isQuoted: placeholder.isQuoted,
                    isWholeValue: placeholder.isWholeValue
                )
            )
        }
        if literalStart < text.bytes.count {
            parts.append(TemplatePart(content: .literal(literalStart..<text.bytes.count)))
        }
        let tree = PathTree(steps)
        return (parts.map { $0.resolved(in: tree) }, tree)
    }

    /// The content with places in `steps` instead of slots, which only the finished tree knows.
    private static func content(
        of placeholder: TemplateText.Placeholder,
        paths: [String: InputPath],
        steps: inout [[InputPath.Step]]
    ) -> Content {
        switch ReservedPlaceholder(rawValue: placeholder.name) {
        case .ruleARN: return .ruleARN
        case .ruleName: return .ruleName
        case .ingestionTime: return .ingestionTime
        case .eventJSON:
            steps.append([])
            return .variable(slot: steps.count - 1)
        case .event:
            steps.append(contentsOf: EventSummary.fields.map { [.name(Array($0.path.utf8))] })
            return .event(slots: Array((steps.count - EventSummary.fields.count)..<steps.count))
        case nil:
            guard let path = paths[placeholder.name] else { return .unknown(placeholder.start..<placeholder.end) }
            steps.append(path.steps)
            return .variable(slot: steps.count - 1)
        }
    }

    private func resolved(in tree: PathTree) -> TemplatePart {
        var part = self
        switch content {
        case .variable(let place): part.content = .variable(slot: tree.slots[place])
        case .event(let places): part.content = .event(slots: places.map { tree.slots[$0] })
        default: break
        }
        return part
    }
}
