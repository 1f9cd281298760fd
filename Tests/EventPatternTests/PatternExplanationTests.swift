import EventPattern
import Testing

@Suite struct PatternExplanationTests {
    private func explain(_ pattern: String, _ event: String) throws -> PatternExplanation {
        try Pattern.parse(pattern).explain(Array(event.utf8))
    }

    @Test func theFirstFailingFieldIsNamed() throws {
        let explanation = try explain(
            #"{"detail":{"state":["running",{"prefix":"p"}],"zone":["x"]},"source":["s"]}"#,
            #"{"source":"other","detail":{"state":"stopped"}}"#
        )
        #expect(!explanation.matches)
        let failure = try #require(explanation.branches.first?.failure)
        #expect(failure.path == "detail.state")
        #expect(failure.alternatives == ["\"running\"", "{\"prefix\":\"p\"}"])
        #expect(failure.values == ["\"stopped\""])
        #expect(!failure.isInOtherElement)
        #expect(failure.description == #"detail.state must be "running" or {"prefix":"p"}, but is "stopped""#)
    }

    @Test func absenceIsSaid() throws {
        let failure = try #require(try explain(#"{"a":[1]}"#, "{}").branches.first?.failure)
        #expect(failure.values.isEmpty)
        #expect(failure.description == "a must be 1, but is absent")
        let present = try #require(try explain(#"{"a":[{"exists":false}]}"#, #"{"a":null}"#).branches.first?.failure)
        #expect(present.description == #"a must be {"exists":false}, but is null"#)
    }

    @Test func everyBranchHasItsReason() throws {
        let pattern = #"{"s":["x"],"$or":[{"a":[1]},{"b":[2],"c":[3]}]}"#
        let none = try explain(pattern, #"{"s":"x","a":7,"b":2}"#)
        #expect(none.branches.map { $0.failure?.path } == ["a", "c"])
        let second = try explain(pattern, #"{"s":"x","a":7,"b":2,"c":3}"#)
        #expect(second.matches)
        #expect(second.branches.map(\.matches) == [false, true])
    }

    @Test func valuesOfAnotherElementAreToldApart() throws {
        let failure = try #require(
            try explain(
                #"{"e":{"f":["A"],"g":["J"]}}"#,
                #"{"e":[{"f":"A","g":"S"},{"f":"P","g":"J"}]}"#
            ).branches.first?.failure
        )
        #expect(failure.path == "e.g")
        #expect(failure.isInOtherElement)
        #expect(failure.description == #"e.g must be "J" in the same array element, but is "S", "J""#)
    }

    @Test func longListsAndTextsAreCut() throws {
        let values = (0..<25).map { "\($0)" }.joined(separator: ",")
        let failure = try #require(try explain(#"{"a":[99]}"#, "{\"a\":[\(values)]}").branches.first?.failure)
        #expect(failure.values.count == PatternExplanation.maximumValues)
        #expect(failure.furtherValues == 15)
        #expect(failure.description.hasSuffix("9 and 15 more"))
        let long = String(repeating: "y", count: 5_000)
        let cut = try #require(try explain(#"{"a":["x"]}"#, "{\"a\":\"\(long)\"}").branches.first?.failure)
        #expect(cut.values[0].utf8.count < 300)
    }

    /// A matcher describes itself as it could stand in a pattern.
    @Test(arguments: [
        #""x""#, #""10.0.0.1""#, "5", "2.5", "1e400", "true", "false", "null", #"{"prefix":"a"}"#, #"{"suffix":"a"}"#,
        #"{"equals-ignore-case":"a"}"#, #"{"prefix":{"equals-ignore-case":"a"}}"#,
        #"{"suffix":{"equals-ignore-case":"a"}}"#, #"{"wildcard":"a\\*b*"}"#, #"{"numeric":["=",5]}"#,
        #"{"numeric":[">",0,"<=",5]}"#, #"{"numeric":["<",-1.5]}"#, #"{"numeric":[">=",1e+300]}"#,
        #"{"cidr":"10.0.0.0/8"}"#, #"{"exists":true}"#, #"{"exists":false}"#, #"{"anything-but":"x"}"#,
        #"{"anything-but":["x","y"]}"#, #"{"anything-but":[1,2]}"#, #"{"anything-but":{"prefix":"a"}}"#,
        #"{"anything-but":{"suffix":["a","b"]}}"#, #"{"anything-but":{"equals-ignore-case":"a"}}"#,
        #"{"anything-but":{"wildcard":["a*","*b"]}}"#,
    ])
    func descriptionsAreValidPatterns(_ alternative: String) throws {
        let pattern = try Pattern.parse("{\"a\":[\(alternative)]}")
        #expect(pattern.conditions[0].alternatives.map(\.description) == [alternative])
    }

    @Test func verdictOnEveryField() throws {
        let pattern = try Pattern.parse(#"{"a":["x"],"$or":[{"b":[1]},{"c":[{"exists":true}]}],"d":[{"prefix":"p"}]}"#)
        let lines = try pattern.verdicts(Array(#"{"a":"x","b":2,"c":null}"#.utf8))
        #expect(
            lines == [
                "branch 1: no match", "  yes  a", "  no   b must be 1, but is 2",
                #"  no   d must be {"prefix":"p"}, but is absent"#, "branch 2: no match", "  yes  a", "  yes  c",
                #"  no   d must be {"prefix":"p"}, but is absent"#,
            ]
        )
        let single = try Pattern.parse(#"{"e":{"f":[1],"g":[2]}}"#)
        #expect(try single.verdicts(Array(#"{"e":{"f":1,"g":2}}"#.utf8)) == ["  yes  e.f", "  yes  e.g"])
        let apart = try single.verdicts(Array(#"{"e":[{"f":1,"g":3},{"g":2}]}"#.utf8))
        #expect(apart == ["  yes  e.f", "  no   e.g must be 2 in the same array element, but is 3, 2"])
    }
}
