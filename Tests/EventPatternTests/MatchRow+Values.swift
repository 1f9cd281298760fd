// Rows of spec: patterns §2.20, in their numbering.

extension MatchRow {
    /// Exact values and types.
    static let exactValues: [MatchRow] = [
        MatchRow(1, #"{"a":["x"]}"#, #"{"a":"x"}"#, true),
        MatchRow(2, #"{"a":["x"]}"#, #"{"a":"X"}"#, false),
        MatchRow(3, #"{"a":["x"]}"#, #"{"a":" x"}"#, false),
        MatchRow(4, #"{"a":[1]}"#, #"{"a":1}"#, true),
        MatchRow(5, #"{"a":[1]}"#, #"{"a":"1"}"#, false),
        MatchRow(6, #"{"a":["1"]}"#, #"{"a":1}"#, false),
        MatchRow(7, #"{"a":[300]}"#, #"{"a":300.0}"#, true),
        MatchRow(8, #"{"a":[300]}"#, #"{"a":3.0e2}"#, true),
        MatchRow(9, #"{"a":[300.0]}"#, #"{"a":300}"#, true),
        MatchRow(10, #"{"a":[0]}"#, #"{"a":-0}"#, true),
        MatchRow(11, #"{"a":[0]}"#, #"{"a":-0.0}"#, true),
        MatchRow(12, #"{"a":[0]}"#, #"{"a":0.00}"#, true),
        MatchRow(13, #"{"a":[0.1]}"#, #"{"a":0.10}"#, true),
        MatchRow(14, #"{"a":[9007199254740993]}"#, #"{"a":9007199254740992}"#, false),
        MatchRow(15, #"{"a":[9007199254740993]}"#, #"{"a":9007199254740993}"#, true),
        MatchRow(16, #"{"a":[123456789012345678901]}"#, #"{"a":123456789012345678901}"#, true),
        MatchRow(17, #"{"a":[123456789012345678901]}"#, #"{"a":123456789012345678901.0}"#, false),
        MatchRow(18, #"{"a":[1e400]}"#, #"{"a":1e400}"#, true),
        MatchRow(19, #"{"a":[true]}"#, #"{"a":true}"#, true),
        MatchRow(20, #"{"a":[true]}"#, #"{"a":"true"}"#, false),
        MatchRow(21, #"{"a":["false"]}"#, #"{"a":false}"#, false),
        MatchRow(22, #"{"a":[null]}"#, #"{"a":null}"#, true),
        MatchRow(23, #"{"a":[null]}"#, #"{"a":"null"}"#, false),
        MatchRow(24, #"{"a":[null]}"#, #"{}"#, false),
        MatchRow(25, #"{"a":[null]}"#, #"{"a":[]}"#, false),
        MatchRow(26, #"{"a":[null]}"#, #"{"a":[null]}"#, true),
        MatchRow(27, #"{"a":[""]}"#, #"{"a":""}"#, true),
        MatchRow(28, #"{"a":[""]}"#, #"{"a":null}"#, false),
        MatchRow(29, #"{"a":["x",1,null]}"#, #"{"a":1}"#, true),
        MatchRow(30, #"{"a":["\u0041"]}"#, #"{"a":"A"}"#, true),
        MatchRow(31, #"{"a":["a\/b"]}"#, #"{"a":"a/b"}"#, true),
        MatchRow(32, #"{"a":["\u00e9"]}"#, #"{"a":"e\u0301"}"#, false),
        MatchRow(33, #"{"a":["\ud83d\ude80"]}"#, #"{"a":"🚀"}"#, true),
        MatchRow(34, #"{"a":[{"exactly":"x"}]}"#, #"{"a":"x"}"#, true),
    ]

    /// Strings that look like IP addresses.
    static let addressLiterals: [MatchRow] = [
        MatchRow(35, #"{"a":["10.0.0.1"]}"#, #"{"a":"10.0.0.1"}"#, true),
        MatchRow(36, #"{"a":["10.0.0.1"]}"#, #"{"a":"010.0.0.1"}"#, true),
        MatchRow(37, #"{"a":["10.0.0.1"]}"#, #"{"a":"10.0.0.2"}"#, false),
        MatchRow(38, #"{"a":["::1"]}"#, #"{"a":"0:0:0:0:0:0:0:1"}"#, true),
        MatchRow(39, #"{"a":["2001:db8::1"]}"#, #"{"a":"2001:DB8:0:0::1"}"#, true),
        MatchRow(40, #"{"a":["10:30"]}"#, #"{"a":"10:30"}"#, true),
        MatchRow(41, #"{"a":["999.1.1.1"]}"#, #"{"a":"999.1.1.1"}"#, true),
        MatchRow(42, #"{"a":["32.1.13.184"]}"#, #"{"a":"2001:db8::1"}"#, true),
    ]
}
