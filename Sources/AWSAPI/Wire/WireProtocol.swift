import EventModel
import SansIO
import SigV4

/// A wire protocol of AWS: how requests name operations, and how answers look (spec: control §1).
enum WireProtocol: Sendable {
    /// AWS JSON 1.0 or 1.1.
    case json(version: String, isQueryCompatible: Bool)
    /// The query protocol: a form in, XML out.
    case query(namespace: String)

    /// The words in which signature failures are put.
    func dialect(service: String) -> SigV4Dialect {
        switch self {
        case .query: .query
        case .json: service == "events" ? .json : .jsonForbidden
        }
    }

    /// The answer to a call that succeeded.
    func response(_ output: JSONObject?, operation: String, requestID: String) -> HTTPResponse {
        switch self {
        case .json(let version, _):
            return HTTPResponse(
                status: 200,
                headers: Self.headers("application/x-amz-json-\(version)", requestID),
                body: output.map { JSONValue.object($0).bytes } ?? []
            )
        case .query(let namespace):
            let body = XMLText.success(operation, output ?? [:], namespace: namespace, requestID: requestID)
            return HTTPResponse(status: 200, headers: Self.headers("text/xml", requestID), body: Array(body.utf8))
        }
    }

    /// The answer to a call that failed.
    func response(_ error: AWSError, request: HTTPRequest, requestID: String) -> HTTPResponse {
        switch self {
        case .json(let version, let isQueryCompatible):
            var headers = Self.headers("application/x-amz-json-\(version)", requestID)
            let shape = error.kind.code.split(separator: "#").last.map(String.init) ?? error.kind.code
            headers.append(HTTPField("x-amzn-errortype", shape))
            if isQueryCompatible, request.header("x-amzn-query-mode") == "true" {
                let code = error.kind.legacyCode ?? shape
                headers.append(HTTPField("x-amzn-query-error", "\(code);\(error.kind.fault.rawValue)"))
            }
            let body: JSONObject = ["__type": .string(error.kind.code), "message": .string(error.message)]
            return HTTPResponse(status: error.kind.status, headers: headers, body: JSONValue.object(body).bytes)
        case .query(let namespace):
            let body = XMLText.failure(error, namespace: namespace, requestID: requestID)
            return HTTPResponse(
                status: error.kind.status,
                headers: Self.headers("text/xml", requestID),
                body: Array(body.utf8)
            )
        }
    }

    private static func headers(_ contentType: String, _ requestID: String) -> [HTTPField] {
        [HTTPField("x-amzn-requestid", requestID), HTTPField("content-type", contentType)]
    }
}

/// XML answers of the query protocol (spec: control §1.5).
enum XMLText {
    static func success(_ operation: String, _ output: JSONObject, namespace: String, requestID: String) -> String {
        let members = output.members.map { "<\($0.key)>\(escape($0.value.string ?? $0.value.text))</\($0.key)>" }
        return "<\(operation)Response xmlns=\"\(namespace)\"><\(operation)Result>\(members.joined())"
            + "</\(operation)Result><ResponseMetadata><RequestId>\(requestID)</RequestId></ResponseMetadata>"
            + "</\(operation)Response>"
    }

    static func failure(_ error: AWSError, namespace: String, requestID: String) -> String {
        "<ErrorResponse xmlns=\"\(namespace)\"><Error><Type>\(error.kind.fault.rawValue)</Type>"
            + "<Code>\(escape(error.kind.code))</Code><Message>\(escape(error.message))</Message></Error>"
            + "<RequestId>\(requestID)</RequestId></ErrorResponse>"
    }

    /// Escapes text; control characters that XML 1.0 cannot hold become U+FFFD.
    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "\t", "\n", "\r": result.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20: result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
