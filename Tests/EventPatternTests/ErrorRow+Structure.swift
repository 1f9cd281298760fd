// Rows of spec: patterns §3.3, in their numbering.

extension ErrorRow {
    static let structure: [ErrorRow] = [
        ErrorRow(49, #"{"a":[{"cidr":"x"}]}"#, #"Malformed CIDR, one '/' required"#, .none),
        ErrorRow(50, #"{"a":[{"cidr":"10.0.0.0/x"}]}"#, #"Malformed CIDR, mask bits must be an integer"#, .none),
        ErrorRow(51, #"{"a":[{"cidr":"10.0.0.0/-1"}]}"#, #"Malformed CIDR, mask bits must not be negative"#, .none),
        ErrorRow(52, #"{"a":[{"cidr":"10.0.0.0/32"}]}"#, #"IPv4 mask bits must be < 32"#, .none),
        ErrorRow(53, #"{"a":[{"cidr":"::/128"}]}"#, #"IPv6 mask bits must be < 128"#, .none),
        ErrorRow(54, #"{"a":[{"cidr":"host/8"}]}"#, #"Nonstandard IP address: host"#, .none),
        ErrorRow(55, #"{"a":[{"cidr":"999.0.0.0/8"}]}"#, #"Invalid IP address: 999.0.0.0"#, .none),
        ErrorRow(56, #"{"a":[{"cidr":1}]}"#, #"prefix match pattern must be a string"#, .column(16)),
        ErrorRow(57, #"{"a":[{"wildcard":1}]}"#, #"wildcard match pattern must be a string"#, .column(20)),
        ErrorRow(58, #"{"a":[{"wildcard":"a**b"}]}"#, #"Consecutive wildcard characters at pos 2"#, .column(25)),
        ErrorRow(59, #"{"a":[{"wildcard":"a\\n"}]}"#, #"Invalid escape character at pos 2"#, .column(25)),
        ErrorRow(60, #"{"a":[{"wildcard":"a\\"}]}"#, #"Invalid escape character at pos 2"#, .column(24)),
        ErrorRow(61, #"{"$or":[{"a":[1]}]}"#, #"There must have at least 2 Objects in $or relationship."#, .column(19)),
        ErrorRow(62, #"{"$or":[]}"#, #"There must have at least 2 Objects in $or relationship."#, .column(10)),
        ErrorRow(63, #"{"$or":{"a":[1]}}"#, #"It must be an Array followed with $or."#, .column(9)),
        ErrorRow(
            64,
            #"{"$or":[{"a":[1]},2]}"#,
            #"Only JSON object is allowed in array of $or relationship."#,
            .column(20)
        ),
        ErrorRow(65, #"{"$or":[{"a":[1]},{}]}"#, #"Empty objects are not allowed"#, .column(21)),
        ErrorRow(
            66,
            #"{"$or":[{"a":[1]},{"prefix":["x"]}]}"#,
            #"prefix is Ruler reserved fieldName which cannot be used inside $or."#,
            .column(30)
        ),
        ErrorRow(
            67,
            #"{"a":[1]"#,
            #"Unexpected end-of-input: expected close marker for Object (start marker at [Source: …])"#,
            .column(9)
        ),
        ErrorRow(68, #"{"a":[01]}"#, #"Invalid numeric value: Leading zeroes not allowed"#, .column(8)),
        ErrorRow(
            69,
            #"{'a':[1]}"#,
            #"Unexpected character (''' (code 39)): was expecting double-quote to start field name"#,
            .column(3)
        ),
        ErrorRow(
            70,
            #"{"a":[1],}"#,
            #"Unexpected character ('}' (code 125)): was expecting double-quote to start field name"#,
            .column(11)
        ),
    ]
}
