/// Builds a ``JSONValue`` from the reader's tokens with a stack of its own instead of recursion.
enum JSONTreeBuilder {
    /// An open container. Values are appended in place, so that a long container takes linear time.
    private struct Frame {
        var isObject: Bool
        var elements: [JSONValue] = []
        var members: [JSONObject.Member] = []
        var pendingKey = ""

        mutating func add(_ value: JSONValue) {
            if isObject {
                members.append(JSONObject.Member(key: pendingKey, value: value))
            } else {
                elements.append(value)
            }
        }
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
            case .objectStart, .arrayStart:
                stack.append(Frame(isObject: token.kind == .objectStart))
                continue
            case .key:
                stack[stack.count - 1].pendingKey = JSONStrings.text(bytes, token)
                continue
            case .objectEnd, .arrayEnd:
                guard let frame = stack.popLast() else { continue }
                finished = frame.isObject ? .object(JSONObject(frame.members)) : .array(frame.elements)
            case .string: finished = .string(JSONStrings.text(bytes, token))
            case .number: finished = .number(String(decoding: bytes[token.range], as: UTF8.self))
            case .true: finished = .bool(true)
            case .false: finished = .bool(false)
            case .null: finished = .null
            }
            if stack.isEmpty {
                root = finished
            } else {
                stack[stack.count - 1].add(finished)
            }
        }
    }
}
