import Foundation
import Testing

@testable import busbar

@Suite struct SealingKeyTests {
    private let key = String(repeating: "0f", count: 32)

    @Test func whatIsSealedOpensWithTheSameKeyAndID() throws {
        let sealing = try SealingKey(hexadecimal: key + "\n")
        let sealed = try sealing.seal("secret of forty characters, more or less", keyID: "AKIA1")
        #expect(try sealing.open(sealed, keyID: "AKIA1") == "secret of forty characters, more or less")
        #expect(try sealing.seal("x", keyID: "AKIA1") != sealing.seal("x", keyID: "AKIA1"), "nonces differ")
        #expect(!sealed.contains("secret"))
    }

    @Test func anythingElseDoesNotOpen() throws {
        let sealing = try SealingKey(hexadecimal: key)
        let sealed = try sealing.seal("secret", keyID: "AKIA1")
        let other = try SealingKey(hexadecimal: SealingKey.generate())
        #expect(throws: SealingKey.Failure.self) { try other.open(sealed, keyID: "AKIA1") }
        #expect(throws: SealingKey.Failure.self) { try sealing.open(sealed, keyID: "AKIA2") }
        #expect(throws: SealingKey.Failure.self) { try sealing.open("", keyID: "AKIA1") }
        var bytes = try [UInt8](#require(Data(base64Encoded: sealed)))
        for index in bytes.indices {
            bytes[index] ^= 1
            let text = Data(bytes).base64EncodedString()
            #expect(throws: SealingKey.Failure.self, "byte \(index)") { try sealing.open(text, keyID: "AKIA1") }
            bytes[index] ^= 1
        }
        for count in 0..<bytes.count {
            let text = Data(bytes.prefix(count)).base64EncodedString()
            #expect(throws: SealingKey.Failure.self, "\(count) bytes") { try sealing.open(text, keyID: "AKIA1") }
        }
    }

    @Test(arguments: ["", "00", String(repeating: "g", count: 64), String(repeating: "0", count: 65)])
    func aKeyIs64HexadecimalDigits(text: String) {
        #expect(throws: SealingKey.Failure.self) { try SealingKey(hexadecimal: text) }
    }

    @Test func theKeyComesFromFileOrEnvironment() throws {
        #expect(throws: SealingKey.Failure.self) { try SealingKey(file: nil, variable: nil, environment: [:]) }
        #expect(throws: SealingKey.Failure.self) { try SealingKey(file: nil, variable: "K", environment: [:]) }
        #expect(throws: SealingKey.Failure.self) { try SealingKey(file: "/nowhere", variable: nil, environment: [:]) }
        _ = try SealingKey(file: nil, variable: "K", environment: ["K": key])
    }
}
