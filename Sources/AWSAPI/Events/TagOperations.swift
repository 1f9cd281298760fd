import EventModel
import Router

/// Reads `Tags` of a request (spec: control §3.2, §3.5).
struct TagList: Sendable {
    private(set) var tags: [Tag] = []
    private var isTooLong = false
    /// Tags of one resource (spec: control §3.5).
    static let maximumTags = 50

    init(_ checker: inout ConstraintChecker, required: Bool = false) {
        guard let elements = checker.list("Tags", required: required) else { return }
        guard elements.count <= Self.maximumTags else {
            isTooLong = true
            return
        }
        for (index, element) in elements.enumerated() {
            guard let object = element.object else {
                checker.mistyped("Tags", "a list of objects")
                return
            }
            var nested = ConstraintChecker(object, path: "tags.\(index + 1).member")
            let key = nested.string("Key", required: true, length: 1...128) ?? ""
            let value = nested.string("Value", required: true, length: 0...256) ?? ""
            checker.absorb(nested)
            tags.append(Tag(key: key, value: value))
        }
    }

    /// The tags, after the rules that the model does not state.
    func checked() throws(AWSError) -> [Tag] {
        guard !isTooLong else { throw AWSError(CatalogError.tooManyTags) }
        var seen: Set<[UInt8]> = []
        for tag in tags {
            // Condition keys do not tell cases apart, so two such keys in one request would hide each other from policies.
            guard seen.insert(Array(tag.key.lowercased().utf8)).inserted else {
                throw .validation("Invalid parameter: Duplicated keys are not allowed.")
            }
            guard !tag.key.utf8.starts(with: "aws:".utf8) else {
                throw .validation("Invalid parameter: Tag keys beginning with aws: are reserved.")
            }
        }
        return tags
    }
}

/// Tags of rules and buses (spec: control §3.5, §4.6).
extension EventService {
    func addTagOperations() {
        addChange("TagResource") { [unowned self] call, answer throws(AWSError) in
            var checker = ConstraintChecker(call.input)
            let arn = checker.string("ResourceARN", required: true, length: 1...1_600) ?? ""
            let list = TagList(&checker, required: true)
            try checker.finish()
            let tags = try list.checked()
            let resource = try taggedResource(arn, call, "events:TagResource", tags.requestContext)
            catalog.changeTags(of: resource, set: tags, remove: []) { answer($0.emptyAnswer) }
        }
        addChange("UntagResource") { [unowned self] call, answer throws(AWSError) in
            var checker = ConstraintChecker(call.input)
            let arn = checker.string("ResourceARN", required: true, length: 1...1_600) ?? ""
            let keys = checker.strings("TagKeys", required: true, element: 1...128) ?? []
            try checker.finish()
            // More keys than a resource may have tags are a mistake, and policies would have to look at each.
            guard keys.count <= TagList.maximumTags else { throw AWSError(CatalogError.tooManyTags) }
            let resource = try taggedResource(arn, call, "events:UntagResource", [("aws:TagKeys", keys)])
            catalog.changeTags(of: resource, set: [], remove: keys) { answer($0.emptyAnswer) }
        }
        addImmediate("ListTagsForResource") { [unowned self] call throws(AWSError) in
            var checker = ConstraintChecker(call.input)
            let arn = checker.string("ResourceARN", required: true, length: 1...1_600) ?? ""
            try checker.finish()
            let resource = try taggedResource(arn, call, "events:ListTagsForResource")
            let tags = try asking { () throws(CatalogError) in try catalog.tags(of: resource) }
            let list = tags.map { JSONValue.object(["Key": .string($0.key), "Value": .string($0.value)]) }
            return ["Tags": .array(list)]
        }
    }

    /// Tags given on creation need the right to tag as well (spec: control §8.4).
    func authorizeTagging(
        _ list: TagList?,
        _ call: APICall,
        on resource: String,
        of bus: BusAddress
    ) throws(AWSError) {
        guard let tags = list?.tags, !tags.isEmpty else { return }
        try authorize(call, "events:TagResource", on: resource, of: bus, context: tags.requestContext)
    }

    private func taggedResource(
        _ arn: String,
        _ call: APICall,
        _ action: String,
        _ context: [(key: String, values: [String])] = []
    ) throws(AWSError) -> TaggedResource {
        guard let resource = TaggedResource(arn: arn) else {
            throw .validation("Parameter \(arn) is not valid. Reason: Provided Arn is not in correct format.")
        }
        switch resource {
        case .bus(let bus):
            try authorize(call, action, on: resource.arn, of: bus, context: context + tagContext(of: bus))
        case .rule(let name, let bus):
            try authorize(call, action, on: resource.arn, of: bus, context: context + ruleContext(name, on: bus, call))
        }
        return resource
    }
}
