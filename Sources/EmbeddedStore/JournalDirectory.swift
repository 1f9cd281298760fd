import Glibc
import SansIO

/// The names of the journal's files.
enum JournalDirectory {
    /// The path of segment file `index`. The index names the file, not the segment that lives in it for a while.
    static func path(_ index: Int, in directory: String) -> String {
        let digits = String(index)
        let zeros = String(repeating: "0", count: max(0, 6 - digits.utf8.count))
        return "\(directory)/\(zeros)\(digits).segment"
    }

    /// The segment files of a directory, by index. Files that were being created are removed.
    static func list(_ directory: String) throws(StoreError) -> [(index: Int, path: String)] {
        var found: [(index: Int, path: String)] = []
        for name in try entries(directory) {
            if name.hasSuffix(".new") {
                unlink("\(directory)/\(name)")
            } else if name.hasSuffix(".segment"), let index = Int(name.dropLast(8)) {
                found.append((index, "\(directory)/\(name)"))
            }
        }
        return found.sorted { $0.index < $1.index }
    }

    /// The names in a directory, in no order.
    static func entries(_ directory: String) throws(StoreError) -> [String] {
        guard let stream = opendir(directory) else { throw fileError(errno, "cannot list \(directory)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
