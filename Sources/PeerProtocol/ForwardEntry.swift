import EventModel

/// One event on its way to a bus of another cell, with what must travel beside the envelope.
public struct ForwardEntry: Sendable, Equatable {
    /// Names the delivery; the same with every attempt.
    public var id: DeliveryID
    /// The account that sends: of the rule that forwards, or of the caller who puts.
    public var sourceAccount: AccountID
    /// Who acts: the ARN of the account's root, of a user or of a role. A claim within the source account.
    public var principal: String
    /// The name of the role's session; empty unless `principal` is a role.
    public var session: String
    /// The ARN of the rule that forwards; empty for an event that a caller puts to the receiving bus itself.
    public var rule: String
    /// The ARN of the receiving bus.
    public var bus: String
    /// ARNs of the buses that passed the event on, oldest first; the last one is the rule's.
    public var hops: [String]
    /// The trace header, or empty.
    public var traceHeader: String
    /// The event, byte for byte.
    public var envelope: [UInt8]

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
        self.sourceAccount = sourceAccount
        self.principal = principal
        self.session = session
        self.rule = rule
        self.bus = bus
        self.hops = hops
        self.traceHeader = traceHeader
        self.envelope = envelope
    }

    /// Whether a caller puts the event to the receiving bus, rather than a rule forwarding it.
    public var isDirect: Bool { rule.isEmpty }

    /// Bytes that the entry takes in a frame, roughly; what batches are measured by.
    public var size: Int {
        envelope.count + 96 + principal.utf8.count + rule.utf8.count + bus.utf8.count
            + hops.reduce(0) { $0 + 5 + $1.utf8.count }
    }
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
}

extension ForwardEntry {
    /// Appends the entry's fields.
    func encode(into bytes: inout [UInt8]) {
        bytes.append(EntryTag.id)
        bytes.appendInteger(UInt32(DeliveryID.bytes))
        bytes.appendInteger(id.event)
        bytes.appendInteger(id.target)
        bytes.append(EntryTag.sourceAccount)
        bytes.appendInteger(UInt32(8))
        bytes.appendInteger(sourceAccount.number)
        bytes.appendField(EntryTag.principal, principal.utf8)
        if !session.isEmpty { bytes.appendField(EntryTag.session, session.utf8) }
        if !rule.isEmpty { bytes.appendField(EntryTag.rule, rule.utf8) }
        bytes.appendField(EntryTag.bus, bus.utf8)
        for hop in hops { bytes.appendField(EntryTag.hop, hop.utf8) }
        if !traceHeader.isEmpty { bytes.appendField(EntryTag.traceHeader, traceHeader.utf8) }
        bytes.appendField(EntryTag.envelope, envelope)
    }

    /// Reads an entry's fields, in whatever order they come. Texts that the entry before it has too are taken from there.
    init(
        _ bytes: [UInt8],
        _ range: Range<Int>,
        _ limits: FrameLimits,
        after previous: ForwardEntry? = nil
    ) throws(FrameError) {
        var draft = EntryDraft(bytes: bytes, limits: limits, previous: previous)
        var reader = FrameReader(bytes, range)
        while reader.remaining > 0 {
            let (tag, value) = try reader.field()
            try draft.take(tag, value, reader)
        }
        self = try draft.finished()
    }
}

/// An entry while its fields are read.
private struct EntryDraft {
    let bytes: [UInt8]
    let limits: FrameLimits
    let previous: ForwardEntry?
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

    init(bytes: [UInt8], limits: FrameLimits, previous: ForwardEntry?) {
        self.bytes = bytes
        self.limits = limits
        self.previous = previous
    }

    mutating func take(_ tag: UInt8, _ value: Range<Int>, _ reader: FrameReader) throws(FrameError) {
        if tag == EntryTag.hop {
            guard hops.count < limits.hops else { throw FrameError(.tooLarge, "more than \(limits.hops) hops") }
            let index = hops.count
            let known = previous.flatMap { index < $0.hops.count ? $0.hops[index] : nil }
            hops.append(try reader.text(value, limit: limits.textBytes, "a hop", like: known))
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
            principal = try reader.text(value, limit: limits.textBytes, "the principal", like: previous?.principal)
        case EntryTag.session:
            session = try reader.text(value, limit: limits.textBytes, "the session", like: previous?.session)
        case EntryTag.rule:
            rule = try reader.text(value, limit: limits.textBytes, "the rule", like: previous?.rule)
        case EntryTag.bus:
            bus = try reader.text(value, limit: limits.textBytes, "the bus", like: previous?.bus)
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

    func finished() throws(FrameError) -> ForwardEntry {
        guard let id, let account, let envelope, !principal.isEmpty, !bus.isEmpty else {
            throw FrameError(.malformed, "id, source account, principal, bus or event is missing")
        }
        return ForwardEntry(
            id: id,
            sourceAccount: account,
            principal: principal,
            session: session,
            rule: rule,
            bus: bus,
            hops: hops,
            traceHeader: traceHeader,
            envelope: Array(bytes[envelope])
        )
    }
}
