import FuzzDriver
import TransportFuzzing

/// libFuzzer with this target's check.
@_cdecl("HTTP2ClientFuzzer_main")
public func startFuzzer(
    _ argumentCount: CInt,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
    FuzzDriver.run(argumentCount, arguments) { FuzzDriver.check($0, $1, HTTP2FuzzCheck.client) }
}
