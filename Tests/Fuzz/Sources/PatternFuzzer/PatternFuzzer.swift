import EventModel
import EventPattern
import FuzzDriver

/// Fuzzes the JSON reader, the pattern parser and both matchers.
///
/// The input is a pattern, a newline, and an event. Nothing may trap, and what parses must match alike by the plain evaluator
/// and by the compiled matcher.
private func fuzzPatterns(_ input: [UInt8]) {
    let parts = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
    let event = parts.count > 1 ? parts[1] : input
    let value = try? JSONValue(parsing: event)
    guard let pattern = try? Pattern.parse(parts[0]) else { return }
    var matcher = RuleMatcher()
    matcher.add(7, pattern)
    guard value?.object != nil, let expected = try? pattern.matches(event) else { return }
    let scratch = SharedMatchScratch()
    guard let found = scratch.matching(event, matcher) else {
        preconditionFailure("the compiled matcher cannot read what the plain evaluator reads")
    }
    precondition(found == (expected ? [7] : []), "the matchers disagree: \(found), expected \(expected)")
}

/// libFuzzer with this target's check.
@_cdecl("PatternFuzzer_main")
public func startFuzzer(
    _ argumentCount: CInt,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
    FuzzDriver.run(argumentCount, arguments) { FuzzDriver.check($0, $1, fuzzPatterns) }
}
