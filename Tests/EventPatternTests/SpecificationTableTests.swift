import EventPattern
import Testing

@Suite struct SpecificationTableTests {
    @Test(arguments: MatchRow.all) func matchResult(_ row: MatchRow) throws {
        let pattern = try Pattern.parse(row.pattern)
        #expect(try pattern.matches(Array(row.event.utf8)) == row.matches)
        #expect(try pattern.explain(Array(row.event.utf8)).matches == row.matches)
    }

    @Test(arguments: ErrorRow.all) func errorText(_ row: ErrorRow) throws {
        let error = try #require(throws: PatternError.self) { try Pattern.parse(row.pattern) }
        #expect(error.message == row.message)
    }

    @Test func tablesAreComplete() {
        #expect(MatchRow.all.map(\.number).sorted() == Array(1...198))
        #expect(ErrorRow.all.map(\.number).sorted() == Array(1...70))
    }

    /// All patterns of the table in one set: sharing a filter changes no result.
    @Test func oneSetOfAllRows() throws {
        let set = PatternSet(try MatchRow.all.map { try Pattern.parse($0.pattern) })
        for (index, row) in MatchRow.all.enumerated() {
            let bytes = Array(row.event.utf8)
            let event = try set.flatten(bytes)
            #expect(set.matches(index, event) == row.matches, "row \(row.number)")
            for other in stride(from: index % 23, to: set.patterns.count, by: 23) {
                let alone = try set.patterns[other].matches(bytes)
                #expect(
                    set.matches(other, event) == alone,
                    "row \(MatchRow.all[other].number) on that of \(row.number)"
                )
            }
        }
    }
}
