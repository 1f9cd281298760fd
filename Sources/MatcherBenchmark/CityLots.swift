import Foundation

/// Invented lots of an invented city in the shape of a well-known benchmark set: 213,068 records of about 900 bytes.
///
/// The data follows from the seed alone; ``RuleCategory`` knows how many records each rule matches.
struct CityLots {
    /// The records, a line each.
    private(set) var text: [UInt8] = []
    /// The bytes of each record, without the newline.
    private(set) var records: [Range<Int>] = []

    private static let onsets = "B BR C CL D DR F FL G H J K L M N P QU R S ST T TR V W Y AL EL OR".split(
        separator: " "
    )
    private static let middles = "A E I O U AR EN IL OL UN AN ER OR AL ES".split(separator: " ")
    private static let endings = """
        TON SON KE LING GO MM DALE FORD MONT LEY WOOD ERA ITA AND ELL ICK OSA UTH ING ON
        """.split(separator: " ")
    private static let types: [String?] = [
        "ST", "AVE", "WAY", "DR", "BLVD", "CT", "TER", "LN", "PL", "RD", "ALY", nil,
    ]
    /// Units that share one lot, by block.
    private static let towers = [40: 101, 90: 35, 1_500: 655, 2_200: 218]

    private var random = MersenneTwister(seed: 7)
    private var streets: (sums: [Double], values: [String]) = ([], [])
    private var typeSums: [Double] = []
    private var streetTypes: [String: String?] = [:]
    private let count: Int
    private let hasPropertiesLast: Bool

    init(count: Int, hasPropertiesLast: Bool) {
        self.count = count
        self.hasPropertiesLast = hasPropertiesLast
        text.reserveCapacity(count * 900)
        makeStreets()
        var block = 0
        while records.count < count {
            block += 1
            addBlock(block)
        }
    }

    private mutating func pick<Choice>(_ choices: [Choice]) -> Choice {
        choices[Int(random.unit() * Double(choices.count))]
    }

    private mutating func weighted<Choice>(_ sums: [Double], _ values: [Choice]) -> Choice {
        let wanted = random.unit() * (sums.last ?? 0)
        var low = 0
        var high = sums.count - 1
        while low < high {
            let middle = (low + high) / 2
            if sums[middle] < wanted { low = middle + 1 } else { high = middle }
        }
        return values[low]
    }

    private static func sums(_ weights: [Double]) -> [Double] {
        var total = 0.0
        return weights.map { weight in
            total += weight
            return total
        }
    }

    private mutating func makeStreets() {
        var names: [String] = []
        var seen: Set<String> = []
        while names.count < 1_780 {
            var name = String(pick(Self.onsets)) + pick(Self.middles)
            if random.unit() < 0.35 { name += String(pick(Self.onsets).prefix(1)) + pick(Self.middles) }
            name += pick(Self.endings)
            if seen.insert(name).inserted { names.append(name) }
        }
        let numbered = (1...48).map { number in
            let isTeen = (10...20).contains(number) || ![1, 2, 3].contains(number % 10)
            let digits = number < 10 ? "0\(number)" : "\(number)"
            return digits + (isTeen ? "TH" : [1: "ST", 2: "ND", 3: "RD"][number % 10] ?? "")
        }
        let weights =
            numbered.map { _ in 5.2 } + names.indices.map { 60.0 / pow(Double($0 + 12), 0.9) } + [14.0]
        streets = (Self.sums(weights), numbered + names + ["UNKNOWN"])
        typeSums = Self.sums([54.6, 29, 3.2, 3.4, 2.2, 1.2, 1.6, 0.7, 0.4, 0.5, 0.4, 2.8])
    }

    private mutating func street() -> String { weighted(streets.sums, streets.values) }

