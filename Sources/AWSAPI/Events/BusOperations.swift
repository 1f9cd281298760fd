import EventModel
import Router
import SansIO

/// Operations on event buses (spec: control §4.1).
extension EventService {
    func addBusOperations() {
        addChange("CreateEventBus") { [unowned self] call, answer throws(AWSError) in try createBus(call, answer) }
        addChange("UpdateEventBus") { [unowned self] call, answer throws(AWSError) in try updateBus(call, answer) }
        addChange("DeleteEventBus") { [unowned self] call, answer throws(AWSError) in try deleteBus(call, answer) }
        addImmediate("DescribeEventBus") { [unowned self] call throws(AWSError) in try describeBus(call) }
        addImmediate("ListEventBuses") { [unowned self] call throws(AWSError) in try listBuses(call) }
    }

    private func createBus(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("Name", required: true, length: 1...256, pattern: .busName) ?? ""
        let source = checker.string("EventSourceName", length: 1...256)
        let attributes = BusAttributes(&checker)
        let tags = TagList(&checker)
        try checker.finish()
        if let source { throw AWSError(.resourceNotFound, "Event source \(source) does not exist.") }
        guard !name.utf8.contains(UInt8(ascii: "/")) else {
            throw .validation("Event bus name must not contain '/'.")
        }
        guard !name.utf8.starts(with: "aws.".utf8) else {
            throw .validation("EventBus name starting with 'aws.' is not valid.")
        }
        let address = BusAddress(region: call.region, account: call.caller.account, name: name)
        try authorize(call, "events:CreateEventBus", on: address.arn, of: address, context: tags.tags.requestContext)
        try authorizeTagging(tags, call, on: address.arn, of: address)
        var bus = Bus(created: call.now)
        attributes.apply(to: &bus)
        bus.tags = try tags.checked()
        catalog.createBus(bus, at: address) { result in
            answer(
                result.answer { bus in
                    var output: JSONObject = ["EventBusArn": .string(address.arn)]
                    bus.putAttributes(into: &output)
                    return output
                }
            )
        }
    }

    private func updateBus(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("Name", length: 1...256, pattern: .busName)
        let attributes = BusAttributes(&checker)
        try checker.finish()
        let address = BusAddress(
            region: call.region,
            account: call.caller.account,
            name: name ?? BusAddress.defaultName
        )
        try authorize(call, "events:UpdateEventBus", on: address.arn, of: address, context: tagContext(of: address))
        catalog.updateBus(address) { bus in
            var bus = bus
            attributes.apply(to: &bus)
            bus.modified = call.now
            return bus
        } completion: { result in
            answer(
                result.answer { bus in
                    var output: JSONObject = ["Arn": .string(address.arn), "Name": .string(address.name)]
                    bus.putAttributes(into: &output)
                    return output
                }
            )
        }
    }

    private func deleteBus(_ call: APICall, _ answer: @escaping (APIResult) -> Void) throws(AWSError) {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("Name", required: true, length: 1...256, pattern: .busName) ?? ""
        try checker.finish()
        let address = BusAddress(region: call.region, account: call.caller.account, name: name)
        try authorize(call, "events:DeleteEventBus", on: address.arn, of: address, context: tagContext(of: address))
        catalog.deleteBus(address) { result in
            answer(result.emptyAnswer)
        }
    }

    private func describeBus(_ call: APICall) throws(AWSError) -> JSONObject? {
        var checker = ConstraintChecker(call.input)
        let name = checker.string("Name", length: 1...1_600, pattern: .busNameOrARN)
        try checker.finish()
        let address = try bus(name, call)
        try authorize(call, "events:DescribeEventBus", on: address.arn, of: address, context: tagContext(of: address))
        let bus = try asking { () throws(CatalogError) in try catalog.state.existingBus(address) }
        var output: JSONObject = ["Name": .string(address.name), "Arn": .string(address.arn)]
        output.put("CreationTime", bus.created.jsonSeconds)
        output.put("LastModifiedTime", bus.modified.jsonSeconds)
        bus.putAttributes(into: &output)
        output.put("Policy", bus.policy)
        return output
    }

