/// Where an embedded store keeps its data, and how much.
///
/// The defaults keep an idle store below 35 MB of resident memory.
public struct EmbeddedStoreConfiguration: Sendable, Equatable {
    /// The data directory. Created when it is missing; one process at a time may open it.
    public var directory: String
    /// Bytes of one journal segment: 64 MB. No append may be larger. Rounded up to whole pages.
    public var journalSegmentBytes: Int
    /// Bytes the journal may occupy: 1 GB. At three quarters of it the oldest deliveries that still wait spill to RocksDB;
    /// one segment before the limit appends fail with `full` until segments come free. The last one is for notes.
    public var journalLimitBytes: Int
    /// Bytes of appends that may wait for the disk at one time: 64 MB. Beyond them appends fail with `full`.
    public var pendingAppendBytes: Int
    /// Bytes of RocksDB's memory tables in all: 16 MB.
    public var rocksMemtableBytes: Int
    /// Bytes of RocksDB's block cache: 8 MB.
    public var rocksCacheBytes: Int
    /// Free bytes of disk below which appends and durable writes fail with `full`: 256 MB. What stays free lets deliveries
    /// that are already accepted move on.
    public var minimumFreeBytes: UInt64
    /// How long written but unsynchronised retry-queue rows and lazy notes may lag: 200 ms.
    public var lazySynchronisationMilliseconds: UInt64

    /// Creates a configuration with the defaults of the properties.
    public init(
        directory: String,
        journalSegmentBytes: Int = 64 << 20,
        journalLimitBytes: Int = 1 << 30,
        pendingAppendBytes: Int = 64 << 20,
        rocksMemtableBytes: Int = 16 << 20,
        rocksCacheBytes: Int = 8 << 20,
        minimumFreeBytes: UInt64 = 256 << 20,
        lazySynchronisationMilliseconds: UInt64 = 200
    ) {
        self.directory = directory
        self.journalSegmentBytes = journalSegmentBytes
        self.journalLimitBytes = journalLimitBytes
        self.pendingAppendBytes = pendingAppendBytes
        self.rocksMemtableBytes = rocksMemtableBytes
        self.rocksCacheBytes = rocksCacheBytes
        self.minimumFreeBytes = minimumFreeBytes
        self.lazySynchronisationMilliseconds = lazySynchronisationMilliseconds
    }
}
