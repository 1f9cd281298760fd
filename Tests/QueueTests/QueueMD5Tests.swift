import Router
import Testing

@testable import AWSAPI

@Suite struct QueueMD5Tests {
    /// RFC 1321, appendix A.5.
    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"),
        ("a", "0cc175b9c0f1b6a831c399e269772661"),
        ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
        ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"),
        (
            "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
            "57edf4a22be3c955ac49da2e2107b67a"
        ),
        // spec: control §13.5
        ("h\u{E9}llo", "be50e8478cf24ff3595bc7307fb91b50"),
    ])
    func digestsText(text: String, digest: String) {
        #expect(QueueMD5.hex(text.utf8) == digest)
    }

    @Test func digestsAttributes() {
        // spec: control §13.5
        func md5(_ attributes: [MessageAttribute]) -> String? { QueueMessageAttributes.md5(attributes) }
        #expect(
            md5([MessageAttribute(name: "Foo", dataType: "String", value: .text("Bar"))])
                == "ae7155c6026991b6d54b11589678bf9c"
        )
        #expect(
            md5([MessageAttribute(name: "MyAttribute", dataType: "String", value: .text("foobar"))])
                == "adb59cd4678ea5a855436b949cd07ab6"
        )
        #expect(
            md5([
                MessageAttribute(name: "n", dataType: "Number.int", value: .text("42")),
                MessageAttribute(name: "b", dataType: "Binary", value: .binary([0x00, 0x01, 0xFF])),
            ]) == "add0326652e50cfcbf1f4066c99be1c4"
        )
        #expect(md5([]) == nil)
    }

    @Test(
        arguments: [
            ([], ""), ([0x66], "Zg=="), ([0x66, 0x6F], "Zm8="), ([0x66, 0x6F, 0x6F], "Zm9v"),
            ([0xFB, 0xFF, 0xFE], "+//+"),
        ] as [([UInt8], String)]
    )
    func base64GoesBothWays(bytes: [UInt8], text: String) {
        #expect(QueueBase64.encode(bytes) == text)
        #expect(QueueBase64.decode(text) == bytes)
    }

    @Test(arguments: ["Z", "Zg", "Zg=", "Zh==", "Z===", "====", "Zm9v=", "Zm9*"])
    func refusesWhatIsNotBase64(text: String) {
        #expect(QueueBase64.decode(text) == nil)
    }
}
