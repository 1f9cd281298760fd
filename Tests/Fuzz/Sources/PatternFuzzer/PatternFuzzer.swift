import EventModel
import EventPattern

/// Fuzzes the JSON reader, the pattern parser and both matchers.
///
/// The input is a pattern, a newline, and an event. Nothing may trap, and what parses must match alike by the plain evaluator
/// and by the compiled matcher.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzPatterns(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: data, count: size))
    let parts = input.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false).map(Array.init)
    let event = parts.count > 1 ? parts[1] : input
    let value = try? JSONValue(parsing: event)
    guard let pattern = try? Pattern.parse(parts[0]) else { return 0 }
    var matcher = RuleMatcher()
    matcher.add(7, pattern)
    guard value?.object != nil, let expected = try? pattern.matches(event) else { return 0 }
    let scratch = SharedMatchScratch()
    guard let found = scratch.matching(event, matcher) else {
        preconditionFailure("the compiled matcher cannot read what the plain evaluator reads")
    }
    precondition(found == (expected ? [7] : []), "the matchers disagree: \(found), expected \(expected)")
    return 0
}
