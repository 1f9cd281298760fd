import CRocksDB
import SansIO

/// Walks rows in order. Keys and values are valid until the next step.
final class RocksRows {
    private let iterator: OpaquePointer
    private let options: OpaquePointer
    /// RocksDB reads the bound through this pointer for the iterator's whole life.
    private let bound: UnsafeMutableRawBufferPointer?

    init(database: OpaquePointer, handle: OpaquePointer, from lower: [UInt8], before upper: [UInt8]?) {
        options = rocksdb_readoptions_create()
        if let upper {
            let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: max(upper.count, 1), alignment: 1)
            copy.copyBytes(from: upper)
            rocksdb_readoptions_set_iterate_upper_bound(
                options,
                copy.baseAddress?.assumingMemoryBound(to: CChar.self),
                upper.count
            )
            bound = copy
        } else {
            bound = nil
        }
        iterator = rocksdb_create_iterator_cf(database, options, handle)
        lower.withUnsafeBytes { bytes in
            rocksdb_iter_seek(iterator, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
    }

    deinit {
        rocksdb_iter_destroy(iterator)
        rocksdb_readoptions_destroy(options)
        bound?.deallocate()
    }

    /// Whether there is a row here.
    var isValid: Bool { rocksdb_iter_valid(iterator) != 0 }

    var key: UnsafeRawBufferPointer {
        var count = 0
        let start = rocksdb_iter_key(iterator, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    var value: UnsafeRawBufferPointer {
        var count = 0
        let start = rocksdb_iter_value(iterator, &count)
        return UnsafeRawBufferPointer(start: start, count: count)
    }

    func next() {
        rocksdb_iter_next(iterator)
    }

    /// Throws when the walk ended because of an error instead of the last row.
    func check() throws(StoreError) {
        var message: UnsafeMutablePointer<CChar>?
        rocksdb_iter_get_error(iterator, &message)
        if let error = RocksDatabase.takeError(message, "cannot walk rows") { throw error }
    }
}
