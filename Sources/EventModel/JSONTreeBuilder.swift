/// Builds a ``JSONValue`` from the reader's tokens with a stack of its own instead of recursion.
enum JSONTreeBuilder {
    private enum Frame {
        case array([JSONValue])
        case object([JSONObject.Member], pendingKey: String)
    }

    static func parse(_ bytes: [UInt8], maximumDepth: Int) throws(JSONError) -> JSONValue {
        var reader = JSONReader(bytes, maximumDepth: maximumDepth)
        var stack: [Frame] = []
        var root = JSONValue.null
        while true {
            let token = try reader.next()
            let finished: JSONValue
            switch token.kind {
            case .end: return root
            case .objectStart:
                stack.append(.object([], pendingKey: ""))
                continue
            case .arrayStart:
                stack.append(.array([]))
                continue
            case .key:
                guard case .object(let members, _)? = stack.popLast() else { continue }
                stack.append(.object(members, pendingKey: string(bytes, token)))
                continue
            case .objectEnd, .arrayEnd:
                guard let frame = stack.popLast() else { continue }
                switch frame {
                case .array(let elements): finished = .array(elements)
                case .object(let members, _): finished = .object(JSONObject(members))
                }
            case .string: finished = .string(string(bytes, token))
            case .number: finished = .number(String(decoding: bytes[token.range], as: UTF8.self))
            case .true: finished = .bool(true)
            case .false: finished = .bool(false)
            case .null: finished = .null
            }
            add(finished, to: &stack, root: &root)
        }
    }

    private static func add(_ value: JSONValue, to stack: inout [Frame], root: inout JSONValue) {
        switch stack.popLast() {
        case nil:
            root = value
        case .array(var elements)?:
            elements.append(value)
            stack.append(.array(elements))
        case .object(var members, let key)?:
            members.append(JSONObject.Member(key: key, value: value))
            stack.append(.object(members, pendingKey: key))
        }
    }

    private static func string(_ bytes: [UInt8], _ token: JSONToken) -> String {
        guard token.hasEscapes else { return String(decoding: bytes[token.range], as: UTF8.self) }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(token.end - token.start)
        JSONStrings.decode(bytes, token, into: &decoded)
        return String(decoding: decoded, as: UTF8.self)
    }
}
