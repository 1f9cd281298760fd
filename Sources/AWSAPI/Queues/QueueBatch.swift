import EventModel

/// What the batch operations share: checks of the whole batch, and the two lists of the answer (spec: control §13.6).
struct QueueBatch {
    /// One entry of a request.
    struct Entry {
        var id: String
        var input: QueueInput
    }

    /// The entries in order.
    let entries: [Entry]
    private var outcomes: [Result<JSONObject, AWSError>?]

    /// Reads the `Entries` of a request; `shape` is what the service calls one of them.
    init(_ input: QueueInput, shape: String) throws(AWSError) {
        let objects = try input.objects("Entries") ?? []
        guard !objects.isEmpty else {
            throw AWSError(.emptyBatch, "There should be at least one \(shape) in the request.")
        }
        guard objects.count <= 10 else {
            throw AWSError(
                .tooManyEntriesInBatch,
                "Maximum number of entries per request are 10. You have sent \(objects.count)."
            )
        }
        var entries: [Entry] = []
        for (index, object) in objects.enumerated() {
            let input = QueueInput(object)
            guard let id = try input.string("Id"), !id.isEmpty else {
                throw QueueInput.missing("\(shape).\(index + 1).Id")
            }
            guard id.utf8.count <= 80, id.utf8.allSatisfy(Self.isIDByte) else {
                throw AWSError(
                    .invalidBatchEntryID,
                    "A batch entry id can only contain alphanumeric characters, hyphens and underscores. "
                        + "It can be at most 80 letters long."
                )
            }
            guard !entries.contains(where: { $0.id == id }) else {
                throw AWSError(.batchEntryIDsNotDistinct, "Id \(id) repeated.")
            }
            entries.append(Entry(id: id, input: input))
        }
        self.entries = entries
        outcomes = Array(repeating: nil, count: entries.count)
    }

    /// Letters, digits, `-`, `_`.
    static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): return true
        default: return false
        }
    }

    /// Notes that an entry failed. A malformed request fails as a whole, and so throws.
    mutating func fail(_ index: Int, _ error: AWSError) throws(AWSError) {
        guard error.kind != .serialization else { throw error }
        outcomes[index] = .failure(error)
    }

    /// Notes that an entry failed while the operation ran.
    mutating func note(_ index: Int, _ error: AWSError) {
        outcomes[index] = .failure(error)
    }

    /// Notes what an entry answers beside its id.
    mutating func succeed(_ index: Int, _ members: JSONObject = [:]) {
        outcomes[index] = .success(members)
    }

    /// The answer: every entry in one of two lists, both present.
    var output: JSONObject {
        var successful: [JSONValue] = []
        var failed: [JSONValue] = []
        for (entry, outcome) in zip(entries, outcomes) {
            switch outcome {
            case .success(let members)?:
                let id = JSONObject.Member(key: "Id", value: .string(entry.id))
                successful.append(.object(JSONObject([id] + members.members)))
            case .failure(let error)?:
                failed.append(
                    .object([
                        "Id": .string(entry.id),
                        "SenderFault": .bool(error.kind.fault == .sender),
                        "Code": .string(Self.code(of: error.kind)),
                        "Message": .string(error.message),
                    ])
                )
            case nil: break
            }
        }
        return ["Successful": .array(successful), "Failed": .array(failed)]
    }

    /// The code as query-compatible clients know it.
    private static func code(of kind: AWSErrorKind) -> String {
        if let legacy = kind.legacyCode { return legacy }
        guard let mark = kind.code.utf8.firstIndex(of: UInt8(ascii: "#")) else { return kind.code }
        return String(kind.code[kind.code.utf8.index(after: mark)...])
    }
}
