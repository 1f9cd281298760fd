import SansIO
import Testing

@Suite struct BatchLimitsTests {
    @Test func limitsOfZeroAreProblems() {
        var limits = BatchLimits()
        #expect(limits.problems().isEmpty)
        limits.maximumItems = 0
        limits.maximumWaitingBytes = 0
        #expect(limits.problems() == ["maximumItems must be at least 1", "maximumWaitingBytes must be at least 1"])
    }
}
