import SansIO

/// Configuration entries as rows.
extension RocksEngine {
    func configuration(prefix: String) throws(StoreError) -> [ConfigurationEntry] {
        try flush()
        let lower = Array(prefix.utf8)
        let rows = try database.rows(.configuration, from: lower, before: Self.end(ofPrefix: lower))
        var entries: [ConfigurationEntry] = []
        while rows.isValid {
            var reader = RawReader(rows.value)
            guard let revision = reader.take(UInt64.self), let value = reader.take(count: reader.remaining) else {
                throw StoreError(.corrupt, "a configuration entry does not parse")
            }
            let key = String(decoding: rows.key, as: UTF8.self)
            entries.append(ConfigurationEntry(key: key, value: Array(value), revision: revision))
            rows.next()
        }
        try rows.check()
        return entries
    }

    /// The first key behind all that begin with `prefix`, or nil when there is none.
    private static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        var end = prefix
        while let last = end.popLast() {
            if last < 0xFF {
                end.append(last + 1)
                return end
            }
        }
        return nil
    }

    /// Applies all changes or, when an expected revision is off, none.
    func configure(_ changes: [ConfigurationChange]) throws(StoreError) {
        if changes.contains(where: { $0.value != nil }) { try requireSpace() }
        try flush()
        var revisions: [[UInt8]: UInt64] = [:]
        var writes: [(key: [UInt8], row: [UInt8]?)] = []
        for change in changes {
            let key = Array(change.key.utf8)
            let present: UInt64
            if let earlier = revisions[key] { present = earlier } else { present = try revision(of: key) }
            if let expected = change.expectedRevision, expected != present {
                throw StoreError(.conflict, "\(change.key) has revision \(present), not \(expected)")
            }
            guard let value = change.value else {
                revisions[key] = 0
                writes.append((key, nil))
                continue
            }
            revisions[key] = present + 1
            let revision = withUnsafeBytes(of: (present + 1).littleEndian) { Array($0) }
            writes.append((key, revision + value))
        }
        for write in writes {
            write.key.withUnsafeBytes { key in
                guard let row = write.row else {
                    batch.remove(.configuration, key)
                    return
                }
                row.withUnsafeBytes { batch.put(.configuration, key, $0) }
            }
        }
        try flush()
    }

    private func revision(of key: [UInt8]) throws(StoreError) -> UInt64 {
        try database.read(.configuration, key) { bytes in
            var reader = RawReader(bytes)
            return reader.take(UInt64.self) ?? 0
        } ?? 0
    }
}
