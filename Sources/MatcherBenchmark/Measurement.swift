import CScan
import EventPattern
import Foundation

/// One line of the result.
struct Measurement: Encodable {
    /// What was matched.
    var name: String
    /// Events a second on one core, the median of the runs.
    var eventsPerSecond: Double
    /// Nanoseconds for each byte of the events.
    var nanosecondsPerByte: Double
    /// The same for counting newlines in the same bytes, in the same run.
    var scanNanosecondsPerByte: Double
    /// Bytes of memory for each rule, where that was measured.
    var bytesPerRule: Double?
    /// Microseconds to add a rule beside a snapshot that is kept: the median and the longest.
    var addMicroseconds: Double?
    var longestAddMicroseconds: Double?
    /// Whether the numbers of matches were as expected.
    var isCorrect: Bool
}

/// Events one behind the other.
struct Corpus {
    var text: [UInt8]
    var records: [Range<Int>]
}

enum Timing {
    static func seconds(_ body: () -> Void) -> Double {
        let time = ContinuousClock().measure(body)
        return Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18
    }

    static func median(_ values: [Double]) -> Double {
        values.sorted()[values.count / 2]
    }

    /// Matches every event of a corpus; returns how many matches each rule had.
    static func matchAll(_ matcher: RuleMatcher, _ corpus: Corpus, rules: Int) -> [Int] {
        var counts = [Int](repeating: 0, count: rules)
        var scratch = MatchScratch()
        corpus.text.withUnsafeBufferPointer { buffer in
            counts.withUnsafeMutableBufferPointer { counts in
                for record in corpus.records {
                    matcher.match(UnsafeBufferPointer(rebasing: buffer[record]), scratch: &scratch)
                    for rule in scratch.matches { counts[Int(rule)] += 1 }
                }
            }
        }
        return counts
    }

    /// Runs a matcher over a corpus several times and the memory scan beside it.
    static func measure(
        _ name: String,
        _ matcher: RuleMatcher,
        _ corpus: Corpus,
        expected: [Int],
        runs: Int
    ) -> Measurement {
        var times: [Double] = []
        var scans: [Double] = []
        var isCorrect = matchAll(matcher, corpus, rules: expected.count) == expected
        for _ in 0..<runs {
            times.append(
                seconds { isCorrect = matchAll(matcher, corpus, rules: expected.count) == expected && isCorrect }
            )
            scans.append(
                seconds {
                    corpus.text.withUnsafeBufferPointer { buffer in
                        guard let start = buffer.baseAddress else { return }
                        if cscan_count_newlines(start, start + buffer.count) != corpus.records.count {
                            isCorrect = false
                        }
                    }
                }
            )
        }
        let time = median(times)
        return Measurement(
            name: name,
            eventsPerSecond: Double(corpus.records.count) / time,
            nanosecondsPerByte: time * 1e9 / Double(corpus.text.count),
            scanNanosecondsPerByte: median(scans) * 1e9 / Double(corpus.text.count),
            isCorrect: isCorrect
        )
    }
}
