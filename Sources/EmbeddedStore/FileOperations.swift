import Glibc
import SansIO

/// The calls through which the store changes the disk, so a test can make them fail.
struct FileOperations: Sendable {
    /// Writes all bytes at an offset: zero, or an error number.
    var write: @Sendable (_ file: Int32, _ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int32
    /// Puts a file's data on disk: zero, or an error number.
    var synchronise: @Sendable (_ file: Int32) -> Int32
    /// Reserves the disk blocks of a new file: zero, or an error number.
    var allocate: @Sendable (_ file: Int32, _ byteCount: Int) -> Int32
    /// Puts the names in a directory on disk: zero, or an error number.
    var synchroniseDirectory: @Sendable (_ path: String) -> Int32
    /// Free bytes of the file system that holds a path, or nil when it cannot tell.
    var freeBytes: @Sendable (_ path: String) -> UInt64?
    /// Runs before RocksDB writes a batch or synchronises its log: nil, or the error to fail with.
    var engineFault: @Sendable () -> StoreError?

    /// The system's calls.
    static let system = FileOperations(
        write: { file, bytes, offset in
            var done = 0
            while done < bytes.count {
                guard let start = bytes.baseAddress else { return 0 }
                let written = pwrite(file, start + done, bytes.count - done, off_t(offset + done))
                if written < 0, errno == EINTR { continue }
                if written < 0 { return errno }
                if written == 0 { return EIO }
                done += written
            }
            return 0
        },
        synchronise: { file in
            while fdatasync(file) != 0 {
                if errno != EINTR { return errno }
            }
            return 0
        },
        allocate: { file, byteCount in
            posix_fallocate(file, 0, off_t(byteCount))
        },
        synchroniseDirectory: { path in
            let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { return errno }
            defer { Glibc.close(descriptor) }
            while fsync(descriptor) != 0 {
                // Some file systems cannot do this for a directory, and have nothing to do.
                if errno == EINVAL || errno == EROFS { return 0 }
                if errno != EINTR { return errno }
            }
            return 0
        },
        freeBytes: { path in
            var figures = statvfs()
            guard statvfs(path, &figures) == 0 else { return nil }
            return UInt64(figures.f_bavail) * UInt64(figures.f_frsize)
        },
        engineFault: { nil }
    )
}

extension FileOperations {
    /// Puts the name of a file or directory that was created or renamed on disk: zero, or an error number.
    func synchroniseName(of path: String) -> Int32 {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return synchroniseDirectory(".") }
        return synchroniseDirectory(slash == path.startIndex ? "/" : String(path[..<slash]))
    }
}

/// The store's error for a failed system call.
func fileError(_ code: Int32, _ what: String) -> StoreError {
    let kind: StoreError.Code = code == ENOSPC || code == EDQUOT ? .full : .failed
    return StoreError(kind, "\(what): \(describe(code))")
}

/// Knows whether the disk has the bytes that the configuration wants to stay free. Cheap: asks the system now and then.
final class SpaceGuard: Sendable {
    private struct Reading {
        var nextCheck: UInt64 = 0
        var isFull = false
    }

    private let reading = Monitor(Reading())
    private let path: String
    private let minimum: UInt64
    private let freeBytes: @Sendable (String) -> UInt64?

    init(path: String, minimum: UInt64, files: FileOperations) {
        self.path = path
        self.minimum = minimum
        freeBytes = files.freeBytes
    }

    /// Whether too little is free, at most 100 ms old, or 10 ms while the disk is full.
    func isFull(now: UInt64) -> Bool {
        reading.withLock { reading in
            guard now >= reading.nextCheck else { return reading.isFull }
            let free = freeBytes(path) ?? .max
            reading.isFull = free < minimum
            reading.nextCheck = now + (reading.isFull ? 10_000_000 : 100_000_000)
            return reading.isFull
        }
    }

    /// Whether `byteCount` more may be taken from the disk.
    func hasRoom(for byteCount: Int) -> Bool {
        (freeBytes(path) ?? .max) >= minimum + UInt64(byteCount)
    }

    /// What operations fail with while the disk is full.
    var error: StoreError {
        StoreError(.full, "less than \(minimum) bytes are free on the disk that holds \(path)")
    }
}
