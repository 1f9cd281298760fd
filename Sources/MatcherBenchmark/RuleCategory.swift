/// The rules of each category, and how many of the city lots each matches, counted by brute force.
struct RuleCategory {
    var name: String
    var rules: [(pattern: String, expected: Int)]

    /// The categories with rules of their own.
    private static let simple: [RuleCategory] = table.split(separator: "\n\n").map { section in
        var lines = section.split(separator: "\n")
        let name = String(lines.removeFirst())
        let rules = lines.map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return (pattern: String(parts[1]), expected: Int(parts[0]) ?? 0)
        }
        return RuleCategory(name: name, rules: rules)
    }

    /// All categories; the last two put others together.
    static let all: [RuleCategory] = {
        let together = [
            "numeric", "exact", "prefix", "anything-but", "anything-but-ignore-case", "anything-but-prefix",
            "anything-but-suffix", "anything-but-wildcard",
        ]
        func rules(_ names: [String]) -> [(pattern: String, expected: Int)] {
            names.flatMap { name in simple.first { $0.name == name }?.rules ?? [] }
        }
        return simple + [
            RuleCategory(name: "partial-combo", rules: rules(together)),
            RuleCategory(name: "combo", rules: rules(together + ["complex-arrays"])),
        ]
    }()

    /// Expected matches and pattern, by category.
    private static let table = """
        exact
        1 {"properties":{"MAPBLKLOT":["1014020"]}}
        101 {"properties":{"MAPBLKLOT":["0281001"]}}
        35 {"properties":{"MAPBLKLOT":["0631001"]}}
        655 {"properties":{"MAPBLKLOT":["3170001"]}}
        1 {"properties":{"MAPBLKLOT":["VOIDQUAY"]}}

        wildcard
        215 {"properties":{"MAPBLKLOT":[{"wildcard":"472*"}]}}
        791 {"properties":{"MAPBLKLOT":[{"wildcard":"3*1*0*8"}]}}
        100 {"properties":{"MAPBLKLOT":[{"wildcard":"*064"}]}}
        975 {"properties":{"MAPBLKLOT":[{"wildcard":"6*4*3"}]}}
        1 {"properties":{"MAPBLKLOT":[{"wildcard":"VO*AY"}]}}

        prefix
        44 {"properties":{"STREET":[{"prefix":"HU"}]}}
        447 {"properties":{"STREET":[{"prefix":"MO"}]}}
        43 {"properties":{"STREET":[{"prefix":"JI"}]}}
        2373 {"properties":{"STREET":[{"prefix":"HI"}]}}
        331 {"properties":{"STREET":[{"prefix":"GI"}]}}

        prefix-equals-ignore-case
        44 {"properties":{"STREET":[{"prefix":{"equals-ignore-case":"Hu"}}]}}
        447 {"properties":{"STREET":[{"prefix":{"equals-ignore-case":"Mo"}}]}}
        43 {"properties":{"STREET":[{"prefix":{"equals-ignore-case":"Ji"}}]}}
        2373 {"properties":{"STREET":[{"prefix":{"equals-ignore-case":"Hi"}}]}}
        331 {"properties":{"STREET":[{"prefix":{"equals-ignore-case":"Gi"}}]}}

        suffix
        18853 {"properties":{"STREET":[{"suffix":"ON"}]}}
        899 {"properties":{"STREET":[{"suffix":"NMM"}]}}
        12 {"properties":{"STREET":[{"suffix":"DEGO"}]}}
        1987 {"properties":{"STREET":[{"suffix":"RKE"}]}}
        630 {"properties":{"STREET":[{"suffix":"RMM"}]}}

        suffix-equals-ignore-case
        18853 {"properties":{"STREET":[{"suffix":{"equals-ignore-case":"On"}}]}}
        899 {"properties":{"STREET":[{"suffix":{"equals-ignore-case":"NmM"}}]}}
        12 {"properties":{"STREET":[{"suffix":{"equals-ignore-case":"DeGo"}}]}}
        1987 {"properties":{"STREET":[{"suffix":{"equals-ignore-case":"RkE"}}]}}
        630 {"properties":{"STREET":[{"suffix":{"equals-ignore-case":"RmM"}}]}}

        equals-ignore-case
        132 {"properties":{"STREET":[{"equals-ignore-case":"BrOlToN"}]}}
        211 {"properties":{"STREET":[{"equals-ignore-case":"KaLmM"}]}}
        1600 {"properties":{"STREET":[{"equals-ignore-case":"PaRnAmOnT"}]}}
        840 {"properties":{"STREET":[{"equals-ignore-case":"WuAnD"}]}}
        118294 {"properties":{"ST_TYPE":[{"equals-ignore-case":"st"}]}}

        numeric
        2 {"geometry":{"type":["Polygon"],"firstCoordinates":{"x":[{"numeric":["=",-122.51208927347945]}]}}}
        120 {"geometry":{"type":["MultiPolygon"],"firstCoordinates":{"z":[{"numeric":["=",0]}]}}}
        149147 {"geometry":{"firstCoordinates":{"x":[{"numeric":["<",-122.4217246704575]}]}}}
        63920 {"geometry":{"firstCoordinates":{"x":[{"numeric":[">",-122.4217246704575]}]}}}
        127840 {"geometry":{"firstCoordinates":{"x":[{"numeric":[">",-122.48729817075876,"<",-122.40915310119924]}]}}}

        anything-but
        211148 {"properties":{"STREET":[{"anything-but":["HISON"]}]}}
        212228 {"properties":{"STREET":[{"anything-but":["WUAND"]}]}}
        94774 {"properties":{"ST_TYPE":[{"anything-but":["ST"]}]}}
        120 {"geometry":{"type":[{"anything-but":["Polygon"]}]}}
        212703 {"properties":{"FROM_ST":[{"anything-but":["903"]}]}}

        anything-but-ignore-case
        211148 {"properties":{"STREET":[{"anything-but":{"equals-ignore-case":["HiSoN"]}}]}}
        212228 {"properties":{"STREET":[{"anything-but":{"equals-ignore-case":["WuAnD"]}}]}}
        94774 {"properties":{"ST_TYPE":[{"anything-but":{"equals-ignore-case":["st"]}}]}}
        120 {"geometry":{"type":[{"anything-but":{"equals-ignore-case":["polygon"]}}]}}
        212703 {"properties":{"FROM_ST":[{"anything-but":{"equals-ignore-case":["903"]}}]}}

        anything-but-prefix
        211148 {"properties":{"STREET":[{"anything-but":{"prefix":"HISO"}}]}}
        212228 {"properties":{"STREET":[{"anything-but":{"prefix":"WUAN"}}]}}
        94774 {"properties":{"ST_TYPE":[{"anything-but":{"prefix":"S"}}]}}
        120 {"geometry":{"type":[{"anything-but":{"prefix":"Poly"}}]}}
        212243 {"properties":{"FROM_ST":[{"anything-but":{"prefix":"90"}}]}}

        anything-but-suffix
        210797 {"properties":{"STREET":[{"anything-but":{"suffix":"ISON"}}]}}
        212228 {"properties":{"STREET":[{"anything-but":{"suffix":"UAND"}}]}}
        93268 {"properties":{"ST_TYPE":[{"anything-but":{"suffix":"T"}}]}}
        0 {"geometry":{"type":[{"anything-but":{"suffix":"olygon"}}]}}
        204695 {"properties":{"FROM_ST":[{"anything-but":{"suffix":"03"}}]}}

        anything-but-wildcard
        212853 {"properties":{"MAPBLKLOT":[{"anything-but":{"wildcard":"472*"}}]}}
        212277 {"properties":{"MAPBLKLOT":[{"anything-but":{"wildcard":"3*1*0*8"}}]}}
        212968 {"properties":{"MAPBLKLOT":[{"anything-but":{"wildcard":"*064"}}]}}
        212093 {"properties":{"MAPBLKLOT":[{"anything-but":{"wildcard":"6*4*3"}}]}}
        213067 {"properties":{"MAPBLKLOT":[{"anything-but":{"wildcard":"VO*AY"}}]}}

        complex-arrays
        218 {"geometry":{"type":["Polygon"],"coordinates":{"x":[{"numeric":["=",-122.3916488768838]}]}}}
        1 {"geometry":{"type":["MultiPolygon"],"coordinates":{"y":[{"numeric":["=",37.71282999167287]}]}}}
        149149 {"geometry":{"coordinates":{"x":[{"numeric":["<",-122.4217246704575]}]}}}
        64091 {"geometry":{"coordinates":{"x":[{"numeric":[">",-122.4217246704575]}]}}}
        127968 {"geometry":{"coordinates":{"x":[{"numeric":[">",-122.48729817075876,"<",-122.40915310119924]}]}}}
        """
}
