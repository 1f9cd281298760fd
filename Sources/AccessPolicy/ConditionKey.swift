/// The name of a value that a request carries for conditions, e.g. `events:source`. Letter case does not distinguish names.
public struct ConditionKey: Hashable, Sendable, CustomStringConvertible {
    /// Nil for a name without a number of its own, such as a tag.
    let known: KnownConditionKey?
    /// The lower-cased name where `known` is nil, else empty.
    let custom: [UInt8]

    /// Creates a key from its name in any letter case.
    public init(_ name: String) {
        let lowered = Bytes.lowercasedASCII(name)
        known = KnownConditionKey.byName[lowered]
        custom = known == nil ? lowered : []
    }

    init(_ known: KnownConditionKey) {
        self.known = known
        custom = []
    }

    /// The usual spelling for keys with a fixed name, lower case for others.
    public var description: String {
        known?.name ?? String(decoding: custom, as: UTF8.self)
    }

    /// The number that tables hold; zero for names without one.
    var code: UInt8 { known?.rawValue ?? 0 }

    /// A tag of the caller.
    public static func principalTag(_ tag: String) -> ConditionKey { ConditionKey("aws:PrincipalTag/" + tag) }
    /// A tag that the request attaches.
    public static func requestTag(_ tag: String) -> ConditionKey { ConditionKey("aws:RequestTag/" + tag) }
    /// A tag that the resource has.
    public static func resourceTag(_ tag: String) -> ConditionKey { ConditionKey("aws:ResourceTag/" + tag) }

    /// `events:source`: the sources of the entries or of the pattern.
    public static var source: ConditionKey { ConditionKey(.source) }
    /// `events:detail-type`: likewise for detail types.
    public static var detailType: ConditionKey { ConditionKey(.detailType) }
    /// `events:detail.userIdentity.principalId`: literal strings of a pattern at that path.
    public static var detailPrincipalID: ConditionKey { ConditionKey(.detailPrincipalID) }
    /// `events:detail.service`: literal strings of a pattern at that path.
    public static var detailService: ConditionKey { ConditionKey(.detailService) }
    /// `events:detail.eventTypeCode`: literal strings of a pattern at that path.
    public static var detailEventTypeCode: ConditionKey { ConditionKey(.detailEventTypeCode) }
    /// `events:creatorAccount`: the account that created the rule.
    public static var creatorAccount: ConditionKey { ConditionKey(.creatorAccount) }
    /// `events:ManagedBy`: the service that manages the rule.
    public static var managedBy: ConditionKey { ConditionKey(.managedBy) }
    /// `events:TargetArn`: the targets of PutTargets.
    public static var targetARN: ConditionKey { ConditionKey(.targetARN) }
    /// `events:EventBusArn`: the buses of an endpoint.
    public static var eventBusARN: ConditionKey { ConditionKey(.eventBusARN) }
    /// `events:eventBusInvocation`: whether a rule forwarded the event.
    public static var eventBusInvocation: ConditionKey { ConditionKey(.eventBusInvocation) }
    /// `aws:TagKeys`: the keys of the tags in the request.
    public static var tagKeys: ConditionKey { ConditionKey(.tagKeys) }
    /// `aws:SourceArn`: the resource on whose behalf a service calls.
    public static var sourceARN: ConditionKey { ConditionKey(.sourceARN) }
    /// `aws:SourceAccount`: the account of that resource.
    public static var sourceAccount: ConditionKey { ConditionKey(.sourceAccount) }
    /// `aws:SourceOrgID`: the organization of that account.
    public static var sourceOrganizationID: ConditionKey { ConditionKey(.sourceOrganizationID) }
    /// `aws:SourceIp`: the caller's address.
    public static var sourceIP: ConditionKey { ConditionKey(.sourceIP) }
    /// `aws:SecureTransport`: whether the call came over TLS.
    public static var secureTransport: ConditionKey { ConditionKey(.secureTransport) }
    /// `aws:CurrentTime`: the time of the call in ISO 8601.
    public static var currentTime: ConditionKey { ConditionKey(.currentTime) }
    /// `aws:EpochTime`: the time of the call in seconds since the epoch.
    public static var epochTime: ConditionKey { ConditionKey(.epochTime) }
    /// `aws:TokenIssueTime`: when temporary credentials were issued.
    public static var tokenIssueTime: ConditionKey { ConditionKey(.tokenIssueTime) }
    /// `aws:RequestedRegion`: the region that was called.
    public static var requestedRegion: ConditionKey { ConditionKey(.requestedRegion) }
    /// `aws:UserAgent`: the caller's `User-Agent`.
    public static var userAgent: ConditionKey { ConditionKey(.userAgent) }
    /// `aws:Referer`: the caller's `Referer`.
    public static var referer: ConditionKey { ConditionKey(.referer) }
    /// `aws:ViaAWSService`: whether a service called for the principal.
    public static var viaAWSService: ConditionKey { ConditionKey(.viaAWSService) }
    /// `aws:PrincipalArn`: the caller; for a session its role.
    public static var principalARN: ConditionKey { ConditionKey(.principalARN) }
    /// `aws:PrincipalAccount`: the caller's account.
    public static var principalAccount: ConditionKey { ConditionKey(.principalAccount) }
    /// `aws:PrincipalOrgID`: the organization of the caller's account.
    public static var principalOrganizationID: ConditionKey { ConditionKey(.principalOrganizationID) }
    /// `aws:username`: the name of a user.
    public static var username: ConditionKey { ConditionKey(.username) }
    /// `iam:PassedToService`: the service that a role is passed to.
    public static var passedToService: ConditionKey { ConditionKey(.passedToService) }
}
