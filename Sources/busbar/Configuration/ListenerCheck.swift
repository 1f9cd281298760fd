import Yams

/// Finds listeners that would take one another's address.
struct ListenerCheck {
    private let listeners: [(key: String, listener: NodeConfiguration.Listener)]

    /// The TCP listeners of a node.
    init(_ configuration: NodeConfiguration) {
        var all = configuration.listeners.map { (key: "listeners", listener: $0) }
        if let admin = configuration.admin { all.append((key: "admin", listener: admin)) }
        if let peers = configuration.cluster?.peers.listener { all.append((key: "peers", listener: peers)) }
        listeners = all
    }

    /// Notes those whose address an earlier one has.
    func note(_ reader: ConfigurationReader) {
        for (place, (key, listener)) in listeners.enumerated() {
            let earlier = listeners[..<place]
            guard let other = earlier.first(where: { $0.listener.collides(with: listener) }) else { continue }
            let address = "\(listener.host):\(listener.port)"
            let owner = other.key == key ? "another entry" : other.key
            reader.note("takes \(address), which \(owner) has already", at: reader.value(key), key: key)
        }
    }
}

extension NodeConfiguration.Listener {
    private var isOnEveryAddress: Bool { host == "0.0.0.0" || host == "::" }

    /// Whether only one of the two can listen; port 0 is a free one.
    fileprivate func collides(with other: Self) -> Bool {
        guard port == other.port, port != 0 else { return false }
        return host == other.host || isOnEveryAddress || other.isOnEveryAddress
    }
}

extension ConfigurationReader {
    /// A name or an IP address of a machine.
    func host(_ key: String) -> String? {
        guard let text = string(key) else { return nil }
        guard text.utf8.allSatisfy({ $0.isHostByte }) else {
            note("must be a host's name or an IP address, not '\(text)'", at: value(key), key: key)
            return nil
        }
        return text
    }

    /// As ``host(_:)``, one that others can dial.
    func advertisedHost(_ key: String) -> String? {
        guard let text = host(key) else { return nil }
        guard text != "0.0.0.0", text != "::" else {
            note("must be an address that other nodes can reach, not \(text)", at: value(key), key: key)
            return nil
        }
        return text
    }
}

extension UInt8 {
    /// Letters, digits, and what stands in names and addresses: `-`, `.`, `_`, `:`, and `%` before a zone.
    fileprivate var isHostByte: Bool {
        switch self {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x3A, 0x25: true
        default: false
        }
    }
}

extension String {
    /// Whether this can be a region in an ARN: lower-case letters, digits and hyphens.
    var isRegionName: Bool {
        !isEmpty
            && utf8.allSatisfy { byte in
                switch byte {
                case 0x30...0x39, 0x61...0x7A, 0x2D: true
                default: false
                }
            }
    }
}
