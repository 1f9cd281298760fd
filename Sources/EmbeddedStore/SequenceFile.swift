import Glibc
import SansIO

/// Remembers on disk below which number sequences may have been used.
///
/// Two slots are written in turn, each numbered and with a checksum: the newer whole one counts, so a torn write leaves
/// the other. Written by the opener and then by the journal's thread.
final class SequenceFile: Sendable {
    private let descriptor: Int32
    private let path: String
    private let files: FileOperations
    /// The value found when the file was opened.
    let found: UInt64
    /// The number of the slot it was found in; the next one written is one higher.
    let foundTurn: UInt64

    private static let slotBytes = 512

    /// Opens or creates the file.
    ///
    /// - Parameters:
    ///   - path: where it is.
    ///   - files: how it is written.
    ///   - isExpected: true when other files say that something was written here before.
    /// - Throws: `failed` when it cannot be read or written, `corrupt` when nothing is in it that must be.
    init(path: String, files: FileOperations, isExpected: Bool) throws(StoreError) {
        self.path = path
        self.files = files
        let opened = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw fileError(errno, "cannot open \(path)") }
        do {
            let best = try Self.prepare(opened, path, files, isExpected: isExpected)
            found = best.value
            foundTurn = best.turn
        } catch {
            Glibc.close(opened)
            throw error
        }
        descriptor = opened
    }

    /// Reads the file, and gives a new one its length.
    private static func prepare(
        _ file: Int32,
        _ path: String,
        _ files: FileOperations,
        isExpected: Bool
    ) throws(StoreError) -> (turn: UInt64, value: UInt64) {
        var bytes = [UInt8](repeating: 0, count: slotBytes * 2)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw fileError(errno, "cannot read \(path)") }
        let best = newest(of: bytes)
        guard best.turn > 0 || !isExpected else {
            throw StoreError(
                .corrupt,
                "\(path) is missing or damaged, though the store was open before. Restore the whole data directory from a "
                    + "copy"
            )
        }
        if count < slotBytes * 2 {
            var code = bytes.withUnsafeBytes { files.write(file, $0, 0) }
            if code == 0 { code = files.synchroniseName(of: path) }
            guard code == 0 else { throw fileError(code, "cannot write \(path)") }
        }
        return best
    }

    private static func newest(of bytes: [UInt8]) -> (turn: UInt64, value: UInt64) {
        var best: (turn: UInt64, value: UInt64) = (0, 0)
        for slot in 0..<2 {
            bytes.withUnsafeBytes { all in
                var reader = RawReader(UnsafeRawBufferPointer(rebasing: all[(slot * slotBytes)...]))
                guard let turn = reader.take(UInt64.self), let value = reader.take(UInt64.self),
                    let checksum = reader.take(UInt32.self)
                else { return }
                let body = UnsafeRawBufferPointer(rebasing: all[slot * slotBytes..<slot * slotBytes + 16])
                if checksum == Checksum.crc32c(body), turn > best.turn { best = (turn, value) }
            }
        }
        return best
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Writes that sequences below `limit` may be in use. The slots alternate by `turn`, which rises with each write.
    func reserve(below limit: UInt64, turn: UInt64) -> Int32 {
        let code = write(limit, turn: turn)
        return code != 0 ? code : files.synchronise(descriptor)
    }

    /// The same without waiting for the disk.
    func write(_ limit: UInt64, turn: UInt64) -> Int32 {
        var bytes = [UInt8](repeating: 0, count: Self.slotBytes)
        bytes.withUnsafeMutableBytes { slot in
            guard let start = slot.baseAddress else { return }
            var writer = RawWriter(start)
            writer.put(turn)
            writer.put(limit)
            writer.put(Checksum.crc32c(UnsafeRawBufferPointer(start: start, count: 16)))
        }
        return bytes.withUnsafeBytes { files.write(descriptor, $0, Int(turn & 1) * Self.slotBytes) }
    }
}
