// Rows of spec: patterns §3.3, in their numbering.

extension ErrorRow {
    static let operandLists: [ErrorRow] = [
        ErrorRow(25, #"{"a":[{"numeric":5}]}"#, #"Value of numeric must be an array."#, .column(19)),
        ErrorRow(26, #"{"a":[{"numeric":[]}]}"#, #"Invalid member in numeric match: ]"#, .column(20)),
        ErrorRow(27, #"{"a":[{"numeric":[5]}]}"#, #"Invalid member in numeric match: 5"#, .column(20)),
        ErrorRow(28, #"{"a":[{"numeric":["!=",5]}]}"#, #"Unrecognized numeric range operator: !="#, .column(25)),
        ErrorRow(29, #"{"a":[{"numeric":["=","5"]}]}"#, #"Value of equals must be numeric"#, .column(24)),
        ErrorRow(30, #"{"a":[{"numeric":["=",5,6]}]}"#, #"Too many elements in numeric expression"#, .column(26)),
        ErrorRow(31, #"{"a":[{"numeric":["<",5,">",1]}]}"#, #"Too many elements in numeric expression"#, .column(26)),
        ErrorRow(32, #"{"a":[{"numeric":[">",5,">",6]}]}"#, #"Bad numeric range operator: >"#, .column(28)),
        ErrorRow(33, #"{"a":[{"numeric":[">",5,6]}]}"#, #"Bad value in numeric range: 6"#, .column(26)),
        ErrorRow(34, #"{"a":[{"numeric":[">",5,"<",5]}]}"#, #"Bottom must be less than top"#, .column(31)),
        ErrorRow(
            35,
            #"{"a":[{"numeric":[">",5,"<",6,"x"]}]}"#,
            #"Too many terms in numeric range expression"#,
            .column(32)
        ),
        ErrorRow(
            36,
            #"{"a":[{"numeric":["=",123456789012345678901]}]}"#,
            #"Cannot compare number : 123456789012345678901"#,
            .column(45)
        ),
        ErrorRow(37, #"{"a":[{"numeric":["=",1e400]}]}"#, #"Cannot compare number : 1e400"#, .column(29)),
        ErrorRow(
            38,
            #"{"a":[{"anything-but":null}]}"#,
            #"Value of anything-but must be an array or single string/number value."#,
            .column(27)
        ),
        ErrorRow(
            39,
            #"{"a":[{"anything-but":true}]}"#,
            #"Value of anything-but must be an array or single string/number value."#,
            .column(27)
        ),
        ErrorRow(
            40,
            #"{"a":[{"anything-but":[]}]}"#,
            #"Inside anything but list, either all values are number or string, mixed type is not supported"#,
            .column(25)
        ),
        ErrorRow(
            41,
            #"{"a":[{"anything-but":["x",1]}]}"#,
            #"Inside anything but list, either all values are number or string, mixed type is not supported"#,
            .column(30)
        ),
        ErrorRow(
            42,
            #"{"a":[{"anything-but":[null]}]}"#,
            #"Inside anything but list, start|null|boolean is not supported."#,
            .twice(28)
        ),
        ErrorRow(
            43,
            #"{"a":[{"anything-but":{"numeric":["=",1]}}]}"#,
            #"Unsupported anything-but pattern: numeric"#,
            .column(35)
        ),
        ErrorRow(44, #"{"a":[{"anything-but":{}}]}"#, #"Anything-But expression name not found"#, .column(25)),
        ErrorRow(45, #"{"a":[{"anything-but":{"prefix":""}}]}"#, #"Null prefix/suffix not allowed"#, .column(35)),
        ErrorRow(
            46,
            #"{"a":[{"anything-but":{"prefix":1}}]}"#,
            #"prefix/suffix match pattern must be a string"#,
            .column(34)
        ),
        ErrorRow(
            47,
            #"{"a":[{"anything-but":{"equals-ignore-case":1}}]}"#,
            #"Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."#,
            .column(46)
        ),
        ErrorRow(
            48,
            #"{"a":[{"anything-but":{"wildcard":"a**"}}]}"#,
            #"Consecutive wildcard characters at pos 2"#,
            .column(40)
        ),
    ]
}
