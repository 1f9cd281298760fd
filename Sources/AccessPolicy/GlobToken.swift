/// One element of a pattern with wildcards.
enum GlobToken: Sendable, Hashable {
    /// That byte.
    case byte(UInt8)
    /// `?`: one character (all bytes of one UTF-8 sequence).
    case anyCharacter
    /// `*`: any run of characters, also none.
    case anyRun

    /// The bytes, if there is no wildcard among the tokens.
    static func literal(_ tokens: some Sequence<GlobToken>) -> [UInt8]? {
        var bytes: [UInt8] = []
        for token in tokens {
            guard case .byte(let byte) = token else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Whether some text matches both patterns. Time is the product of the lengths.
    static func intersect(_ left: [GlobToken], _ right: [GlobToken]) -> Bool {
        // row[j]: the rest of `left` behind i and the rest of `right` behind j have a text in common.
        var below = [Bool](repeating: false, count: right.count + 1)
        for i in stride(from: left.count, through: 0, by: -1) {
            var row = [Bool](repeating: false, count: right.count + 1)
            for j in stride(from: right.count, through: 0, by: -1) {
                let leftToken = i < left.count ? left[i] : nil
                let rightToken = j < right.count ? right[j] : nil
                switch (leftToken, rightToken) {
                case (nil, nil): row[j] = true
                case (.anyRun?, nil): row[j] = below[j]
                case (.anyRun?, _?): row[j] = below[j] || row[j + 1]
                case (nil, .anyRun?): row[j] = row[j + 1]
                case (_?, .anyRun?): row[j] = row[j + 1] || below[j]
                case (nil, _?), (_?, nil): row[j] = false
                case (.byte(let one)?, .byte(let other)?): row[j] = one == other && below[j + 1]
                case (_?, _?): row[j] = below[j + 1]
                }
            }
            below = row
        }
        return below[0]
    }
}
