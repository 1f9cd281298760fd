#if canImport(CScan)
import CScan
#endif

typealias BytePointer = UnsafePointer<UInt8>

/// Searches over JSON text. None reads outside `[p, end)`, and each returns a place within `[p, end]`.
enum ScanKernels {
    #if canImport(CScan)
    /// The first quotation mark or backslash.
    @inline(__always) static func stringStop(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        cscan_string_stop(p, end)
    }

    /// The first byte that cannot belong to a number or literal.
    @inline(__always) static func scalarStop(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        cscan_scalar_stop(p, end)
    }

    /// The place behind the bracket that closes the container in which `p` stands outside strings.
    @inline(__always) static func containerEnd(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        cscan_container_end(p, end)
    }
    #else
    static func stringStop(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        var p = p
        while p < end, p[0] != UInt8(ascii: "\""), p[0] != UInt8(ascii: "\\") { p += 1 }
        return p
    }

    static func scalarStop(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        var p = p
        while p < end, p[0] > 0x20, p[0] != UInt8(ascii: ","), p[0] | 0x20 != UInt8(ascii: "}") { p += 1 }
        return p
    }

    static func containerEnd(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        var p = p
        var depth = 1
        while p < end {
            let byte = p[0]
            p += 1
            if byte == UInt8(ascii: "\"") {
                var hasEscapes = false
                p = stringEnd(p, end, &hasEscapes)
                if p < end { p += 1 }
            } else if byte | 0x20 == UInt8(ascii: "{") {
                depth += 1
            } else if byte | 0x20 == UInt8(ascii: "}") {
                depth -= 1
                if depth == 0 { return p }
            }
        }
        return end
    }
    #endif

    /// The closing quotation mark of the string whose first byte is at `p`, or `end`.
    @inline(__always) static func stringEnd(
        _ p: BytePointer,
        _ end: BytePointer,
        _ hasEscapes: inout Bool
    ) -> BytePointer {
        var stop = stringStop(p, end)
        while stop < end, stop[0] == UInt8(ascii: "\\") {
            hasEscapes = true
            guard end - stop > 2 else { return end }
            stop = stringStop(stop + 2, end)
        }
        return stop
    }

    @inline(__always) static func skipSpace(_ p: inout BytePointer, _ end: BytePointer) {
        while p < end, p[0] <= 0x20 { p += 1 }
    }

    /// The place behind the value at `p`.
    @inline(__always) static func valueEnd(_ p: BytePointer, _ end: BytePointer) -> BytePointer {
        switch p[0] {
        case UInt8(ascii: "\""):
            var hasEscapes = false
            let stop = stringEnd(p + 1, end, &hasEscapes)
            return stop < end ? stop + 1 : end
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            return containerEnd(p + 1, end)
        default:
            return scalarStop(p, end)
        }
    }
}
