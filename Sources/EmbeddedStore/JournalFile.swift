import CStore
import Glibc
import SansIO

/// One segment file: open for its whole life, written by the journal's thread, read by others below what is written.
///
/// Sendable because it holds only constants; the system serialises reads and writes of a file.
final class JournalFile: Sendable {
    let path: String
    let descriptor: Int32
    let byteCount: Int
    /// Bytes that may be used.
    var room: Int { min(byteCount, JournalFormat.largestSegmentBytes) }

    private init(path: String, descriptor: Int32, byteCount: Int) {
        self.path = path
        self.descriptor = descriptor
        self.byteCount = byteCount
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Opens a segment file that exists.
    static func open(path: String) throws(StoreError) -> JournalFile {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw fileError(errno, "cannot open \(path)") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let code = errno
            Glibc.close(descriptor)
            throw fileError(code, "cannot examine \(path)")
        }
        return JournalFile(path: path, descriptor: descriptor, byteCount: Int(status.st_size))
    }

    /// Creates a segment file of zeros. Writing it once now lets later writes be synchronised without touching the file
    /// system's own records, which takes half the time.
    static func create(path: String, byteCount: Int, files: FileOperations) throws(StoreError) -> JournalFile {
        let temporary = path + ".new"
        let descriptor = Glibc.open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw fileError(errno, "cannot create \(temporary)") }
        let code = fill(descriptor, byteCount: byteCount, files: files)
        guard code == 0, rename(temporary, path) == 0 else {
            let reason = code != 0 ? code : errno
            Glibc.close(descriptor)
            unlink(temporary)
            throw fileError(reason, "cannot prepare \(path)")
        }
        // What is synchronised in a file whose name is not on disk is lost with the name.
        let named = files.synchroniseName(of: path)
        guard named == 0 else {
            Glibc.close(descriptor)
            unlink(path)
            throw fileError(named, "cannot keep the name of \(path)")
        }
        return JournalFile(path: path, descriptor: descriptor, byteCount: byteCount)
    }

    /// Past the page cache where the file system can: the zeros are written once, and need neither copies nor memory.
    private static func fill(_ descriptor: Int32, byteCount: Int, files: FileOperations) -> Int32 {
        let allocated = files.allocate(descriptor, byteCount)
        guard allocated == 0 else { return allocated }
        let flags = fcntl(descriptor, F_GETFL)
        if fcntl(descriptor, F_SETFL, flags | busbar_direct_flag()) == 0 {
            let code = writeZeros(descriptor, byteCount: byteCount, synchronisedBytes: byteCount, files: files)
            guard fcntl(descriptor, F_SETFL, flags) == 0 else { return errno }
            // Some file systems take the flag and refuse the write.
            if code != EINVAL { return code }
        }
        return writeZeros(descriptor, byteCount: byteCount, synchronisedBytes: 1 << 20, files: files)
    }

    private static func writeZeros(
        _ descriptor: Int32,
        byteCount: Int,
        synchronisedBytes: Int,
        files: FileOperations
    ) -> Int32 {
        let chunk = min(byteCount, 1 << 20)
        let zeros = UnsafeMutableRawPointer.allocate(byteCount: chunk, alignment: JournalFormat.pageBytes)
        zeros.initializeMemory(as: UInt8.self, repeating: 0, count: chunk)
        defer { zeros.deallocate() }
        var offset = 0
        while offset < byteCount {
            let count = min(chunk, byteCount - offset)
            let written = files.write(descriptor, UnsafeRawBufferPointer(start: zeros, count: count), offset)
            guard written == 0 else { return written }
            offset += count
            guard offset % synchronisedBytes == 0 || offset == byteCount else { continue }
            let synchronised = files.synchronise(descriptor)
            guard synchronised == 0 else { return synchronised }
        }
        return 0
    }

    /// Reads bytes at an offset; fewer than asked for at the end of the file.
    func read(into buffer: UnsafeMutableRawBufferPointer, offset: Int) throws(StoreError) -> Int {
        var done = 0
        while done < buffer.count {
            guard let start = buffer.baseAddress else { return 0 }
            let count = pread(descriptor, start + done, buffer.count - done, off_t(offset + done))
            if count < 0, errno == EINTR { continue }
            if count < 0 { throw fileError(errno, "cannot read \(path)") }
            if count == 0 { break }
            done += count
        }
        return done
    }

    /// Removes the file from its directory. The space comes free when the last reader lets go.
    func remove() {
        unlink(path)
    }
}

/// Reads frames of one segment in rising order through a window, so neighbours cost one system call.
final class JournalReader {
    private let file: JournalFile
    private let window: UnsafeMutableRawBufferPointer
    private var windowStart = 0
    private var windowCount = 0
    private var overflow: UnsafeMutableRawBufferPointer?

    init(_ file: JournalFile, windowBytes: Int = 1 << 20) {
        self.file = file
        window = .allocate(byteCount: min(windowBytes, max(file.byteCount, 64)), alignment: 16)
    }

    deinit {
        window.deallocate()
        overflow?.deallocate()
    }

    /// The header and payload of the frame at `offset`, valid until the next call.
    ///
    /// - Throws: `corrupt` when there is no whole frame, or `failed` when the disk cannot be read.
    func frame(at offset: Int) throws(StoreError) -> (header: FrameHeader, payload: UnsafeRawBufferPointer) {
        let head = try bytes(at: offset, count: JournalFormat.frameHeaderBytes)
        guard let header = FrameHeader.decode(head) else {
            throw StoreError(.corrupt, "no journal frame at \(offset) of \(file.path)")
        }
        let whole = try bytes(at: offset, count: JournalFormat.frameHeaderBytes + Int(header.payloadBytes))
        let payload = UnsafeRawBufferPointer(rebasing: whole[JournalFormat.frameHeaderBytes...])
        guard Checksum.crc32c(payload) == header.payloadChecksum else {
            throw StoreError(.corrupt, "damaged journal frame at \(offset) of \(file.path)")
        }
        return (header, payload)
    }

    private func bytes(at offset: Int, count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
        if offset >= windowStart, offset + count <= windowStart + windowCount {
            return UnsafeRawBufferPointer(rebasing: window[offset - windowStart..<offset - windowStart + count])
        }
        if count > window.count {
            overflow?.deallocate()
            let large = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
            overflow = large
            guard try file.read(into: large, offset: offset) == count else { throw short(offset) }
            return UnsafeRawBufferPointer(large)
        }
        windowStart = offset
        windowCount = try file.read(into: window, offset: offset)
        guard windowCount >= count else { throw short(offset) }
        return UnsafeRawBufferPointer(rebasing: window[0..<count])
    }

    private func short(_ offset: Int) -> StoreError {
        StoreError(.corrupt, "\(file.path) ends within the frame at \(offset)")
    }
}
