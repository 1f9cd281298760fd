/// What every datagram begins with once it is opened.
///
/// | bytes | field |
/// |---|---|
/// | 1 | format version, 1 |
/// | 1 | type |
/// | 8 | trust domain: the first half of the digest of its name |
/// | 16 | the sender's certificate |
/// | 8 | the sender's epoch |
/// | 4 | the datagram's number in that epoch |
/// | 8 | the sum of the sender's view, leaves included |
///
/// The body follows, then gossip items (kind, 2 bytes of length, content), then the signature of everything before it and
/// one byte with its length.
package struct MessageHeader: Equatable {
    enum Kind: UInt8 {
        case ping = 1
        case ack = 2
        case pingRequest = 3
        case relayedAck = 4
        case nack = 5
        case gossip = 6
        case chainRequest = 7
        case chainPart = 8
    }

    package enum ItemKind: UInt8 {
        case claim = 1
        case suspicion = 2
        case attachment = 3
    }

    static let formatVersion: UInt8 = 1
    static let bytes = 46

    var kind: Kind
    var domain: UInt64
    var certificate: CertificateFingerprint
    var epoch: UInt64
    var number: UInt32
    var viewSum: UInt64

    /// Why a message is not worked on.
    enum Failure: Error {
        case malformed
        case unknown
    }

    /// A message's parts, as ranges of its bytes.
    struct Layout {
        var header: MessageHeader
        /// Body and gossip items.
        var content: Range<Int>
        var signed: Range<Int>
        var signature: Range<Int>
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(Self.formatVersion)
        bytes.append(kind.rawValue)
        bytes.append(domain)
        bytes.append(certificate.digest)
        bytes.append(epoch)
        bytes.append(number)
        bytes.append(viewSum)
    }

    static func layout(_ bytes: [UInt8], _ range: Range<Int>) -> Result<Layout, Failure> {
        guard let last = bytes[range].last else { return .failure(.malformed) }
        guard bytes[range.lowerBound] == formatVersion else { return .failure(.unknown) }
        let signatureStart = range.upperBound - 1 - Int(last)
        guard Int(last) <= MembershipLimits.signatureBytes, signatureStart - range.lowerBound >= Self.bytes else {
            return .failure(.malformed)
        }
        var reader = ByteReader(bytes, range.lowerBound..<signatureStart)
        guard reader.byte() != nil, let type = reader.byte(), let domain = reader.uint64(),
            let certificate = reader.digest(), let epoch = reader.uint64(), let number = reader.uint32(),
            let viewSum = reader.uint64()
        else { return .failure(.malformed) }
        guard let kind = Kind(rawValue: type) else { return .failure(.unknown) }
        let header = MessageHeader(
            kind: kind,
            domain: domain,
            certificate: CertificateFingerprint(certificate),
            epoch: epoch,
            number: number,
            viewSum: viewSum
        )
        return .success(
            Layout(
                header: header,
                content: reader.position..<signatureStart,
                signed: range.lowerBound..<signatureStart,
                signature: signatureStart..<(range.upperBound - 1)
            )
        )
    }
}

/// The body of a ping and of a request to ping.
struct PingBody: Equatable {
    var nonce: UInt64
    /// Whom it is for: another node may have the address by now.
    var target: NodeKey
    /// What the sender holds of the target, so that it can refute (Lifeguard's buddy system) or send what is newer.
    var incarnation: UInt64
    var state: Member.State
    /// True when the answer will be passed on inside another datagram and must be short.
    var isRelayed: Bool

    func append(to bytes: inout [UInt8]) {
        bytes.append(nonce)
        bytes.append(target.digest)
        bytes.append(incarnation)
        bytes.append(Self.code(state) | (isRelayed ? 0x80 : 0))
    }

    init(nonce: UInt64, target: NodeKey, incarnation: UInt64, state: Member.State, isRelayed: Bool) {
        self.nonce = nonce
        self.target = target
        self.incarnation = incarnation
        self.state = state
        self.isRelayed = isRelayed
    }

    init?(_ reader: inout ByteReader) {
        guard let nonce = reader.uint64(), let target = reader.digest(), let incarnation = reader.uint64(),
            let code = reader.byte(), let state = Self.state(code & 0x7F)
        else { return nil }
        self.init(
            nonce: nonce,
            target: NodeKey(target),
            incarnation: incarnation,
            state: state,
            isRelayed: code & 0x80 != 0
        )
    }

    static func code(_ state: Member.State) -> UInt8 {
        switch state {
        case .alive: 0
        case .suspect: 1
        case .dead: 2
        case .left: 3
        case .ejected: 4
        }
    }

    static func state(_ code: UInt8) -> Member.State? {
        switch code {
        case 0: .alive
        case 1: .suspect
        case 2: .dead
        case 3: .left
        case 4: .ejected
        default: nil
        }
    }
}
