import SansIO

/// Writes HTTP/1.1 response headers.
enum HTTP1ResponseHead {
    /// Appends the status line and the header fields, with `date`, `content-length` and `connection` added.
    ///
    /// - Returns: true when the body follows.
    static func append(
        _ response: HTTPResponse,
        for exchange: HTTP1Exchange,
        date: [UInt8],
        to bytes: inout [UInt8]
    ) -> Bool {
        bytes.append(static: "HTTP/1.1 ")
        bytes.appendDecimal(max(100, min(999, response.status)))
        bytes.append(static: " ")
        bytes.append(static: reason(response.status))
        bytes.append(static: "\r\n")
        for field in response.headers {
            guard HeaderRules.isUsableName(field.name), !HeaderRules.isConnectionSpecific(field.name),
                !HeaderRules.equals(field.name, "date")
            else { continue }
            bytes.appendLowercased(field.name)
            bytes.append(static: ": ")
            bytes.appendFieldValue(field.value)
            bytes.append(static: "\r\n")
        }
        bytes.append(static: "date: ")
        bytes.append(contentsOf: date)
        bytes.append(static: "\r\n")
        let hasLength = response.status >= 200 && response.status != 204 && response.status != 304
        if hasLength {
            bytes.append(static: "content-length: ")
            bytes.appendDecimal(response.body.count)
            bytes.append(static: "\r\n")
        }
        if exchange.closesAfter {
            bytes.append(static: "connection: close\r\n")
        } else if exchange.isVersion10 {
            bytes.append(static: "connection: keep-alive\r\n")
        }
        bytes.append(static: "\r\n")
        return hasLength && !exchange.isHead && !response.body.isEmpty
    }

    /// The status code's name (RFC 9110 §15), empty when it has none here.
    static func reason(_ status: Int) -> StaticString {
        switch status {
        case 200: return "OK"
        case 201: return "Created"
        case 202: return "Accepted"
        case 204: return "No Content"
        case 304: return "Not Modified"
        case 400: return "Bad Request"
        case 401: return "Unauthorized"
        case 403: return "Forbidden"
        case 404: return "Not Found"
        case 405: return "Method Not Allowed"
        case 408: return "Request Timeout"
        case 409: return "Conflict"
        case 413: return "Content Too Large"
        case 415: return "Unsupported Media Type"
        case 429: return "Too Many Requests"
        case 431: return "Request Header Fields Too Large"
        case 500: return "Internal Server Error"
        case 501: return "Not Implemented"
        case 502: return "Bad Gateway"
        case 503: return "Service Unavailable"
        case 504: return "Gateway Timeout"
        default: return ""
        }
    }
}
