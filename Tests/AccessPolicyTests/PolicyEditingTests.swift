import EventModel
import Testing

@testable import AccessPolicy

// spec: control §7.1-§7.3
@Suite struct PolicyEditingTests {
    private let bus = ARN(service: "events", region: "eu-west-1", account: "111111111111", resource: "event-bus/orders")
    private let resource = "arn:aws:events:eu-west-1:111111111111:event-bus/orders"

    private func permission(_ sid: String, _ account: String = "222222222222") -> BusPermission {
        BusPermission(statementID: sid, grantee: .account(Fixture.account(account)))
    }

    private func recorded(_ sid: String, _ account: String = "222222222222") -> String {
        #"{"Sid":"\#(sid)","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::\#(account):root"},"#
            + #""Action":"events:PutEvents","Resource":"\#(resource)"}"#
    }

    @Test func firstPermissionMakesTheRecordedDocument() throws {
        let document = try PolicyDocument.adding(permission("s1"), on: bus, to: nil)
        #expect(document.text == #"{"Version":"2012-10-17","Statement":[\#(recorded("s1"))]}"#)
        #expect(document.compactText == document.text)
    }

    @Test func everyoneOfAnOrganization() throws {
        let everyone = BusPermission(statementID: "s", grantee: .everyone, organizationID: "o-a1b2c3")
        let document = try PolicyDocument.adding(everyone, on: bus, to: nil)
        let expected =
            #"{"Version":"2012-10-17","Statement":[{"Sid":"s","Effect":"Allow","Principal":"*","#
            + #""Action":"events:PutEvents","Resource":"\#(resource)","#
            + #""Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3"}}}]}"#
        #expect(document.text == expected)
    }

    @Test func sameIDReplacesInPlaceAndNewOnesAreAppended() throws {
        var document = try PolicyDocument.adding(permission("s1"), on: bus, to: nil)
        document = try .adding(permission("s2"), on: bus, to: document)
        document = try .adding(permission("s1", "333333333333"), on: bus, to: document)
        let expected = recorded("s1", "333333333333") + "," + recorded("s2")
        #expect(document.text == #"{"Version":"2012-10-17","Statement":[\#(expected)]}"#)
    }

    @Test func documentsPutWholeKeepTheirOtherMembers() throws {
        let text = """
            { "Statement": { "Resource": "*", "Effect": "Allow", "Sid": "own",
              "Principal": {"Service": [ "a.b" ]}, "Action": [ "events:*" ] }, "Id": "i\\u0064" }
            """
        let own =
            #"{"Resource":"*","Effect":"Allow","Sid":"own","Principal":{"Service":["a.b"]},"Action":["events:*"]}"#
        let document = try PolicyDocument(parsing: text)
        #expect(document.compactText == #"{"Id":"i\u0064","Statement":\#(own)}"#)
        let added = try PolicyDocument.adding(permission("s1"), on: bus, to: document)
        #expect(added.text == #"{"Id":"i\u0064","Statement":[\#(own),\#(recorded("s1"))]}"#)
        #expect(
            try added.removing(sid: "s1")
                == .remaining(PolicyDocument(parsing: #"{"Id":"i\u0064","Statement":[\#(own)]}"#))
        )
    }

    @Test func removing() throws {
        let one = try PolicyDocument.adding(permission("s1"), on: bus, to: nil)
        let two = try PolicyDocument.adding(permission("s2"), on: bus, to: one)
        #expect(try one.removing(sid: "s1") == .nothingLeft)
        #expect(try one.removing(sid: "S1") == .unknownStatement)
        #expect(try two.removing(sid: "s2") == .remaining(one))
    }

    @Test(arguments: [
        ("*", true), ("arn:aws:events:eu-west-1:111111111111:event-bus/orders", true),
        ("arn:aws:events:eu-west-1:111111111111:event-bus/other", false),
        ("arn:aws:events:*:111111111111:event-bus/ord*", true),
        ("arn:aws:events:eu-west-1:111111111111:rule/orders/*", true),
        ("arn:aws:events:eu-west-1:111111111111:rule/orders/r", true),
        ("arn:aws:events:eu-west-1:111111111111:rule/r", false),
        ("arn:aws:events:eu-west-1:111111111111:rule/orders/${aws:PrincipalAccount}-*", true),
        ("arn:aws:events:eu-west-1:333333333333:event-bus/orders", false),
    ])
    func foreignResources(_ resource: String, _ isOwn: Bool) throws {
        let document = try PolicyDocument(
            parsing:
                #"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"events:*","Resource":"\#(resource)"}}"#
        )
        #expect(document.foreignResource(bus: bus) == (isOwn ? nil : resource))
    }

    @Test func rulesOfTheDefaultBusHaveNoBusInTheirName() throws {
        let document = try PolicyDocument(
            parsing:
                #"{"Statement":{"Effect":"Allow","Principal":"*","Action":"events:*","Resource":"arn:aws:events:eu-west-1:111111111111:rule/r"}}"#
        )
        var bus = bus
        bus.resource = "event-bus/default"
        #expect(document.foreignResource(bus: bus) == nil)
    }
}
