import SansIO

/// Writes the event as EventBridge delivers it: compact, keys in the recorded order (spec: patterns §1.1, §1.3).
public struct EventEnvelope: Sendable {
    /// The event's id, shared by every rule, target and hop.
    public var id: String
    /// The entry's `DetailType`.
    public var detailType: String
    /// The entry's `Source`.
    public var source: String
    /// The account of the caller.
    public var account: AccountID
    /// The event's time; written in whole seconds.
    public var time: Timestamp
    /// The region that took the event in.
    public var region: String
    /// The entry's `Resources`.
    public var resources: [String]

    /// Creates an envelope.
    public init(
        id: String,
        detailType: String,
        source: String,
        account: AccountID,
        time: Timestamp,
        region: String,
        resources: [String]
    ) {
        self.id = id
        self.detailType = detailType
        self.source = source
        self.account = account
        self.time = time
        self.region = region
        self.resources = resources
    }

    /// The envelope around `detail`, the text of a JSON object.
    ///
    /// - Parameters:
    ///   - detail: the JSON text; white space between its tokens is dropped.
    ///   - head: what is to stand before the event.
    /// - Returns: the head and the whole event as JSON text.
    /// - Throws: ``JSONError`` when `detail` is not a JSON object.
    public func bytes(detail: [UInt8], after head: [UInt8] = []) throws(JSONError) -> [UInt8] {
        var output: [UInt8] = []
        let texts = resources.reduce(source.utf8.count + detailType.utf8.count) { $0 + $1.utf8.count + 3 }
        output.reserveCapacity(head.count + detail.count + 224 + texts)
        output.append(contentsOf: head)
        output.append(contentsOf: "{\"version\":\"0\",\"id\":\"".utf8)
        output.append(contentsOf: id.utf8)
        output.append(contentsOf: "\",\"detail-type\":".utf8)
        JSONStrings.append(detailType.utf8, to: &output)
        output.append(contentsOf: ",\"source\":".utf8)
        JSONStrings.append(source.utf8, to: &output)
        output.append(contentsOf: ",\"account\":\"".utf8)
        output.appendDigits(Int(account.number), atLeast: 12)
        output.append(contentsOf: "\",\"time\":\"".utf8)
        CivilTime(time).appendISO8601(to: &output)
        output.append(contentsOf: "\",\"region\":\"".utf8)
        output.append(contentsOf: region.utf8)
        output.append(contentsOf: "\",\"resources\":[".utf8)
        for (index, resource) in resources.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            JSONStrings.append(resource.utf8, to: &output)
        }
        output.append(contentsOf: "],\"detail\":".utf8)
        try JSONCompaction.appendObject(detail, to: &output)
        output.append(UInt8(ascii: "}"))
        return output
    }
}
