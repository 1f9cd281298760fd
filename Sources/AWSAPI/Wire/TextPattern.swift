/// A pattern of the service model: the text that error messages show, and a test of the whole value.
public struct TextPattern: Sendable {
    /// The regular expression as the service prints it.
    public var text: String
    private let test: @Sendable (String) -> Bool

    /// Creates a pattern.
    public init(_ text: String, _ test: @escaping @Sendable (String) -> Bool) {
        self.text = text
        self.test = test
    }

    /// Whether the whole value matches.
    public func matches(_ value: String) -> Bool {
        test(value)
    }

    /// Letters, digits, `.`, `-`, `_`: names of rules, targets and buses of one's own.
    public static let name = TextPattern("[\\.\\-_A-Za-z0-9]+") { value in
        !value.isEmpty && value.utf8.allSatisfy(isNameByte)
    }

    /// As ``name``, with `/` for partner buses.
    public static let busName = TextPattern("[/\\.\\-_A-Za-z0-9]+") { value in
        !value.isEmpty && value.utf8.allSatisfy { isNameByte($0) || $0 == UInt8(ascii: "/") }
    }

    /// A bus by name or by ARN.
    public static let busNameOrARN = TextPattern(
        "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[/\\.\\-_A-Za-z0-9]+"
    ) { value in
        isBusReference(value, allowsSlash: true)
    }

    /// A bus by name or by ARN, partner buses left out.
    public static let ownBusNameOrARN = TextPattern(
        "(arn:aws[\\w-]*:events:[a-z]+-[a-z]+-[\\w-]+:[0-9]{12}:event-bus\\/)?[\\.\\-_A-Za-z0-9]+"
    ) { value in
        isBusReference(value, allowsSlash: false)
    }

    /// Statement ids of PutPermission.
    public static let statementID = TextPattern("[a-zA-Z0-9-_]+") { value in
        !value.isEmpty && value.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
    }

    /// Actions of PutPermission.
    public static let eventsAction = TextPattern("events:[a-zA-Z]+") { value in
        value.utf8.starts(with: "events:".utf8) && value.utf8.count > 7
            && value.utf8.dropFirst(7).allSatisfy { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A }
    }

    /// Principals of PutPermission.
    public static let permissionPrincipal = TextPattern("(\\d{12}|\\*)") { value in
        value == "*" || (value.utf8.count == 12 && value.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 })
    }

    /// Ids of global endpoints.
    public static let endpointID = TextPattern("^[A-Za-z0-9\\-]+[\\.][A-Za-z0-9\\-]+$") { value in
        let parts = value.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy { isAlphanumeric($0) || $0 == 0x2D } }
    }

    /// Keys of `InputPathsMap`.
    public static let inputPathKey = TextPattern("[A-Za-z0-9\\_\\-]+") { value in
        !value.isEmpty && value.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F }
    }

    /// Identifiers of KMS keys.
    public static let kmsKey = TextPattern("^[a-zA-Z0-9_\\-/:]*$") { value in
        value.utf8.allSatisfy {
            isAlphanumeric($0) || $0 == 0x2D || $0 == 0x5F || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ":")
        }
    }

    private static func isBusReference(_ value: String, allowsSlash: Bool) -> Bool {
        var name = Substring(value).utf8
        if name.starts(with: "arn:".utf8) {
            let parts = name.split(separator: UInt8(ascii: ":"), maxSplits: 5, omittingEmptySubsequences: false)
            let prefix = Array("event-bus/".utf8)
            guard parts.count == 6, parts[1].starts(with: "aws".utf8), parts[2].elementsEqual("events".utf8),
                isRegion(parts[3]), parts[4].count == 12, parts[4].allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
                parts[5].starts(with: prefix)
            else { return false }
            name = parts[5].dropFirst(prefix.count)
        }
        return !name.isEmpty && name.allSatisfy { isNameByte($0) || allowsSlash && $0 == UInt8(ascii: "/") }
    }

    /// `[a-z]+-[a-z]+-[\w-]+`
    private static func isRegion(_ text: Substring.UTF8View) -> Bool {
        let parts = text.split(separator: 0x2D, maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[1].isEmpty, !parts[2].isEmpty else { return false }
        return parts[0].allSatisfy { $0 >= 0x61 && $0 <= 0x7A } && parts[1].allSatisfy { $0 >= 0x61 && $0 <= 0x7A }
            && parts[2].allSatisfy { isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2D }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (byte >= 0x30 && byte <= 0x39) || (byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A)
    }
}
