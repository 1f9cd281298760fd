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
    init(path: String, files: FileOperations) throws(StoreError) {
        self.path = path
        self.files = files
        let opened = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw fileError(errno, "cannot open \(path)") }
        descriptor = opened
        var best: (turn: UInt64, value: UInt64) = (0, 0)
        var bytes = [UInt8](repeating: 0, count: Self.slotBytes * 2)
        let count = bytes.withUnsafeMutableBytes { pread(opened, $0.baseAddress, $0.count, 0) }
        if count < Self.slotBytes * 2 {
            var code = bytes.withUnsafeBytes { files.write(opened, $0, 0) }
            if code == 0 { code = files.synchroniseName(of: path) }
            guard code == 0 else {
                Glibc.close(opened)
                throw fileError(code, "cannot write \(path)")
            }
        }
        for slot in 0..<2 {
            bytes.withUnsafeBytes { all in
                var reader = RawReader(UnsafeRawBufferPointer(rebasing: all[(slot * Self.slotBytes)...]))
                guard let turn = reader.take(UInt64.self), let value = reader.take(UInt64.self),
                    let checksum = reader.take(UInt32.self)
                else { return }
                let body = UnsafeRawBufferPointer(rebasing: all[slot * Self.slotBytes..<slot * Self.slotBytes + 16])
                if checksum == Checksum.crc32c(body), turn > best.turn { best = (turn, value) }
            }
        }
        found = best.value
        foundTurn = best.turn
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
