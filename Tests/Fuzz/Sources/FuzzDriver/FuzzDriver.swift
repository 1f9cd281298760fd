/// libFuzzer's own main loop.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ argumentCount: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ test: FuzzDriver.Test
) -> CInt

/// Runs checks under libFuzzer.
public enum FuzzDriver {
    /// What libFuzzer calls with each input: the bytes and their number; 0 when the input is to be kept if it is new.
    public typealias Test = @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt

    /// Runs the fuzzer with its command line until it ends.
    ///
    /// Each fuzzer exports a function that calls this under the name that the package manager links executables with,
    /// `NAME_main`: it renames a target's `main`, and libFuzzer's would never be reached.
    public static func run(
        _ argumentCount: CInt,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?,
        _ test: Test
    ) -> CInt {
        var argumentCount = argumentCount
        var arguments = arguments
        return runDriver(&argumentCount, &arguments, test)
    }

    /// One input through a check; an error ends the process, by which libFuzzer knows that the input fails.
    public static func check(
        _ data: UnsafePointer<UInt8>?,
        _ size: Int,
        _ check: ([UInt8]) throws -> Void
    ) -> CInt {
        do {
            try check(Array(UnsafeBufferPointer(start: data, count: size)))
        } catch {
            fatalError("\(error)")
        }
        return 0
    }
}
