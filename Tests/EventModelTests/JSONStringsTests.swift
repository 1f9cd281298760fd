import EventModel
import Testing

@Suite struct JSONStringsTests {
    private func decode(_ text: String) throws -> [UInt8] {
        let bytes = Array("\"\(text)\"".utf8)
        var reader = JSONReader(bytes)
        let token = try reader.next()
        var output: [UInt8] = []
        JSONStrings.decode(bytes, token, into: &output)
        return output
    }

    @Test func everyEscape() throws {
        #expect(try decode(#"\"\\\/\b\f\n\r\t"#) == Array("\"\\/\u{8}\u{C}\n\r\t".utf8))
        #expect(try decode(#"\u0000\u0041\u00E9\u5927"#) == Array("\u{0}Aé大".utf8))
        #expect(try decode("plain é 🚀") == Array("plain é 🚀".utf8))
    }

    @Test func surrogates() throws {
        #expect(try decode(#"\ud83d\ude80"#) == Array("🚀".utf8))
        #expect(try decode(#"\uDBFF\uDFFF"#) == Array("\u{10FFFF}".utf8))
        #expect(try decode(#"\ud800\udc00"#) == Array("\u{10000}".utf8))
        #expect(try decode(#"\ud83d"#) == [0xED, 0xA0, 0xBD])
        #expect(try decode(#"\ude80"#) == [0xED, 0xBA, 0x80])
        #expect(try decode(#"\ude80\ud83d"#) == [0xED, 0xBA, 0x80, 0xED, 0xA0, 0xBD])
        #expect(try decode(#"\ud83d\ud83d\ude80"#) == [0xED, 0xA0, 0xBD] + Array("🚀".utf8))
        #expect(try decode(#"\ud83dx"#) == [0xED, 0xA0, 0xBD, 0x78])
        #expect(try decode(#"\ud83d\n"#) == [0xED, 0xA0, 0xBD, 0x0A])
    }

    @Test func writingEscapesOnlyWhatItMust() {
        var output: [UInt8] = []
        JSONStrings.append("a\"b\\c/d\u{8}\u{9}\u{A}\u{C}\u{D}\u{0}\u{1F}\u{7F}é🚀".utf8, to: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "\"a\\\"b\\\\c/d\\b\\t\\n\\f\\r\\u0000\\u001f\u{7F}é🚀\""
        )
    }

    @Test func everyScalarSurvivesWritingAndReading() throws {
        for start in stride(from: UInt32(0), to: 0x11_0000, by: 0x1000) {
            var text = ""
            for value in start..<(start + 0x40) {
                guard let scalar = Unicode.Scalar(value) else { continue }
                text.unicodeScalars.append(scalar)
            }
            var escaped = "\""
            for unit in text.utf16 {
                let digits = String(unit, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
            #expect(try JSONValue(parsing: escaped + "\"").string == text)
            var written: [UInt8] = []
            JSONStrings.append(text.utf8, to: &written)
            var reader = JSONReader(written)
            let token = try reader.next()
            var decoded: [UInt8] = []
            JSONStrings.decode(written, token, into: &decoded)
            #expect(decoded.elementsEqual(text.utf8))
        }
    }
}
