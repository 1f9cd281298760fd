import CScan

typealias BytePointer = UnsafePointer<UInt8>

/// Searches over JSON text. None reads outside `[p, end)`, and each returns a place within `[p, end]`.
enum ScanKernels {
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
