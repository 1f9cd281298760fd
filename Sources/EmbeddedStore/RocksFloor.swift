import Glibc
import SansIO

/// Remembers next to RocksDB how many changes it had on disk, so that lost ones are seen when it is opened.
///
/// RocksDB takes a log that ends early, or is gone, for one that nothing more was written to, and an index that is cut
/// short for an older one. This file disagrees then. Confined to the thread that uses the engine.
final class RocksFloor {
    /// Bytes that must be free to open RocksDB, next to what its logs hold: it ends the process when it finds no room.
    private static let startBytes: UInt64 = 8 << 20

    private let file: SequenceFile
    private let path: String
    private let files: FileOperations
    private var turn: UInt64
    private var sequence: UInt64

    /// Opens or creates the file at `path`.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - files: how it is written.
    ///   - isExpected: true when the store was open before, so the file must be there.
    /// - Throws: what ``SequenceFile`` says.
    init(path: String, files: FileOperations, isExpected: Bool) throws(StoreError) {
        file = try SequenceFile(path: path, files: files, isExpected: isExpected)
        self.path = path
        self.files = files
        turn = file.foundTurn
        sequence = file.found
    }

    /// Opens the database, which is created only when it never was before.
    ///
    /// - Throws: `corrupt` when it is damaged, missing, or lacks changes that were on disk.
    func open(_ rocks: String, _ configuration: EmbeddedStoreConfiguration) throws(StoreError) -> RocksDatabase {
        let isNew = turn == 0
        if !isNew, access(rocks + "/CURRENT", F_OK) != 0, errno == ENOENT {
            throw damage(rocks, "\(rocks)/CURRENT is missing")
        }
        let database: RocksDatabase
        do throws(StoreError) {
            database = try RocksDatabase.open(
                path: rocks,
                memtableBytes: configuration.rocksMemtableBytes,
                cacheBytes: configuration.rocksCacheBytes,
                mayCreate: isNew
            )
        } catch {
            if error.code == .corrupt || (!isNew && Self.speaksOfLoss(error.message)) {
                throw damage(rocks, error.message)
            }
            throw error
        }
        let found = database.latestSequence
        guard found >= sequence else {
            throw damage(rocks, "\(rocks) ends at change \(found), but \(sequence) were on disk")
        }
        if isNew {
            turn = 1
            // The database's own name first: from here on a missing one is an error.
            var code = files.synchroniseName(of: rocks)
            if code == 0 { code = file.reserve(below: found, turn: turn) }
            guard code == 0 else { throw fileError(code, "cannot write \(path)") }
        }
        return database
    }

    /// Notes that the changes up to `sequence` are on disk. The note itself is left to the kernel: it outlives the
    /// process, and when the machine stops an older one is still true.
    func raise(to sequence: UInt64) {
        guard sequence > self.sequence else { return }
        turn += 1
        if file.write(sequence, turn: turn) == 0 { self.sequence = sequence }
    }

    /// What RocksDB answers when files of its own or whole families of rows are gone.
    private static func speaksOfLoss(_ message: String) -> Bool {
        ["No such file", "Column family", "does not exist", "Invalid argument"].contains { message.contains($0) }
    }

    private func damage(_ rocks: String, _ what: String) -> StoreError {
        let logs = Self.logs(rocks).map(\.name)
        let present = logs.isEmpty ? "no log" : "the logs " + logs.joined(separator: ", ")
        return StoreError(
            .corrupt,
            "\(what). Its log or its MANIFEST is damaged or missing; \(rocks) has \(present). Restore the whole data "
                + "directory from a copy"
        )
    }

    /// RocksDB's logs with their sizes, in order.
    private static func logs(_ rocks: String) -> [(name: String, byteCount: UInt64)] {
        let names = (try? JournalDirectory.entries(rocks)) ?? []
        return names.filter { $0.hasSuffix(".log") }.sorted().map { name in
            var status = stat()
            let isKnown = stat("\(rocks)/\(name)", &status) == 0
            return (name, isKnown ? UInt64(max(0, status.st_size)) : 0)
        }
    }

    /// Checks that there is room to start: opening RocksDB writes what its logs hold to new files.
    ///
    /// - Throws: `full` when there is not.
    static func requireRoom(for directory: String, rocks: String, files: FileOperations) throws(StoreError) {
        let needed = logs(rocks).reduce(startBytes) { $0 + $1.byteCount }
        guard let free = files.freeBytes(directory), free < needed else { return }
        throw StoreError(.full, "\(directory) needs at least \(needed) free bytes to start; \(free) are free")
    }
}
