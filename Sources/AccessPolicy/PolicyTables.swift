/// How a text is compared with a pattern. The pattern's bytes or its program are elsewhere in the ``PolicyTables``.
struct PatternReference: Sendable {
    enum Kind: UInt8, Sendable {
        /// Any text.
        case anything
        /// The bytes `text`.
        case exact
        /// Whatever begins with the bytes `text`.
        case prefix
        /// Wildcards elsewhere: program number `index`.
        case program
        /// Policy variables: template number `index`.
        case template
    }

    var kind: Kind
    var text: ByteSlice
    var index: Int32
}

/// A range of rows of another table.
struct TableRange: Sendable {
    var start: Int32
    var count: Int32

    static let empty = TableRange(start: 0, count: 0)

    var range: Range<Int> { Int(start)..<Int(start) + Int(count) }
}

/// A principal as a statement names it.
struct CompiledPrincipal: Sendable {
    enum Kind: UInt8, Sendable {
        case everyone
        /// The account with number `account`.
        case account
        /// An ARN: the bytes `text`.
        case arn
        /// A service: the bytes `text`.
        case service
        /// Kinds that nobody authenticates as.
        case nobody
    }

    var kind: Kind
    var account: UInt64
    var text: ByteSlice
}

/// A condition with its values in tables.
struct CompiledCondition: Sendable {
    var comparison: ConditionOperator.Comparison
    var quantifier: ConditionOperator.Quantifier
    var isNegated: Bool
    var ifExists: Bool
    /// The key's number; zero for names without one, which are then `keyName`.
    var keyCode: UInt8
    var keyName: ByteSlice
    /// `Bool` and `Null`: whether `true`, or `false`, is among the values.
    var takesTrue: Bool
    var takesFalse: Bool
    /// The values: rows of `patterns` for texts (six rows a value for ARNs), of `numbers`, or of `addresses`.
    var values: TableRange
}

/// A statement with its elements in tables.
struct CompiledStatement: Sendable {
    var isDeny: Bool
    var hasPrincipals: Bool
    var notPrincipals: Bool
    var notActions: Bool
    var notResources: Bool
    var principals: TableRange
    var actions: TableRange
    var resources: TableRange
    var conditions: TableRange
}

/// A compiled policy: flat tables of plain values over one pool of bytes, so that a decision follows no references, counts
/// none and allocates nothing, unless a policy variable or a wildcard between wildcards of over 64 characters is met.
struct PolicyTables: Sendable {
    var pool: [UInt8] = []
    var statements: [CompiledStatement] = []
    var principals: [CompiledPrincipal] = []
    var patterns: [PatternReference] = []
    var conditions: [CompiledCondition] = []
    var numbers: [Int128] = []
    var addresses: [AddressRange] = []
    var programs: [GlobProgram] = []
    var templates: [TextTemplate] = []
}

/// A policy prepared for decisions. Made once when the policy is set, used for every request.
public final class CompiledPolicy: Sendable {
    /// The policy.
    public let document: PolicyDocument
    let tables: PolicyTables

    /// Compiles a policy.
    public init(_ document: PolicyDocument) {
        self.document = document
        var compiler = PolicyCompiler(version: document.version)
        for statement in document.statements {
            compiler.add(statement)
        }
        tables = compiler.tables
    }

    /// Parses and compiles a policy.
    ///
    /// - Parameters:
    ///   - text: the JSON text.
    ///   - attachment: what the policy is attached to.
    /// - Throws: ``PolicyError`` with the place of the first fault.
    public convenience init(
        parsing text: String,
        attachment: PolicyDocument.Attachment = .resource
    ) throws(PolicyError) {
        self.init(try PolicyDocument(parsing: text, attachment: attachment))
    }
}
