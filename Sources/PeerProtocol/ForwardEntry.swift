import EventModel

/// One event on its way to a bus of another cell, with what must travel beside the envelope.
public struct ForwardEntry: Sendable, Equatable {
    /// Names the delivery; the same with every attempt.
    public var id: DeliveryID
    /// The trace header, or empty.
    public var traceHeader: String
    /// The event, in the bytes that it came in or is kept in.
    public private(set) var content: ArraySlice<UInt8>
    /// What the entries of one rule have in common; shared, so that a copy of an entry copies no texts.
    private(set) var claims: EntryClaims

    /// Creates an entry.
    public init(
        id: DeliveryID,
        sourceAccount: AccountID,
        principal: String,
        session: String = "",
        rule: String = "",
        bus: String,
        hops: [String] = [],
        traceHeader: String = "",
        envelope: [UInt8]
    ) {
        self.id = id
        self.traceHeader = traceHeader
        content = envelope[...]
        var texts = EntryClaims.Texts(sourceAccount: sourceAccount, principal: principal, bus: bus)
        texts.session = session
        texts.rule = rule
        texts.hops = hops
        claims = EntryClaims(texts)
    }

    /// Creates an entry of the same sender, rule and buses as another.
    public init(id: DeliveryID, like other: ForwardEntry, traceHeader: String, content: ArraySlice<UInt8>) {
        self.init(id: id, claims: other.claims, traceHeader: traceHeader, content: content)
    }

    init(id: DeliveryID, claims: EntryClaims, traceHeader: String, content: ArraySlice<UInt8>) {
        self.id = id
        self.claims = claims
        self.traceHeader = traceHeader
        self.content = content
    }

    /// The event, byte for byte.
    public var envelope: [UInt8] {
        get { Array(content) }
        set { content = newValue[...] }
    }

    /// The account that sends: of the rule that forwards, or of the caller who puts.
    public var sourceAccount: AccountID {
        get { claims.texts.sourceAccount }
        set { change { $0.sourceAccount = newValue } }
    }

    /// Who acts: the ARN of the account's root, of a user or of a role. A claim within the source account.
    public var principal: String {
        get { claims.texts.principal }
        set { change { $0.principal = newValue } }
    }

    /// The name of the role's session; empty unless `principal` is a role.
    public var session: String {
        get { claims.texts.session }
        set { change { $0.session = newValue } }
    }

    /// The ARN of the rule that forwards; empty for an event that a caller puts to the receiving bus itself.
    public var rule: String {
        get { claims.texts.rule }
        set { change { $0.rule = newValue } }
    }

    /// The ARN of the receiving bus.
    public var bus: String {
        get { claims.texts.bus }
        set { change { $0.bus = newValue } }
    }

    /// ARNs of the buses that passed the event on, oldest first; the last one is the rule's.
    public var hops: [String] {
        get { claims.texts.hops }
        set { change { $0.hops = newValue } }
    }

    private mutating func change(_ body: (inout EntryClaims.Texts) -> Void) {
        var texts = claims.texts
        body(&texts)
        claims = EntryClaims(texts)
    }

    /// Whether a caller puts the event to the receiving bus, rather than a rule forwarding it.
    public var isDirect: Bool { claims.texts.rule.isEmpty }

    /// Whether another entry names the same account, principal, rule and buses, byte for byte.
    public func claimsTheSame(as other: ForwardEntry) -> Bool {
        claims === other.claims || claims.texts.areSame(as: other.claims.texts)
    }

    /// Bytes that the entry takes in a frame, roughly; what batches are measured by.
    public var size: Int { content.count + claims.size }
}

/// What an entry says beside its event and its id.
final class EntryClaims: Sendable, Equatable {
    struct Texts: Sendable, Equatable {
        var sourceAccount: AccountID
        var principal: String
        var session = ""
        var rule = ""
        var bus: String
        var hops: [String] = []

        init(sourceAccount: AccountID, principal: String, bus: String) {
            self.sourceAccount = sourceAccount
            self.principal = principal
            self.bus = bus
        }

        /// Compares bytes: texts that Swift holds for equal may differ in them.
        func areSame(as other: Texts) -> Bool {
            sourceAccount == other.sourceAccount && Self.areSame(bus, other.bus) && Self.areSame(rule, other.rule)
                && Self.areSame(principal, other.principal) && Self.areSame(session, other.session)
                && hops.count == other.hops.count && zip(hops, other.hops).allSatisfy(Self.areSame)
        }

        private static func areSame(_ left: String, _ right: String) -> Bool {
            left.utf8.elementsEqual(right.utf8)
        }
    }

