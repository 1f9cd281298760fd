import EventModel
import SansIO

/// An event that nobody has put, as PutEvents would write it.
public struct HypotheticalEvent: Sendable, Equatable {
    /// Why a text is not an event.
    public struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
        /// What is wrong.
        public let description: String
    }

    /// `source`
    public let source: String
    /// `detail-type`
    public let detailType: String
    /// The whole event.
    public let envelope: [UInt8]

    /// Reads an event: a JSON object with `source`, `detail-type` and `detail`. The account and the region become those of
    /// the put; id, time and resources may be given.
    ///
    /// - Parameters:
    ///   - text: the JSON text.
    ///   - account: the account that puts it.
    ///   - region: the region of the bus.
    ///   - now: the time when the event has none.
    /// - Throws: ``Fault``.
    public init(_ text: [UInt8], from account: AccountID, region: String, now: Timestamp) throws(Fault) {
        guard let object = (try? JSONValue(parsing: text))?.object else {
            throw Fault(description: "the event is not a JSON object")
        }
        guard let source = object["source"]?.string, !source.isEmpty, let type = object["detail-type"]?.string,
            !type.isEmpty, let detail = object["detail"]?.object
        else { throw Fault(description: "the event needs source and detail-type, texts, and detail, an object") }
        self.source = source
        detailType = type
        let envelope: JSONObject = [
            "version": "0",
            "id": object["id"] ?? "00000000-0000-0000-0000-000000000000",
            "detail-type": .string(type),
            "source": .string(source),
            "account": .string(account.description),
            "time": object["time"] ?? .string(CivilTime(now).iso8601),
            "region": .string(region),
            "resources": object["resources"] ?? .array([]),
            "detail": .object(detail),
        ]
        self.envelope = JSONValue.object(envelope).bytes
    }
}
