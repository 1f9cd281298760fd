// Rows of spec: patterns §3.3, in their numbering.

extension ErrorRow {
    static let operators: [ErrorRow] = [
        ErrorRow(1, #"[]"#, #"Filter is not an object"#, .column(2)),
        ErrorRow(2, #""x""#, #"Filter is not an object"#, .column(2)),
        ErrorRow(3, #"{}"#, #"Empty objects are not allowed"#, .column(3)),
        ErrorRow(4, #"{"a":{}}"#, #"Empty objects are not allowed"#, .column(8)),
        ErrorRow(5, #"{"a":[]}"#, #"Empty arrays are not allowed"#, .column(8)),
        ErrorRow(6, #"{"a":"x"}"#, #""a" must be an object or an array"#, .column(7)),
        ErrorRow(7, #"{"a":1}"#, #""a" must be an object or an array"#, .column(7)),
        ErrorRow(8, #"{"a":null}"#, #""a" must be an object or an array"#, .column(10)),
        ErrorRow(9, #"{"a":[[1]]}"#, #"Match value must be String, number, true, false, or null"#, .column(8)),
        ErrorRow(10, #"{"a":[{}]}"#, #"Match expression name not found"#, .column(9)),
        ErrorRow(11, #"{"a":[{"b":1}]}"#, #"Unrecognized match type b"#, .column(13)),
        ErrorRow(12, #"{"a":[{"Prefix":"x"}]}"#, #"Unrecognized match type Prefix"#, .column(18)),
        ErrorRow(13, #"{"a":[{"prefix":1}]}"#, #"prefix match pattern must be a string"#, .column(18)),
        ErrorRow(14, #"{"a":[{"prefix":["x"]}]}"#, #"prefix match pattern must be a string"#, .column(18)),
        ErrorRow(15, #"{"a":[{"prefix":{"wildcard":"x"}}]}"#, #"Unsupported prefix pattern: wildcard"#, .column(30)),
        ErrorRow(16, #"{"a":[{"prefix":{}}]}"#, #"Prefix expression name not found"#, .column(19)),
        ErrorRow(
            17,
            #"{"a":[{"prefix":{"equals-ignore-case":["x"]}}]}"#,
            #"equals-ignore-case match pattern must be a string"#,
            .column(40)
        ),
        ErrorRow(
            18,
            #"{"a":[{"prefix":"x","suffix":"y"}]}"#,
            #"Only one key allowed in match expression"#,
            .column(31)
        ),
        ErrorRow(19, #"{"a":[{"suffix":1}]}"#, #"suffix match pattern must be a string"#, .column(18)),
        ErrorRow(20, #"{"a":[{"suffix":{"prefix":"x"}}]}"#, #"Unsupported suffix pattern: prefix"#, .column(28)),
        ErrorRow(
            21,
            #"{"a":[{"equals-ignore-case":1}]}"#,
            #"equals-ignore-case match pattern must be a string"#,
            .column(30)
        ),
        ErrorRow(
            22,
            #"{"a":[{"exists":"true"}]}"#,
            #"exists match pattern must be either true or false."#,
            .column(18)
        ),
        ErrorRow(
            23,
            #"{"a":[{"exists":true,"prefix":"x"}]}"#,
            #"Only one key allowed in match expression"#,
            .column(32)
        ),
        ErrorRow(24, #"{"a":[{"exactly":1}]}"#, #"exact match pattern must be a string"#, .column(19)),
    ]
}
