/// Why a target's input form is refused at PutTargets: `ValidationException`, HTTP 400.
public struct TargetInputError: Error, Hashable, Sendable {
    /// The kinds of fault.
    public enum Reason: Hashable, Sendable {
        /// More than one of `Input`, `InputPath` and `InputTransformer`.
        case severalForms
        /// `Input` or `InputPath` on a target that takes only `InputTransformer`.
        case onlyTransformer
        /// `Input` is not JSON; where it stops being JSON, counted from 1, columns in bytes.
        case inputSyntax(text: String, line: Int, column: Int)
        /// `InputPath` breaks the grammar.
        case invalidPath(String)
        /// A value of `InputPathsMap` breaks the grammar.
        case invalidVariablePath(name: String, path: String)
        /// A key of `InputPathsMap` breaks its pattern.
        case invalidVariableName(String)
        /// A placeholder that is neither reserved nor in the `InputPathsMap`, which is not empty.
        case invalidPlaceholder(String)
        /// A placeholder inside an object key.
        case placeholderInKey
        /// `<aws.events.event>` or `<aws.events.event.json>` elsewhere than as the unquoted value of a field of an object
        /// template.
        case onlyInObjectTemplate(placeholder: String)
        /// The template is not JSON even with its placeholders replaced by scalars.
        case templateSyntax(reason: String, line: Int, column: Int)
        /// A member is longer than the service admits. The API's model layer finds this first and words it; this is the
        /// backstop for other callers.
        case tooLong(member: String, maximum: Int)
        /// `InputTemplate` is the empty text; found first by the API's model layer.
        case emptyTemplate
    }

    /// What is wrong.
    public let reason: Reason

    /// Creates an error.
    public init(_ reason: Reason) {
        self.reason = reason
    }

    /// The message of the API's answer (spec: patterns §4.1, §4.2, §4.7; control §4.3).
    ///
    /// The service's texts for invalid paths and for templates that are not JSON are not recorded; those here are our own.
    ///
    /// - Parameter targetID: the `Id` of the target.
    /// - Returns: the message.
    public func message(targetID: String) -> String {
        switch reason {
        case .severalForms:
            return "Only one of Input, InputPath, or InputTransformer must be provided for target \(targetID)."
        case .onlyTransformer:
            return "Input and InputPath are not valid forms of input for target \(targetID). "
                + "The only valid form of input is InputTransformer."
        case .inputSyntax(let text, let line, let column):
            return "JSON syntax error in input for target \(targetID): "
                + "[Source: (String)\"\(text)\"; line: \(line), column: \(column)]"
        case .invalidPath(let path):
            return "InputPath for target \(targetID) is not valid: \(path)"
        case .invalidVariablePath(let name, let path):
            return "InputPathsMap for target \(targetID) contains invalid path for \(name): \(path)"
        case .invalidVariableName(let name):
            return "InputPathsMap for target \(targetID) contains invalid key \(name)."
        case .invalidPlaceholder(let name):
            return "InputTemplate for target \(targetID) contains invalid placeholder \(name)."
        case .placeholderInKey:
            return "InputTemplate placeholder present as a JSON object key for target \(targetID)."
        case .onlyInObjectTemplate(let name):
            return "InputTemplate for target \(targetID) contains placeholder \(name) valid only for JSON template."
        case .templateSyntax(let reason, let line, let column):
            return
                "InputTemplate for target \(targetID) is not valid JSON: \(reason) at line: \(line), column: \(column)"
        case .tooLong(let member, let maximum):
            return "\(member) for target \(targetID) must have length less than or equal to \(maximum)"
        case .emptyTemplate:
            return "InputTemplate for target \(targetID) must have length greater than or equal to 1"
        }
    }
}

/// Line and column, counted from 1, of an offset into a text; columns count bytes.
struct TextPosition {
    var line: Int
    var column: Int

    init(of offset: Int, in bytes: [UInt8]) {
        let before = bytes.prefix(offset)
        line = 1 + before.count { $0 == UInt8(ascii: "\n") }
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        column = 1 + before.count - lineStart
    }
}
