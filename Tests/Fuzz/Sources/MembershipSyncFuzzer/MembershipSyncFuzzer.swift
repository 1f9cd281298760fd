import FuzzDriver
import MembershipFuzzing

/// libFuzzer with this target's check.
@_cdecl("MembershipSyncFuzzer_main")
public func startFuzzer(
    _ argumentCount: CInt,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
    FuzzDriver.run(argumentCount, arguments) { FuzzDriver.check($0, $1, MembershipFuzzCheck.sync) }
}
