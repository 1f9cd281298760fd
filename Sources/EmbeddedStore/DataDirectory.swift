import Glibc
import SansIO

/// The directory that holds a store: made when missing, locked while open, of a known format.
final class DataDirectory {
    let path: String
    var journal: String { path + "/journal" }
    var rocks: String { path + "/rocksdb" }
    var sequences: String { path + "/sequence" }
    var floor: String { path + "/changes" }

    private let lock: Int32
    private static let format = "busbar embedded store, format 1\n"

    /// Makes, locks and checks the directory.
    ///
    /// - Throws: `failed` when another process has it open, or it cannot be made; `corrupt` when its format is another.
    init(_ given: String, files: FileOperations) throws(StoreError) {
        // Behind a slash at the end the name to keep would be none.
        let slashes = given.utf8.reversed().prefix { $0 == UInt8(ascii: "/") }.count
        let path = String(given.dropLast(min(slashes, max(0, given.utf8.count - 1))))
        self.path = path
        for directory in [path, path + "/journal"] {
            if mkdir(directory, 0o700) == 0 {
                let code = files.synchroniseName(of: directory)
                guard code == 0 else { throw fileError(code, "cannot keep the name of \(directory)") }
            } else if errno != EEXIST {
                throw fileError(errno, "cannot create \(directory)")
            }
        }
        let name = path + "/lock"
        lock = Glibc.open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard lock >= 0 else { throw fileError(errno, "cannot open \(name)") }
        guard flock(lock, LOCK_EX | LOCK_NB) == 0 else {
            let holder = Self.text(of: lock).flatMap { Int($0) }
            Glibc.close(lock)
            throw StoreError(.failed, "\(path) is in use by " + (holder.map { "process \($0)" } ?? "another process"))
        }
        let number = "\(getpid())"
        ftruncate(lock, 0)
        _ = number.utf8CString.withUnsafeBytes { pwrite(lock, $0.baseAddress, number.utf8.count, 0) }
        do {
            try Self.checkFormat(path, files)
        } catch {
            Glibc.close(lock)
            throw error
        }
    }

    deinit {
        unlock()
    }

    private var isLocked = true

    /// Lets another process open the directory.
    func unlock() {
        guard isLocked else { return }
        isLocked = false
        ftruncate(lock, 0)
        Glibc.close(lock)
    }

    private static func checkFormat(_ path: String, _ files: FileOperations) throws(StoreError) {
        let name = path + "/format"
        let file = Glibc.open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw fileError(errno, "cannot open \(name)") }
        defer { Glibc.close(file) }
        let found = text(of: file) ?? ""
        if found.isEmpty {
            let count = format.utf8.count
            let written = format.utf8CString.withUnsafeBytes { pwrite(file, $0.baseAddress, count, 0) }
            guard written == count, fsync(file) == 0 else { throw fileError(errno, "cannot write \(name)") }
            let code = files.synchroniseName(of: name)
            guard code == 0 else { throw fileError(code, "cannot keep \(name)") }
        } else if Array(found.utf8) != Array(format.utf8) {
            let shown = found.prefix(80).filter { !$0.isNewline }
            throw StoreError(.corrupt, "\(path) holds \"\(shown)\", which this version cannot read")
        }
    }

    private static func text(of file: Int32) -> String? {
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
        return count > 0 ? String(decoding: bytes[0..<count], as: UTF8.self) : nil
    }
}
