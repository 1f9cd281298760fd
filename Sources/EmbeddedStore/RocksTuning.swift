import CRocksDB

/// RocksDB's options: little memory when idle, few background jobs, a bounded log.
final class RocksTuning {
    let database: OpaquePointer
    private let cache: OpaquePointer
    private var families: [OpaquePointer] = []
    private let memtableBytes: Int

    init(memtableBytes: Int, cacheBytes: Int, mayCreate: Bool) {
        self.memtableBytes = memtableBytes
        cache = rocksdb_cache_create_lru(cacheBytes)
        database = rocksdb_options_create()
        Self.lowerBackgroundPriority()
        rocksdb_options_set_create_if_missing(database, mayCreate ? 1 : 0)
        rocksdb_options_set_create_missing_column_families(database, mayCreate ? 1 : 0)
        // The default would begin with what lies before a damaged place and forget the rest. A torn last record is what a
        // crash leaves; whether it was more than that shows in the sequence that the engine compares.
        rocksdb_options_set_wal_recovery_mode(database, Int32(rocksdb_tolerate_corrupted_tail_records_recovery))
        rocksdb_options_set_db_write_buffer_size(database, memtableBytes)
        rocksdb_options_set_max_total_wal_size(database, UInt64(memtableBytes) * 4)
        rocksdb_options_set_max_background_jobs(database, 2)
        rocksdb_options_set_max_open_files(database, 512)
        rocksdb_options_set_keep_log_file_num(database, 2)
        rocksdb_options_set_max_log_file_size(database, 4 << 20)
        rocksdb_options_set_max_manifest_file_size(database, 4 << 20)
        rocksdb_options_set_stats_dump_period_sec(database, 0)
        rocksdb_options_set_stats_persist_period_sec(database, 0)
        // Small pieces: the journal's synchronisations wait behind each.
        rocksdb_options_set_bytes_per_sync(database, 256 << 10)
        // Left to itself the kernel writes the log when it is synchronised, all at once, and the journal waits behind it.
        rocksdb_options_set_wal_bytes_per_sync(database, 512 << 10)
        rocksdb_options_set_skip_stats_update_on_db_open(database, 1)
        rocksdb_options_set_avoid_unnecessary_blocking_io(database, 1)
    }

    /// Flushes and compactions can wait; the shard and the journal cannot.
    private static func lowerBackgroundPriority() {
        let environment = rocksdb_create_default_env()
        rocksdb_env_lower_thread_pool_cpu_priority(environment)
        rocksdb_env_lower_high_priority_thread_pool_cpu_priority(environment)
        rocksdb_env_destroy(environment)
    }

    deinit {
        for options in families { rocksdb_options_destroy(options) }
        rocksdb_options_destroy(database)
        rocksdb_cache_destroy(cache)
    }

    /// The options of one family; they live as long as this object.
    func family(_ family: RowFamily) -> OpaquePointer {
        let options: OpaquePointer = rocksdb_options_create()
        families.append(options)
        rocksdb_options_set_write_buffer_size(options, family.holdsBodies ? memtableBytes : memtableBytes / 4)
        rocksdb_options_set_max_write_buffer_number(options, 3)
        rocksdb_options_set_arena_block_size(options, 256 << 10)
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        rocksdb_options_set_target_file_size_base(options, 32 << 20)
        rocksdb_options_set_max_bytes_for_level_base(options, 128 << 20)
        rocksdb_options_set_compression(
            options,
            Int32(family.holdsBodies ? rocksdb_lz4_compression : rocksdb_no_compression)
        )
        let table = rocksdb_block_based_options_create()
        rocksdb_block_based_options_set_block_cache(table, cache)
        rocksdb_block_based_options_set_block_size(table, family.holdsBodies ? 16 << 10 : 4 << 10)
        rocksdb_block_based_options_set_format_version(table, 5)
        if family == .parked || family == .message {
            rocksdb_block_based_options_set_filter_policy(table, rocksdb_filterpolicy_create_bloom_full(10))
        }
        rocksdb_options_set_block_based_table_factory(options, table)
        rocksdb_block_based_options_destroy(table)
        return options
    }
}
