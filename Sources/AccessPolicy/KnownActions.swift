/// What is known about the actions of `events`: which resources and which condition keys they have
/// (spec: control §8.4, §8.7).
enum KnownActions {
    struct Action: Sendable {
        var name: String
        /// What the resource part of the ARN begins with; empty for actions without a resource.
        var resources: [String]
    }

    static let events: [Action] = {
        let groups: [(names: String, resources: [String])] = [
            ("PutEvents CreateEventBus DescribeEventBus UpdateEventBus DeleteEventBus", ["event-bus/"]),
            (
                "PutRule DescribeRule DeleteRule EnableRule DisableRule PutTargets RemoveTargets ListTargetsByRule",
                ["rule/"]
            ),
            ("TagResource UntagResource ListTagsForResource", ["rule/", "event-bus/"]),
            ("CreateArchive", ["event-bus/", "archive/"]),
            ("DescribeArchive UpdateArchive DeleteArchive", ["archive/"]),
            ("StartReplay", ["replay/", "archive/", "event-bus/"]),
            ("DescribeReplay CancelReplay", ["replay/"]),
            (
                "CreateConnection DescribeConnection UpdateConnection DeauthorizeConnection DeleteConnection",
                ["connection/"]
            ),
            ("RetrieveConnectionCredentials", ["connection/"]),
            ("CreateApiDestination UpdateApiDestination", ["api-destination/", "connection/"]),
            ("DescribeApiDestination DeleteApiDestination InvokeApiDestination", ["api-destination/"]),
            ("CreateEndpoint DescribeEndpoint UpdateEndpoint DeleteEndpoint", ["endpoint/"]),
            ("ActivateEventSource DeactivateEventSource DescribeEventSource", ["event-source/"]),
            ("ListApiDestinations ListArchives ListConnections ListEndpoints ListEventBuses ListEventSources", []),
            ("ListPartnerEventSourceAccounts ListPartnerEventSources ListReplays ListRuleNamesByTarget ListRules", []),
            ("PutPermission RemovePermission PutPartnerEvents TestEventPattern", []),
        ]
        return groups.flatMap { group in
            group.names.split(separator: " ").map { Action(name: "events:\($0)", resources: group.resources) }
        }
    }()

    /// The actions that give a key its value; nil for keys that any action may have.
    static func actions(for key: KnownConditionKey) -> [String]? {
        switch key {
        case .source, .detailType: ["events:PutEvents", "events:PutRule"]
        case .detailPrincipalID, .detailService, .detailEventTypeCode: ["events:PutRule"]
        case .creatorAccount, .managedBy:
            [
                "events:PutRule", "events:DescribeRule", "events:DeleteRule", "events:EnableRule", "events:DisableRule",
                "events:PutTargets", "events:RemoveTargets", "events:ListTargetsByRule", "events:TagResource",
                "events:UntagResource", "events:ListTagsForResource",
            ]
        case .targetARN: ["events:PutTargets"]
        case .eventBusARN: ["events:CreateEndpoint", "events:UpdateEndpoint"]
        case .eventBusInvocation: ["events:PutEvents"]
        case .passedToService, .associatedResourceARN: ["iam:PassRole"]
        default: nil
        }
    }
}
