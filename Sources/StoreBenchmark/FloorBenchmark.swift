import Glibc

/// The floor: copies one event per writer into a buffer, appends it to a preallocated file, synchronises, and starts over.
/// One thread, no format, no checksum, nothing to look up.
final class FloorBenchmark {
    private let file: Int32
    private let path: String
    private let fileBytes = 64 << 20
    private var offset = 0

    init(directory: String) {
        path = directory + "/floor"
        file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for chunk in 0..<fileBytes >> 20 { pwrite(file, zeros, zeros.count, off_t(chunk << 20)) }
        fsync(file)
    }

    deinit {
        close(file)
        unlink(path)
    }

    func run(writers: Int, seconds: Double, into figures: inout Figures) {
        var buffer = [UInt8](repeating: 0, count: writers * Workload.eventBytes)
        let start = ResourceUsage.now()
        let end = start.nanoseconds + UInt64(seconds * 1e9)
        var events = 0
        var now = start.nanoseconds
        while now < end {
            buffer.withUnsafeMutableBytes { bytes in
                for writer in 0..<writers {
                    let place = UnsafeMutableRawBufferPointer(
                        rebasing: bytes[writer * Workload.eventBytes..<(writer + 1) * Workload.eventBytes]
                    )
                    place.copyBytes(from: Workload.event)
                }
            }
            if offset + buffer.count > fileBytes { offset = 0 }
            pwrite(file, buffer, buffer.count, off_t(offset))
            fdatasync(file)
            offset += buffer.count
            events += writers
            let done = ResourceUsage.clock()
            figures.latencies.append(UInt32(clamping: done - now))
            now = done
        }
        figures.add(from: start, events: events)
    }
}
