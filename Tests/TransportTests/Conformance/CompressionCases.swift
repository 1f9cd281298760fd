/// RFC 7541: decoding errors, and encodings that a decoder must take.
enum CompressionCases {
    private static let compression = ConformanceCase.Outcome.connectionError([ErrorCode.compression])

    private static func refused(_ section: String, _ rule: String, _ bytes: [UInt8]) -> ConformanceCase {
        ConformanceCase("RFC 7541 \(section)", rule, compression, sending: Make.headers(1, bytes))
    }

    private static func taken(_ section: String, _ rule: String, _ bytes: [UInt8]) -> ConformanceCase {
        ConformanceCase("RFC 7541 \(section)", rule, .answered(1), sending: Make.headers(1, bytes))
    }

    static let all = [
        refused("2.3.3", "refuses an index beyond both tables", Make.getBlock + [0xFF, 0x80, 0x01]),
        refused("2.3.3", "refuses an entry of an empty dynamic table", Make.getBlock + [0xBE]),
        refused("2.3.3", "refuses an unknown index as a name", Make.getBlock + [0x7F, 0x20, 1, UInt8(ascii: "a")]),
        refused("4.2", "refuses a change of the table size after a field", Make.getBlock + [0x20]),
        refused(
            "5.1",
            "refuses an integer that never ends",
            Make.getBlock + [0xFF] + [UInt8](repeating: 0xFF, count: 10)
        ),
        refused("5.2", "refuses a string longer than its block", Make.getBlock + [0, 1, UInt8(ascii: "a"), 9, 1]),
        // `0x87` is a Huffman-coded string of 7 octets; all ones is the end-of-string symbol and its padding.
        refused("5.2", "refuses the end-of-string symbol", Make.getBlock + [0, 1, UInt8(ascii: "a"), 0x84] + ones(4)),
        // `a` is 00011; the padding after it takes 3 bits and then 8 more.
        refused(
            "5.2",
            "refuses padding longer than 7 bits",
            Make.getBlock + [0, 1, UInt8(ascii: "a"), 0x82, 0x1F, 0xFF]
        ),
        refused("5.2", "refuses padding of zeros", Make.getBlock + [0, 1, UInt8(ascii: "a"), 0x81, 0x18]),
        refused("6.1", "refuses index 0", Make.getBlock + [0x80]),
        refused("6.3", "refuses a table size above the setting", [0x3F, 0xE2, 0x1F] + Make.getBlock),
        taken("4.2", "takes two changes of the table size at the front", [0x20, 0x3F, 0xE1, 0x1F] + Make.getBlock),
        taken("5.2", "takes a Huffman-coded string", Make.getBlock + [0, 1, UInt8(ascii: "a"), 0x81, 0x1F]),
        taken("6.2.1", "takes a field with indexing and its later index", Make.getBlock + added + [0xBE, 0xBE]),
        // `user-agent` is index 58 and `accept` index 19 of the static table (RFC 7541 appendix A).
        taken("6.2.1", "takes a field with indexing and an indexed name", Make.getBlock + [0x7A, 1, 97, 0xBE]),
        taken("6.2.2", "takes a field without indexing and an indexed name", Make.getBlock + [0x0F, 0x04, 1, 97]),
        taken("6.2.3", "takes a field that is never indexed and an indexed name", Make.getBlock + [0x1F, 0x04, 1, 97]),
        taken("5.2", "takes an empty Huffman-coded string", Make.getBlock + [0, 1, UInt8(ascii: "a"), 0x80]),
        taken("6.2.3", "takes a field that is never indexed", Make.getBlock + [0x10, 1, UInt8(ascii: "a"), 1, 98]),
        taken(
            "4.4",
            "takes an entry larger than the table, which empties it",
            [0x20] + Make.getBlock + added
        ),
        refused("4.4", "refuses the index of an entry larger than the table", [0x20] + Make.getBlock + added + [0xBE]),
    ]

    /// `a: b` with incremental indexing.
    private static let added: [UInt8] = [0x40, 1, UInt8(ascii: "a"), 1, UInt8(ascii: "b")]

    private static func ones(_ count: Int) -> [UInt8] { [UInt8](repeating: 0xFF, count: count) }
}
