/// Takes the escapes out of strings as ``JSONStrings`` does, over raw bytes.
enum StringDecoder {
    /// Replaces the contents of `output` with the decoded text of `[start, end)`.
    static func decode(_ start: BytePointer, _ end: BytePointer, into output: inout ScratchBuffer<UInt8>) {
        output.count = 0
        // An escape is never shorter than what it stands for.
        output.reserve(end - start)
        var p = start
        while p < end {
            let byte = p[0]
            p += 1
            guard byte == UInt8(ascii: "\\"), p < end else {
                output.append(byte)
                continue
            }
            let escape = p[0]
            p += 1
            switch escape {
            case UInt8(ascii: "b"): output.append(0x08)
            case UInt8(ascii: "f"): output.append(0x0C)
            case UInt8(ascii: "n"): output.append(0x0A)
            case UInt8(ascii: "r"): output.append(0x0D)
            case UInt8(ascii: "t"): output.append(0x09)
            case UInt8(ascii: "u"): scalar(&p, end, &output)
            default: output.append(escape)
            }
        }
    }

    private static func unit(_ p: BytePointer, _ end: BytePointer) -> UInt32? {
        guard end - p >= 4 else { return nil }
        var value: UInt32 = 0
        for index in 0..<4 {
            let digit: UInt8
            switch p[index] {
            case 0x30...0x39: digit = p[index] - 0x30
            case 0x41...0x46: digit = p[index] - 0x41 + 10
            case 0x61...0x66: digit = p[index] - 0x61 + 10
            default: return nil
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Decodes what follows `\u`: a unit or a pair; half a pair keeps its three bytes (spec: patterns §2.19).
    private static func scalar(_ p: inout BytePointer, _ end: BytePointer, _ output: inout ScratchBuffer<UInt8>) {
        guard var scalar = unit(p, end) else { return }
        p += 4
        if scalar & 0xFC00 == 0xD800, end - p >= 6, p[0] == UInt8(ascii: "\\"), p[1] == UInt8(ascii: "u"),
            let low = unit(p + 2, end), low & 0xFC00 == 0xDC00
        {
            scalar = 0x10000 + (scalar & 0x3FF) << 10 + (low & 0x3FF)
            p += 6
        }
        switch scalar {
        case 0..<0x80:
            output.append(UInt8(scalar))
        case 0x80..<0x800:
            output.append(UInt8(0xC0 | scalar >> 6))
            output.append(UInt8(0x80 | scalar & 0x3F))
        case 0x800..<0x10000:
            output.append(UInt8(0xE0 | scalar >> 12))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        default:
            output.append(UInt8(0xF0 | scalar >> 18 & 0x07))
            output.append(UInt8(0x80 | scalar >> 12 & 0x3F))
            output.append(UInt8(0x80 | scalar >> 6 & 0x3F))
            output.append(UInt8(0x80 | scalar & 0x3F))
        }
    }
}
