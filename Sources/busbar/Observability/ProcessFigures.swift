import Foundation

/// Figures of this process from the operating system.
struct ProcessFigures {
    /// Bytes of resident memory; 0 where the system does not tell.
    var residentBytes: Int

    static func current() -> ProcessFigures {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
            let pages = text.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return ProcessFigures(residentBytes: 0) }
        return ProcessFigures(residentBytes: pages * Int(sysconf(Int32(_SC_PAGESIZE))))
    }
}
