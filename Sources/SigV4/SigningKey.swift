/// The derivation of control §2.3: one key per secret, day, region and service.
enum SigningKey {
    static let algorithm = "AWS4-HMAC-SHA256"
    static let terminator = "aws4_request"

    static func derive(
        secret: String,
        date: String,
        region: String,
        service: String,
        digest: some SigV4Digest
    ) -> SHA256Hash {
        let dateKey = digest.authenticate(date, key: [UInt8]("AWS4".utf8) + [UInt8](secret.utf8))
        let regionKey = digest.authenticate(region, key: dateKey)
        let serviceKey = digest.authenticate(service, key: regionKey)
        return digest.authenticate(terminator, key: serviceKey)
    }

    /// Appends the string to sign for a canonical request with this hash.
    static func appendStringToSign(
        signedAt seconds: Int64,
        date: String,
        region: String,
        service: String,
        hash: SHA256Hash,
        to out: inout [UInt8]
    ) {
        out.append(contentsOf: algorithm.utf8)
        out.append(ASCII.newline)
        CivilTime.appendBasic(seconds, to: &out)
        out.append(ASCII.newline)
        for part in [date, region, service] {
            out.append(contentsOf: part.utf8)
            out.append(ASCII.slash)
        }
        out.append(contentsOf: terminator.utf8)
        out.append(ASCII.newline)
        hash.appendHexadecimal(to: &out)
    }
}
