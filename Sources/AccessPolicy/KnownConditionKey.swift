/// The condition keys that have a fixed name (spec: control §8.7), as small numbers so that looking one up compares no text.
enum KnownConditionKey: UInt8, CaseIterable, Sendable {
    case source = 1
    case detailType, detailPrincipalID, detailService, detailEventTypeCode, creatorAccount, managedBy
    case targetARN, eventBusARN, eventBusInvocation
    case tagKeys, principalARN, principalAccount, principalType, userID, username
    case principalOrganizationID, principalOrganizationPaths
    case principalIsAWSService, principalServiceName, principalServiceNamesList
    case sourceARN, sourceAccount, sourceOrganizationID, sourceOrganizationPaths
    case sourceIP, sourceVPC, sourceVPCEndpoint, secureTransport, currentTime, epochTime
    case tokenIssueTime, multiFactorAuthPresent, multiFactorAuthAge
    case requestedRegion, userAgent, referer, viaAWSService, calledVia, calledViaFirst, calledViaLast
    case sourceIdentity, vpcSourceIP, federatedProvider
    case resourceAccount, resourceOrganizationID, resourceOrganizationPaths
    case passedToService, associatedResourceARN

    /// The name as AWS spells it.
    var name: String {
        serviceKeyName ?? principalKeyName ?? globalKeyName
    }

    private var serviceKeyName: String? {
        switch self {
        case .source: "events:source"
        case .detailType: "events:detail-type"
        case .detailPrincipalID: "events:detail.userIdentity.principalId"
        case .detailService: "events:detail.service"
        case .detailEventTypeCode: "events:detail.eventTypeCode"
        case .creatorAccount: "events:creatorAccount"
        case .managedBy: "events:ManagedBy"
        case .targetARN: "events:TargetArn"
        case .eventBusARN: "events:EventBusArn"
        case .eventBusInvocation: "events:eventBusInvocation"
        case .passedToService: "iam:PassedToService"
        case .associatedResourceARN: "iam:AssociatedResourceArn"
        default: nil
        }
    }

    private var principalKeyName: String? {
        switch self {
        case .principalARN: "aws:PrincipalArn"
        case .principalAccount: "aws:PrincipalAccount"
        case .principalType: "aws:PrincipalType"
        case .userID: "aws:userid"
        case .username: "aws:username"
        case .principalOrganizationID: "aws:PrincipalOrgID"
        case .principalOrganizationPaths: "aws:PrincipalOrgPaths"
        case .principalIsAWSService: "aws:PrincipalIsAWSService"
        case .principalServiceName: "aws:PrincipalServiceName"
        case .principalServiceNamesList: "aws:PrincipalServiceNamesList"
        default: nil
        }
    }

    private var globalKeyName: String {
        switch self {
        case .tagKeys: "aws:TagKeys"
        case .sourceARN: "aws:SourceArn"
        case .sourceAccount: "aws:SourceAccount"
        case .sourceOrganizationID: "aws:SourceOrgID"
        case .sourceOrganizationPaths: "aws:SourceOrgPaths"
        case .sourceIP: "aws:SourceIp"
        case .sourceVPC: "aws:SourceVpc"
        case .sourceVPCEndpoint: "aws:SourceVpce"
        case .secureTransport: "aws:SecureTransport"
        case .currentTime: "aws:CurrentTime"
        case .epochTime: "aws:EpochTime"
        case .tokenIssueTime: "aws:TokenIssueTime"
        case .multiFactorAuthPresent: "aws:MultiFactorAuthPresent"
        case .multiFactorAuthAge: "aws:MultiFactorAuthAge"
        case .requestedRegion: "aws:RequestedRegion"
        case .userAgent: "aws:UserAgent"
        case .referer: "aws:Referer"
        case .viaAWSService: "aws:ViaAWSService"
        case .calledVia: "aws:CalledVia"
        case .calledViaFirst: "aws:CalledViaFirst"
        case .calledViaLast: "aws:CalledViaLast"
        case .sourceIdentity: "aws:SourceIdentity"
        case .vpcSourceIP: "aws:VpcSourceIp"
        case .federatedProvider: "aws:FederatedProvider"
        case .resourceAccount: "aws:ResourceAccount"
        case .resourceOrganizationID: "aws:ResourceOrgID"
        case .resourceOrganizationPaths: "aws:ResourceOrgPaths"
        default: ""
        }
    }

    /// The numbers by lower-cased name.
    static let byName: [[UInt8]: KnownConditionKey] = {
        var table: [[UInt8]: KnownConditionKey] = [:]
        for key in allCases {
            table[Bytes.lowercasedASCII(key.name)] = key
        }
        return table
    }()
}