    private func listBuses(_ call: APICall) throws(AWSError) -> JSONObject? {
        var checker = ConstraintChecker(call.input)
        let prefix = checker.string("NamePrefix", length: 1...256, pattern: .busName)
        let page = try Page(&checker)
        try checker.finish()
        let account = call.caller.account
        try authorizeWithoutResource(call, "events:ListEventBuses")
        var buses: [String: Bus] = [:]
        var names: [String] = []
        for (name, bus) in catalog.state.buses(of: account, region: call.region)
        where name.utf8.starts(with: (prefix ?? "").utf8) {
            buses[name] = bus
            names.append(name)
        }
        let (shown, token) = page.cut(names)
        let list = shown.compactMap { name -> JSONValue? in
            guard let bus = buses[name] else { return nil }
            let address = BusAddress(region: call.region, account: account, name: name)
            var item: JSONObject = ["Name": .string(name), "Arn": .string(address.arn)]
            item.put("Description", bus.description)
            item.put("Policy", bus.policy)
            item.put("CreationTime", bus.created.jsonSeconds)
            item.put("LastModifiedTime", bus.modified.jsonSeconds)
            return .object(item)
        }
        var output: JSONObject = ["EventBuses": .array(list)]
        output.put("NextToken", token)
        return output
    }
}

/// The members that creating and updating a bus share.
private struct BusAttributes: Sendable {
    let description: String?
    let kmsKeyIdentifier: String?
    let deadLetterConfig: JSONObject?
    let logConfig: JSONObject?

    init(_ checker: inout ConstraintChecker) {
        description = checker.string("Description", length: 0...512)
        kmsKeyIdentifier = checker.string("KmsKeyIdentifier", length: 0...2_048, pattern: .kmsKey)
        deadLetterConfig = checker.object("DeadLetterConfig")
        if let deadLetterConfig {
            var nested = ConstraintChecker(deadLetterConfig, path: "deadLetterConfig")
            _ = nested.string("Arn", length: 1...1_600)
            checker.absorb(nested)
        }
        logConfig = checker.object("LogConfig")
        if let logConfig {
            var nested = ConstraintChecker(logConfig, path: "logConfig")
            _ = nested.string("IncludeDetail", oneOf: ["NONE", "FULL"])
            _ = nested.string("Level", oneOf: ["INFO", "ERROR", "TRACE", "OFF"])
            checker.absorb(nested)
        }
    }

    /// Members sent replace; empty ones clear; absent ones keep what is there (spec: control §4.1).
    func apply(to bus: inout Bus) {
        if let description { bus.description = description.isEmpty ? nil : description }
        if let kmsKeyIdentifier { bus.kmsKeyIdentifier = kmsKeyIdentifier.isEmpty ? nil : kmsKeyIdentifier }
        if let deadLetterConfig {
            bus.deadLetterConfig = deadLetterConfig.members.isEmpty ? nil : deadLetterConfig
        }
        if let logConfig { bus.logConfig = logConfig.members.isEmpty ? nil : logConfig }
    }
}

extension Bus {
    fileprivate func putAttributes(into output: inout JSONObject) {
        output.put("Description", description)
        output.put("KmsKeyIdentifier", kmsKeyIdentifier)
        output.put("DeadLetterConfig", deadLetterConfig.map(JSONValue.object))
        output.put("LogConfig", logConfig.map(JSONValue.object))
    }
}

extension Timestamp {
    /// Seconds since the epoch with milliseconds, as the JSON protocol writes times (spec: control §1.3).
    var jsonSeconds: JSONValue {
        let fraction = Int(milliseconds - seconds * 1000)
        let digits = String(fraction + 1000).dropFirst()
        return .number("\(seconds).\(digits)")
    }
}