    private mutating func settleType(of street: String) {
        if streetTypes[street] == nil { streetTypes[street] = .some(weighted(typeSums, Self.types)) }
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    private mutating func addBlock(_ block: Int) {
        let column = Double(block % 85)
        let row = Double(block / 85 % 95)
        var name = Self.padded((block * 7) % 7_331 + 1, 4)
        if random.unit() < 0.02 { name += pick(["A", "B", "C"]) }
        let x = -122.5135 + column * 0.00155 * (0.9 + 0.2 * random.unit())
        let y = 37.7085 + 1.23456789e-5 + row * 0.00108003
        let main = street()
        settleType(of: main)
        let sides = [main, street(), street(), main]
        for side in sides { settleType(of: side) }
        let base = 100 * Int(1 + random.unit() * 44)
        let lots = Self.towers[block] == nil ? 5 + Int(random.unit() * 60) : 3
        for lot in 1...lots where records.count < count {
            addLot(block, name, lot, street: sides[lot % 4], from: base + 2 * lot + lot % 2, x: x, y: y)
        }
    }

    private mutating func addLot(
        _ block: Int,
        _ blockName: String,
        _ number: Int,
        street: String,
        from: Int,
        x: Double,
        y: Double
    ) {
        var lot = Lot(block: blockName, number: Self.padded(number, 3))
        if random.unit() < 0.03 { lot.number += pick(["A", "B", "C", "D", "E"]) }
        let isUnknown = street == "UNKNOWN"
        lot.from = isUnknown ? "\"0\"" : random.unit() < 0.012 ? "null" : "\"\(from)\""
        lot.to = random.unit() < 0.9 || lot.from == "null" ? lot.from : "\"\(from + 2 + 2 * Int(random.unit() * 8))\""
        lot.parity = isUnknown || from % 2 == 0 ? "E" : "O"
        let type = streetTypes[street] ?? nil
        lot.type = isUnknown ? "null" : type.map { "\"\($0)\"" } ?? "null"
        lot.street = random.unit() < 0.004 ? "null" : "\"\(street)\""
        let width = 6e-5 + random.unit() * 6e-5
        let height = 2e-4 + random.unit() * 1.5e-4
        let left = x + Double(number % 20) * 7e-5
        let bottom = y + Double(number / 20) * 3.3e-4
        let points = points(left, bottom, pointCount(), width, height)
        lot.mapKey = block == 777 && number == 2 ? "VOIDQUAY" : blockName + lot.number
        guard let units = Self.towers[block], number == 1 else {
            lot.key = random.unit() < 0.92 ? lot.mapKey : blockName + Self.padded(number + 100, 3)
            emit(lot, points)
            return
        }
        let corner = (x: x + 1.234567e-4, y: y + 2.345678e-4)
        lot.from = "\"\(from)\""
        lot.to = lot.from
        for unit in 0..<units where records.count < count {
            let pointCount = random.unit() < 0.1 ? pointCount() : 5
            var points = self.points(x + 1e-6 * Double(unit), y, pointCount, width, height)
            points[2] = corner
            lot.number = Self.padded(unit + 2, 3)
            lot.key = blockName + lot.number
            emit(lot, points)
        }
    }

    private struct Lot {
        var block: String
        var number: String
        var mapKey = ""
        var key = ""
        var from = ""
        var to = ""
        var street = ""
        var type = ""
        var parity = ""
    }

    private mutating func pointCount() -> Int {
        let u = random.unit()
        switch u {
        case ..<0.48: return 5
        case ..<0.60: return 6
        case ..<0.71: return 7
        case ..<0.80: return 8 + Int(random.unit() * 3)
        case ..<0.905: return 11 + Int(random.unit() * 10)
        case ..<0.975: return 21 + Int(random.unit() * 25)
        case ..<0.999: return 46 + Int(random.unit() * 70)
        default: return 120 + Int(random.unit() * 400)
        }
    }

    /// A closed ring of `count` points.
    private mutating func points(
        _ x: Double,
        _ y: Double,
        _ count: Int,
        _ width: Double,
        _ height: Double
    ) -> [(x: Double, y: Double)] {
        var points: [(x: Double, y: Double)] = []
        if count == 5 {
            let dx = width * (0.8 + 0.4 * random.unit())
            let dy = height * (0.8 + 0.4 * random.unit())
            let shear = (random.unit() - 0.5) * 2e-5
            points = [(x, y), (x + dx, y + shear), (x + dx - shear, y + dy), (x - shear, y + dy - shear)]
        } else {
            for index in 0..<(count - 1) {
                let t = Double(index) / Double(count - 1)
                let (px, py): (Double, Double) =
                    t < 0.25
                    ? (t * 4, 0)
                    : t < 0.5
                        ? (1, (t - 0.25) * 4)
                        : t < 0.75
                            ? (1 - (t - 0.5) * 4, 1) : (0, 1 - (t - 0.75) * 4)
                let pointX = x + width * px + (random.unit() - 0.5) * 1e-5
                let pointY = y + height * py + (random.unit() - 0.5) * 1e-5
                points.append((pointX, pointY))
            }
        }
        points.append(points[0])
        return points
    }

    private mutating func emit(_ lot: Lot, _ points: [(x: Double, y: Double)]) {
        let kind = records.count % 1_775 == 888 ? "MultiPolygon" : "Polygon"
        let properties = """
            "properties":{"MAPBLKLOT":"\(lot.mapKey)","BLKLOT":"\(lot.key)","BLOCK_NUM":"\(lot.block)","LOT_NUM":"\
            \(lot.number)","FROM_ST":\(lot.from),"TO_ST":\(lot.to),"STREET":\(lot.street),"ST_TYPE":\(lot.type),\
            "ODD_EVEN":"\(lot.parity)"}
            """
        func shown(_ point: (x: Double, y: Double)) -> String { "{\"x\":\(point.x),\"y\":\(point.y),\"z\":0}" }
        let geometry = """
            "geometry":{"type":"\(kind)","firstCoordinates":\(shown(points[0])),"coordinates":[\
            \(points.map(shown).joined(separator: ","))]}
            """
        let members = hasPropertiesLast ? "\(geometry),\(properties)" : "\(properties),\(geometry)"
        let start = text.count
        text.append(contentsOf: "{\"type\":\"Feature\",\(members)}\n".utf8)
        records.append(start..<(text.count - 1))
    }
}
