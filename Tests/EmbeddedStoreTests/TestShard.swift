import Glibc
import SansIO
import Testing

@testable import EmbeddedStore

/// A shard for tests: what is put in runs on the test's own thread while it waits for something.
final class TestShard: Sendable {
    private let turns = Monitor<[@Sendable () -> Void]>([])
    /// Set once nothing happened for a minute. What is asked for then fails at once, so a store that hangs costs one minute.
    private let isStuck = Monitor(false)

    /// What a store is opened with.
    var executor: @Sendable (@escaping @Sendable () -> Void) -> Void {
        { [turns] turn in
            turns.withLock { $0.append(turn) }
            turns.signal()
        }
    }

    /// Runs turns until `isDone`. A minute in vain fails the test.
    func run(until isDone: () -> Bool) {
        let deadline = isStuck.withLock { $0 } ? 0 : monotonicNanoseconds() + 60_000_000_000
        while !isDone() {
            turns.lock()
            while turns.guarded.pointee.isEmpty, monotonicNanoseconds() < deadline { turns.wait(until: deadline) }
            let ready = turns.guarded.pointee
            turns.guarded.pointee = []
            turns.unlock()
            if ready.isEmpty {
                isStuck.withLock { $0 = true }
                Issue.record("nothing completed within a minute")
                return
            }
            for turn in ready { turn() }
        }
    }

    /// Runs the turns that are there.
    func runReady() {
        let ready = turns.withLock { turns in
            defer { turns = [] }
            return turns
        }
        for turn in ready { turn() }
    }

    /// The outcome of one operation.
    func wait<Value>(_ operation: (@escaping StoreCompletion<Value>) -> Void) throws -> Value {
        var outcome: Result<Value, StoreError>?
        operation { outcome = $0 }
        run { outcome != nil }
        guard let outcome else { throw StoreUnderTestHangs() }
        return try outcome.get()
    }
}

/// What an operation that does not complete throws.
struct StoreUnderTestHangs: Error {}

/// Carries what a single-threaded test schedules into the shard's sendable turns.
final class Turn: @unchecked Sendable {
    let action: () -> Void
    init(_ action: @escaping () -> Void) { self.action = action }
}

/// A directory of a test's own, removed with it.
final class TestDirectory {
    let path: String

    init() {
        var template = Array("/tmp/busbar-store-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        path = made ?? "/tmp/busbar-store-\(getpid())"
    }

    deinit {
        Self.remove(path)
    }

    /// Copies the directory as it is now, as a crash would leave it.
    ///
    /// A crash is one moment, a copy is not: it is made again until no file came, went or changed meanwhile.
    func copy() throws -> TestDirectory {
        for _ in 0..<100 {
            let other = TestDirectory()
            let before = Self.state(path)
            try Self.copy(path, to: other.path)
            if Self.state(path) == before { return other }
        }
        throw StoreError(.failed, "the files of \(path) never stood still")
    }

    /// Every file below a directory with its size and the time of its last change.
    private static func state(_ path: String) -> [String] {
        entries(path).flatMap { name, isDirectory -> [String] in
            let file = "\(path)/\(name)"
            guard !isDirectory else { return state(file) }
            var status = stat()
            guard lstat(file, &status) == 0 else { return ["\(file) gone"] }
            return ["\(file) \(status.st_ino) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)"]
        }
    }

    static func entries(_ path: String) -> [(name: String, isDirectory: Bool)] {
        guard let stream = opendir(path) else { return [] }
        defer { closedir(stream) }
        var found: [(String, Bool)] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { found.append((name, Int32(entry.pointee.d_type) == Int32(DT_DIR))) }
        }
        return found.sorted { $0.0 < $1.0 }
    }

    private static func remove(_ path: String) {
        for (name, isDirectory) in entries(path) {
            if isDirectory { remove("\(path)/\(name)") } else { unlink("\(path)/\(name)") }
        }
        rmdir(path)
    }

    private static func copy(_ path: String, to other: String) throws {
        for (name, isDirectory) in entries(path) {
            if isDirectory {
                mkdir("\(other)/\(name)", 0o700)
                try copy("\(path)/\(name)", to: "\(other)/\(name)")
            } else if name != "LOCK", let bytes = try? TestFile.read("\(path)/\(name)") {
                try TestFile.write("\(other)/\(name)", bytes)
            }
        }
    }
}

/// Whole files.
enum TestFile {
    static func read(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY)
        guard file >= 0 else { throw StoreError(.failed, "cannot open \(path)") }
        defer { close(file) }
        var status = stat()
        fstat(file, &status)
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return Array(bytes.prefix(max(0, count)))
    }

    static func write(_ path: String, _ bytes: [UInt8]) throws {
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard file >= 0 else { throw StoreError(.failed, "cannot create \(path)") }
        defer { close(file) }
        let count = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
        guard count == bytes.count else { throw StoreError(.failed, "cannot write \(path)") }
    }

    /// The path of an open file.
    static func path(of file: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/fd/\(file)", &buffer, buffer.count)
        return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Overwrites bytes in the middle of a file.
    static func damage(_ path: String, at offset: Int, count: Int) throws {
        let file = open(path, O_WRONLY)
        guard file >= 0 else { throw StoreError(.failed, "cannot open \(path)") }
        defer { close(file) }
        let noise = [UInt8](repeating: 0xA5, count: count)
        _ = noise.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, off_t(offset)) }
    }
}
