import Glibc
import SansIO

@testable import EmbeddedStore

/// A disk that fails on demand.
final class FaultInjector: Sendable {
    struct Faults {
        /// What writes fail with, or zero.
        var writeError: Int32 = 0
        /// Which files' writes fail: those whose paths end like this.
        var writePath = ""
        /// True when only writes to the beginning of a file fail.
        var isStartOnly = false
        /// How many writes failed.
        var failedWrites = 0
        /// Bytes of a failing write that reach the file all the same.
        var tornBytes = 0
        /// What synchronisations fail with, or zero.
        var synchroniseError: Int32 = 0
        /// What creating a segment fails with, or zero.
        var allocateError: Int32 = 0
        /// What RocksDB's writes fail with.
        var engineError: StoreError?
        /// Free bytes of the disk.
        var freeBytes: UInt64 = 1 << 40

        /// The error that a write is to fail with, or zero, and the bytes of it that are written all the same.
        mutating func failure(of file: Int32, at offset: Int) -> (code: Int32, torn: Int) {
            guard writeError != 0, !isStartOnly || offset == 0, TestFile.path(of: file).hasSuffix(writePath) else {
                return (0, 0)
            }
            failedWrites += 1
            return (writeError, tornBytes)
        }
    }

    let faults = Monitor(Faults())

    func set(_ change: (inout Faults) -> Void) {
        faults.withLock { change(&$0) }
    }

    var files: FileOperations {
        var files = FileOperations.system
        files.write = { [faults] file, bytes, offset in
            let (code, torn) = faults.withLock { $0.failure(of: file, at: offset) }
            guard code != 0 else { return FileOperations.system.write(file, bytes, offset) }
            if torn > 0, bytes.count > torn {
                let part = UnsafeRawBufferPointer(rebasing: bytes[0..<torn])
                _ = FileOperations.system.write(file, part, offset)
            }
            return code
        }
        files.synchronise = { [faults] file in
            let code = faults.withLock { $0.synchroniseError }
            return code != 0 ? code : FileOperations.system.synchronise(file)
        }
        files.allocate = { [faults] file, byteCount in
            let code = faults.withLock { $0.allocateError }
            return code != 0 ? code : FileOperations.system.allocate(file, byteCount)
        }
        files.freeBytes = { [faults] _ in faults.withLock { $0.freeBytes } }
        files.engineFault = { [faults] in faults.withLock { $0.engineError } }
        return files
    }
}
