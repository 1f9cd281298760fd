#if canImport(CScan)
import CScan
import SansIO
import Testing

/// Every kernel that this machine can run finds what the plain one finds.
@Suite struct ScanKernelTests {
    @Test(arguments: [UInt64](1...4)) func containerEndsAgree(_ seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let alphabet = Array("\"\"\\\\{}[],:x".utf8)
        for _ in 0..<3_000 {
            let count = Int.random(in: 0...300, using: &generator)
            let spread = Int.random(in: 1...alphabet.count, using: &generator)
            var text = (0..<count).map { _ in alphabet[Int.random(in: 0..<spread, using: &generator)] }
            // What an escape stands before is part of a string only; a lone backslash is not JSON.
            var isInString = false
            var index = 0
            while index < text.count {
                if text[index] == UInt8(ascii: "\\") {
                    if isInString { index += 1 } else { text[index] = UInt8(ascii: "x") }
                } else if text[index] == UInt8(ascii: "\"") {
                    isInString.toggle()
                }
                index += 1
            }
            if Bool.random(using: &generator) {
                text += Array(repeating: UInt8(ascii: "x"), count: 60) + Array("\"}}}}".utf8)
            }
            text.withUnsafeBufferPointer { buffer in
                guard let start = buffer.baseAddress else { return }
                let end = start + buffer.count
                let expected = cscan_container_end_with(0, start, end)
                for kernel in 0..<cscan_kernel_count() {
                    let found = cscan_container_end_with(kernel, start, end)
                    #expect(found == expected, "seed \(seed), \(String(cString: cscan_kernel_name(kernel)))")
                }
                #expect(cscan_container_end(start, end) == expected)
            }
        }
    }

    @Test func stopsAtEveryOffset() {
        for stop in Array("\"\\".utf8) {
            for count in 0..<40 {
                let text = [UInt8](repeating: UInt8(ascii: "a"), count: count) + [stop] + Array("bb\"\\".utf8)
                text.withUnsafeBufferPointer { buffer in
                    guard let start = buffer.baseAddress else { return }
                    #expect(cscan_string_stop(start, start + buffer.count) == start + count)
                    #expect(cscan_string_stop(start, start + count) == start + count)
                }
            }
        }
        for stop in Array(",]} \n".utf8) {
            for count in 0..<40 {
                let text = [UInt8](repeating: UInt8(ascii: "7"), count: count) + [stop] + Array("+-.e,".utf8)
                text.withUnsafeBufferPointer { buffer in
                    guard let start = buffer.baseAddress else { return }
                    #expect(cscan_scalar_stop(start, start + buffer.count) == start + count)
                }
            }
        }
    }
}
#endif
