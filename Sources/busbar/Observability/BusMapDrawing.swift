import EventModel
import Router

extension BusMap {
    /// The map for a screen, a line each.
    var lines: [String] {
        var lines: [String] = []
        for place in places {
            lines.append("bus \(place.bus.arn)")
            let rows = place.from.map { ("from \($0.account)", $0) } + place.to.map { ("to   \($0.bus.arn)", $0) }
            if rows.isEmpty { lines.append(" └── nobody outside its account") }
            for (index, row) in rows.enumerated() {
                let isLast = index == rows.count - 1
                let rule = row.1.rule.map { " by rule \($0)" } ?? ""
                lines.append(" \(isLast ? "└" : "├")──\(row.1.verdict == .denied ? "✗" : "─") \(row.0)\(rule)")
                let stem = isLast ? "      " : " │    "
                for detail in row.1.details { lines.append(stem + detail) }
            }
            lines.append("")
        }
        if places.isEmpty { lines.append("No bus here has a policy or a rule that leads to another bus.") }
        if isCutOff { lines.append("There is more; the map ends here.") }
        return lines
    }

    /// The map as JSON.
    var json: JSONValue {
        .object([
            "buses": .array(
                places.map { place in
                    .object([
                        "bus": .string(place.bus.arn), "account": .string(place.bus.account.description),
                        "from": .array(place.from.map(\.json)), "to": .array(place.to.map(\.json)),
                    ])
                }
            ),
            "isCutOff": .bool(isCutOff),
        ])
    }
}

extension BusMap.Way {
    fileprivate var details: [String] {
        let by = statement.map { " by \($0)" } ?? ""
        var details: [String] =
            switch verdict {
            case .allowed: ["allowed\(by)"]
            case .conditional(let conditions): ["allowed\(by), if:"] + conditions.map { "  " + $0 }
            case .denied: ["refused\(statement.map { "; closest is \($0)" } ?? "")"]
            case .decidedThere: ["the policy of that bus decides, in its cell"]
            }
        details.append(link.text)
        return details
    }

    fileprivate var json: JSONValue {
        var object: JSONObject = ["account": .string(account.description), "bus": .string(bus.arn)]
        if let rule { object["rule"] = .string(rule) }
        switch verdict {
        case .allowed: object["verdict"] = .string("allowed")
        case .denied: object["verdict"] = .string("denied")
        case .decidedThere: object["verdict"] = .string("decidedThere")
        case .conditional(let conditions):
            object["verdict"] = .string("conditional")
            object["conditions"] = .array(conditions.map(JSONValue.string))
        }
        if let statement { object["statement"] = .string(statement) }
        switch link {
        case .here: object["link"] = .object(["kind": .string("here")])
        case .unknown: object["link"] = .object(["kind": .string("unknown")])
        case .cell(let name, let nodes):
            object["link"] = .object([
                "kind": .string("cell"), "cell": .string(name), "nodes": .array(nodes.map(JSONValue.string)),
            ])
        }
        return .object(object)
    }
}