    let texts: Texts
    /// The fields of a frame that say so.
    let encoded: [UInt8]
    /// Bytes of the fields and of what an entry has around them.
    let size: Int

    init(_ texts: Texts) {
        self.texts = texts
        encoded = Self.encode(texts)
        size = 64 + encoded.count
    }

    private static func encode(_ texts: Texts) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(EntryTag.sourceAccount)
        bytes.appendInteger(UInt32(8))
        bytes.appendInteger(texts.sourceAccount.number)
        bytes.appendField(EntryTag.principal, texts.principal.utf8)
        if !texts.session.isEmpty { bytes.appendField(EntryTag.session, texts.session.utf8) }
        if !texts.rule.isEmpty { bytes.appendField(EntryTag.rule, texts.rule.utf8) }
        bytes.appendField(EntryTag.bus, texts.bus.utf8)
        for hop in texts.hops { bytes.appendField(EntryTag.hop, hop.utf8) }
        return bytes
    }

    static func == (left: EntryClaims, right: EntryClaims) -> Bool { left === right || left.texts == right.texts }
}

/// Tags of an entry's fields. A reader skips those from ``firstOptional`` on when it does not know them.
enum EntryTag {
    static let id: UInt8 = 1
    static let sourceAccount: UInt8 = 2
    static let principal: UInt8 = 3
    static let session: UInt8 = 4
    static let bus: UInt8 = 5
    static let hop: UInt8 = 6
    static let rule: UInt8 = 7
    static let envelope: UInt8 = 8
    static let firstOptional: UInt8 = 128
    static let traceHeader: UInt8 = 129

    /// Whether a field is of what ``EntryClaims`` holds.
    static func isClaim(_ tag: UInt8) -> Bool { tag >= sourceAccount && tag <= rule }
}

extension ForwardEntry {
    /// Appends the entry's fields.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(EntryTag.id)
        bytes.appendInteger(UInt32(DeliveryID.bytes))
        bytes.appendInteger(id.event)
        bytes.appendInteger(id.target)
        bytes.append(contentsOf: claims.encoded)
        if !traceHeader.isEmpty { bytes.appendField(EntryTag.traceHeader, traceHeader.utf8) }
        bytes.appendField(EntryTag.envelope, content)
    }

    /// Reads an entry's fields, in whatever order they come.
    ///
    /// - Parameters:
    ///   - bytes: the frame.
    ///   - range: where in it the entry's fields are.
    ///   - limits: what is taken at most.
    ///   - known: claims of an entry before it, which most entries of a frame repeat byte for byte.
    /// - Throws: why the entry cannot be taken.
    init(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ limits: FrameLimits,
        like known: inout KnownClaims?
    ) throws(FrameError) {
        if let known, let entry = try known.read(bytes, range, limits) {
            self = entry
            return
        }
        var draft = EntryDraft(bytes: bytes, limits: limits)
        var reader = FrameReader(bytes, range)
        while reader.remaining > 0 {
            let (tag, value) = try reader.field()
            try draft.take(tag, value, reader)
        }
        self = try draft.finished()
        known = KnownClaims(claims, encodedIn: bytes, range)
    }
}

/// The claims of an entry with the bytes that they were read from.
struct KnownClaims {
    private let claims: EntryClaims
    private let encoded: Range<Int>

    /// Bytes of the field of an id, which comes first.
    private static let idBytes = 5 + DeliveryID.bytes

    /// Nil when the claims are not in one piece behind the id.
    init?(_ claims: EntryClaims, encodedIn bytes: [UInt8], _ range: Range<Int>) {
        let start = range.lowerBound + Self.idBytes
        guard bytes[range.lowerBound] == EntryTag.id, start <= range.upperBound else { return nil }
        var reader = FrameReader(bytes, start..<range.upperBound)
        var end = start
        while reader.remaining > 0, let field = try? reader.field(), EntryTag.isClaim(field.tag) {
            end = field.value.upperBound
        }
        // What follows must be known to hold no further claim.
        while reader.remaining > 0, let field = try? reader.field() {
            if EntryTag.isClaim(field.tag) { return nil }
        }
        self.claims = claims
        encoded = start..<end
    }

