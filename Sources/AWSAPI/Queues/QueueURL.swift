import EventModel
import Router

/// Queue URLs: `scheme://host[:port]/ACCOUNT/NAME` (spec: control §13.1).
enum QueueURL {
    /// The URL of a queue at the endpoint by which the client came.
    static func text(_ key: QueueKey, endpoint: String) -> String {
        "\(endpoint)/\(key.account)/\(key.name)"
    }

    /// The queue that a URL names, whatever its host; the region is the call's.
    static func key(_ url: String, region: String) -> QueueKey? {
        let parts = url.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count >= 2, let name = String(parts[parts.count - 1]), !name.isEmpty,
            let account = AccountID(String(parts[parts.count - 2]) ?? "")
        else { return nil }
        return QueueKey(region: region, account: account, name: name)
    }
}
