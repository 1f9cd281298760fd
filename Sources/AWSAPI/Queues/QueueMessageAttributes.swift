import EventModel
import Router

/// Message attributes as JSON, their rules, their digest and their filters (spec: control §13.3, §13.5, §13.6).
enum QueueMessageAttributes {
    static let maximumCount = 10

    /// The user attributes of a request, in the order of their names.
    static func read(_ input: QueueInput) throws(AWSError) -> [MessageAttribute] {
        guard let members = try input.map("MessageAttributes")?.members else { return [] }
        guard members.count <= 100 else {
            throw QueueInput.mistyped("MessageAttributes", "a map of at most 10 members")
        }
        var attributes: [MessageAttribute] = []
        for member in members {
            try check(name: member.key)
            let attribute = try read(member.key, member.value, "user")
            attributes.removeAll { $0.name.utf8.elementsEqual(member.key.utf8) }
            attributes.append(attribute)
        }
        guard attributes.count <= maximumCount else {
            throw AWSError(
                .invalidParameterValue,
                "Number of message attributes [\(attributes.count)] exceeds the allowed maximum [\(maximumCount)]."
            )
        }
        return sorted(attributes)
    }

    /// The `AWSTraceHeader` of a request; it is the only system attribute that senders may set.
    static func traceHeader(_ input: QueueInput) throws(AWSError) -> String? {
        guard let members = try input.map("MessageSystemAttributes")?.members else { return nil }
        var header: String?
        for member in members {
            guard member.key.utf8.elementsEqual("AWSTraceHeader".utf8) else {
                throw AWSError(.invalidParameterValue, "Message system attribute name '\(member.key)' is invalid.")
            }
            let attribute = try read(member.key, member.value, "system")
            guard case .text(let text) = attribute.value, attribute.dataType == "String" else {
                throw AWSError(.invalidParameterValue, "The AWSTraceHeader must be of type 'String'.")
            }
            header = text
        }
        return header
    }

    private static func read(_ name: String, _ value: JSONValue, _ kind: String) throws(AWSError) -> MessageAttribute {
        guard let object = value.object else { throw QueueInput.mistyped("message attribute \(name)", "an object") }
        let input = QueueInput(object)
        let text = try input.string("StringValue")
        let binary = try input.string("BinaryValue")
        let place = "Message (\(kind)) attribute '\(name)'"
        guard let type = try input.string("DataType"), !type.isEmpty else {
            throw AWSError(.invalidParameterValue, "\(place) must contain a non-empty type.")
        }
        let base = type.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)[0]
        switch String(base) {
        case "Binary":
            guard let binary, !binary.isEmpty else { throw empty(place, type) }
            guard let bytes = QueueBase64.decode(binary) else {
                throw AWSError(.serialization, "BinaryValue of message attribute \(name) must be base64")
            }
            return MessageAttribute(name: name, dataType: type, value: .binary(bytes))
        case "String", "Number":
            guard let text, !text.isEmpty else { throw empty(place, type) }
            try QueueMessageRules.check(characters: text)
            if base.elementsEqual("Number".utf8), !isNumber(text) {
                throw AWSError(.invalidParameterValue, "\(place) must contain a number; '\(text)' is none.")
            }
            return MessageAttribute(name: name, dataType: type, value: .text(text))
        default:
            throw AWSError(
                .invalidParameterValue,
                "\(place) has the invalid type '\(type)': it must be String, Number or Binary, perhaps with a suffix."
            )
        }
    }

    private static func empty(_ place: String, _ type: String) -> AWSError {
        AWSError(.invalidParameterValue, "\(place) must contain a non-empty value of type '\(type)'.")
    }

    private static func isNumber(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let number = Double(text) else {
            return false
        }
        return number.isFinite && text.utf8.count { $0 >= 0x30 && $0 <= 0x39 } <= 42
    }

    private static func check(name: String) throws(AWSError) {
        let lower = name.lowercased()
        let isValid =
            (1...256).contains(name.utf8.count)
            && name.utf8.allSatisfy { QueueBatch.isIDByte($0) || $0 == UInt8(ascii: ".") }
            && !lower.utf8.starts(with: "aws.".utf8) && !lower.utf8.starts(with: "amazon.".utf8)
            && name.utf8.first != UInt8(ascii: ".") && name.utf8.last != UInt8(ascii: ".")
        guard isValid else {
            throw AWSError(
                .invalidParameterValue,
                "Message (user) attribute name '\(name)' is invalid: up to 256 of A-Za-z0-9_.- without a period at "
                    + "either end and without the prefixes AWS. and Amazon."
            )
        }
    }

    private static func sorted(_ attributes: [MessageAttribute]) -> [MessageAttribute] {
        attributes.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }

    /// The digest of attributes, nil when there are none.
    static func md5(_ attributes: [MessageAttribute]) -> String? {
        guard !attributes.isEmpty else { return nil }
        var bytes: [UInt8] = []
        func append(_ part: some Collection<UInt8>) {
            for shift in stride(from: 24, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: part.count >> shift))
            }
            bytes.append(contentsOf: part)
        }
        for attribute in sorted(attributes) {
            append(attribute.name.utf8)
            append(attribute.dataType.utf8)
            switch attribute.value {
            case .text(let text):
                bytes.append(1)
                append(text.utf8)
            case .binary(let data):
                bytes.append(2)
                append(data)
            }
        }
        return QueueMD5.hex(bytes)
    }

    /// The digest of the system attributes, which may be the trace header alone.
    static func md5(traceHeader: String?) -> String? {
        traceHeader.flatMap { md5([MessageAttribute(name: "AWSTraceHeader", dataType: "String", value: .text($0))]) }
    }

    /// The attributes that `MessageAttributeNames` asks for: names, `All`, `.*`, `prefix.*`.
    static func select(_ attributes: [MessageAttribute], _ names: [String]) -> [MessageAttribute] {
        guard !names.isEmpty else { return [] }
        return attributes.filter { attribute in
            names.contains { name in
                if name == "All" || name == ".*" { return true }
                if name.utf8.suffix(2).elementsEqual(".*".utf8) {
                    return attribute.name.utf8.starts(with: name.utf8.dropLast(2))
                }
                return attribute.name.utf8.elementsEqual(name.utf8)
            }
        }
    }

    /// The attributes as JSON.
    static func json(_ attributes: [MessageAttribute]) -> JSONValue {
        .object(
            JSONObject(
                attributes.map { attribute in
                    var members: JSONObject = ["DataType": .string(attribute.dataType)]
                    switch attribute.value {
                    case .text(let text): members["StringValue"] = .string(text)
                    case .binary(let data): members["BinaryValue"] = .string(QueueBase64.encode(data))
                    }
                    return JSONObject.Member(key: attribute.name, value: .object(members))
                }
            )
        )
    }
}