    /// Reads an entry that makes the same claims in the same bytes; nil for any other.
    func read(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ limits: FrameLimits
    ) throws(FrameError) -> ForwardEntry? {
        let start = range.lowerBound + Self.idBytes
        let end = start + encoded.count
        guard end <= range.upperBound, bytes[range.lowerBound] == EntryTag.id, repeats(bytes, start) else { return nil }
        var draft = EntryDraft(bytes: bytes, limits: limits)
        var head = FrameReader(bytes, range)
        let id = try head.field()
        guard id.value.upperBound == start else { return nil }
        try draft.take(id.tag, id.value, head)
        var reader = FrameReader(bytes, end..<range.upperBound)
        while reader.remaining > 0 {
            let (tag, value) = try reader.field()
            if EntryTag.isClaim(tag) { return nil }
            try draft.take(tag, value, reader)
        }
        return try draft.finished(claims)
    }

    /// Compares eight bytes at a time.
    private func repeats(_ bytes: [UInt8], _ start: Int) -> Bool {
        bytes.withUnsafeBytes { memory in
            var offset = 0
            while offset + 8 <= encoded.count {
                let left = memory.loadUnaligned(fromByteOffset: encoded.lowerBound + offset, as: UInt64.self)
                let right = memory.loadUnaligned(fromByteOffset: start + offset, as: UInt64.self)
                guard left == right else { return false }
                offset += 8
            }
            while offset < encoded.count {
                guard memory[encoded.lowerBound + offset] == memory[start + offset] else { return false }
                offset += 1
            }
            return true
        }
    }
}

/// An entry while its fields are read.
private struct EntryDraft {
    let bytes: [UInt8]
    let limits: FrameLimits
    /// Fields that came, a bit each by tag; those of no bit are not known.
    private var seen: UInt32 = 0
    private var id: DeliveryID?
    private var account: AccountID?
    private var principal = ""
    private var session = ""
    private var rule = ""
    private var bus = ""
    private var hops: [String] = []
    private var traceHeader = ""
    private var envelope: Range<Int>?

    init(bytes: [UInt8], limits: FrameLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func take(_ tag: UInt8, _ value: Range<Int>, _ reader: FrameReader) throws(FrameError) {
        if tag == EntryTag.hop {
            guard hops.count < limits.hops else { throw FrameError(.tooLarge, "more than \(limits.hops) hops") }
            hops.append(try reader.text(value, limit: limits.textBytes, "a hop"))
            return
        }
        let bit: UInt32 = tag < 32 ? 1 << UInt32(tag) : 0
        guard seen & bit == 0 else { throw FrameError(.malformed, "field \(tag) is there twice") }
        seen |= bit
        switch tag {
        case EntryTag.id:
            guard value.count == DeliveryID.bytes else { throw FrameError(.malformed, "a delivery id takes 16 bytes") }
            var number = FrameReader(bytes, value)
            id = DeliveryID(event: try number.integer(UInt64.self), target: try number.integer(UInt64.self))
        case EntryTag.sourceAccount:
            account = AccountID(number: try reader.number(UInt64.self, value, "the source account"))
            guard account != nil else { throw FrameError(.malformed, "the source account is not one") }
        case EntryTag.principal:
            principal = try reader.text(value, limit: limits.textBytes, "the principal")
        case EntryTag.session:
            session = try reader.text(value, limit: limits.textBytes, "the session")
        case EntryTag.rule:
            rule = try reader.text(value, limit: limits.textBytes, "the rule")
        case EntryTag.bus:
            bus = try reader.text(value, limit: limits.textBytes, "the bus")
        case EntryTag.traceHeader: traceHeader = try reader.text(value, limit: limits.textBytes, "the trace header")
        case EntryTag.envelope:
            guard value.count <= limits.envelopeBytes else {
                throw FrameError(
                    .tooLarge,
                    "an event of \(value.count) bytes, at most \(limits.envelopeBytes) are taken"
                )
            }
            envelope = value
        case EntryTag.firstOptional...: break
        default: throw FrameError(.malformed, "field \(tag) is not known here, and the sender holds it for needed")
        }
    }

    /// The entry, when nothing is missing.
    ///
    /// - Parameter known: its claims, when they were not read field by field.
    /// - Returns: the entry.
    /// - Throws: `malformed` when something is missing.
    func finished(_ known: EntryClaims? = nil) throws(FrameError) -> ForwardEntry {
        guard let id, let envelope, let claims = known ?? claims else {
            throw FrameError(.malformed, "id, source account, principal, bus or event is missing")
        }
        return ForwardEntry(id: id, claims: claims, traceHeader: traceHeader, content: bytes[envelope])
    }

    private var claims: EntryClaims? {
        guard let account, !principal.isEmpty, !bus.isEmpty else { return nil }
        var texts = EntryClaims.Texts(sourceAccount: account, principal: principal, bus: bus)
        texts.session = session
        texts.rule = rule
        texts.hops = hops
        return EntryClaims(texts)
    }
}
