import SansIO

/// What a client asks for, whatever the protocol version will be.
struct ClientRequest {
    var method = "POST"
    /// Path and query.
    var target: String
    /// Host and port as the server knows them.
    var authority: String
    /// Further header fields, without `host`.
    var headers: [HTTPField] = []
    var body: [UInt8] = []
}
