// Rows of spec: patterns §2.20, in their numbering.

extension MatchRow {
    /// numeric.
    static let numeric: [MatchRow] = [
        MatchRow(95, #"{"a":[{"numeric":["=",5]}]}"#, #"{"a":5.0}"#, true),
        MatchRow(96, #"{"a":[{"numeric":["=",5]}]}"#, #"{"a":"5"}"#, false),
        MatchRow(97, #"{"a":[{"numeric":["=",3.018e2]}]}"#, #"{"a":301.8}"#, true),
        MatchRow(98, #"{"a":[{"numeric":[">",0,"<=",5]}]}"#, #"{"a":0}"#, false),
        MatchRow(99, #"{"a":[{"numeric":[">",0,"<=",5]}]}"#, #"{"a":5}"#, true),
        MatchRow(100, #"{"a":[{"numeric":[">=",0,"<",5]}]}"#, #"{"a":4.999999999}"#, true),
        MatchRow(101, #"{"a":[{"numeric":["<",0]}]}"#, #"{"a":-1e-300}"#, true),
        MatchRow(102, #"{"a":[{"numeric":[">",5000000000]}]}"#, #"{"a":5000000001}"#, true),
        MatchRow(103, #"{"a":[{"numeric":["<=",1e308]}]}"#, #"{"a":9.9e307}"#, true),
        MatchRow(104, #"{"a":[{"numeric":[">",1]}]}"#, #"{"a":null}"#, false),
        MatchRow(105, #"{"a":[{"numeric":[">",1]}]}"#, #"{"a":[0,2]}"#, true),
        MatchRow(106, #"{"a":[{"numeric":[">",1]}]}"#, #"{"a":1e400}"#, false),
        MatchRow(107, #"{"a":[{"numeric":[">=",0]}]}"#, #"{"a":-0.0}"#, true),
        MatchRow(108, #"{"a":[{"numeric":[">",1]}]}"#, #"{"a":true}"#, false),
        MatchRow(109, #"{"a":[{"numeric":[">",0.1]}]}"#, #"{"a":0.10000000000000001}"#, false),
        MatchRow(110, #"{"a":[{"numeric":[">=",0.1]}]}"#, #"{"a":0.10000000000000001}"#, false),
        MatchRow(111, #"{"a":[{"anything-but":1}]}"#, #"{"a":1e400}"#, true),
    ]

    /// cidr.
    static let cidr: [MatchRow] = [
        MatchRow(112, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.0.0"}"#, true),
        MatchRow(113, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.0.255"}"#, true),
        MatchRow(114, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.1.0"}"#, false),
        MatchRow(115, #"{"a":[{"cidr":"10.0.0.77/24"}]}"#, #"{"a":"10.0.0.5"}"#, true),
        MatchRow(116, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":"10.0.0.256"}"#, false),
        MatchRow(117, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":" 10.0.0.1"}"#, false),
        MatchRow(118, #"{"a":[{"cidr":"10.0.0.0/24"}]}"#, #"{"a":10}"#, false),
        MatchRow(119, #"{"a":[{"cidr":"10.0.0.1/31"}]}"#, #"{"a":"10.0.0.0"}"#, true),
        MatchRow(120, #"{"a":[{"cidr":"0.0.0.0/0"}]}"#, #"{"a":"8.8.8.8"}"#, true),
        MatchRow(121, #"{"a":[{"cidr":"0.0.0.0/0"}]}"#, #"{"a":"2001:db8::1"}"#, true),
        MatchRow(122, #"{"a":[{"cidr":"2001:db8::/32"}]}"#, #"{"a":"2001:db8:ffff::1"}"#, true),
        MatchRow(123, #"{"a":[{"cidr":"2001:db8::/32"}]}"#, #"{"a":"2001:db9::"}"#, false),
        MatchRow(124, #"{"a":[{"cidr":"10.0.0.0/8"}]}"#, #"{"a":"::ffff:10.1.2.3"}"#, false),
        MatchRow(125, #"{"a":[{"cidr":"32.1.0.0/16"}]}"#, #"{"a":"2001:db8::1"}"#, true),
        MatchRow(126, #"{"a":[{"cidr":"10.0.0.0/8"}]}"#, #"{"a":["x","10.9.9.9"]}"#, true),
    ]

    /// exists.
    static let exists: [MatchRow] = [
        MatchRow(127, #"{"a":[{"exists":true}]}"#, #"{"a":"x"}"#, true),
        MatchRow(128, #"{"a":[{"exists":true}]}"#, #"{"a":null}"#, true),
        MatchRow(129, #"{"a":[{"exists":true}]}"#, #"{"a":""}"#, true),
        MatchRow(130, #"{"a":[{"exists":true}]}"#, #"{"a":{"b":1}}"#, false),
        MatchRow(131, #"{"a":[{"exists":true}]}"#, #"{"a":{}}"#, false),
        MatchRow(132, #"{"a":[{"exists":true}]}"#, #"{"a":[]}"#, false),
        MatchRow(133, #"{"a":[{"exists":true}]}"#, #"{"a":[1]}"#, true),
        MatchRow(134, #"{"a":[{"exists":true}]}"#, #"{"a":[{"b":1}]}"#, false),
        MatchRow(135, #"{"a":{"b":[{"exists":true}]}}"#, #"{"a":[{"c":1},{"b":2}]}"#, true),
        MatchRow(136, #"{"a":[{"exists":false}]}"#, #"{"z":1}"#, true),
        MatchRow(137, #"{"a":[{"exists":false}]}"#, #"{"a":null}"#, false),
        MatchRow(138, #"{"a":[{"exists":false}]}"#, #"{"a":{"b":1}}"#, true),
        MatchRow(139, #"{"a":[{"exists":false}]}"#, #"{"a":[]}"#, true),
        MatchRow(140, #"{"a":{"b":[{"exists":false}]}}"#, #"{}"#, true),
        MatchRow(141, #"{"a":{"b":[{"exists":false}]}}"#, #"{"a":[{"b":1},{"c":2}]}"#, false),
        MatchRow(142, #"{"a":{"b":[{"exists":false}],"c":[2]}}"#, #"{"a":[{"b":1},{"c":2}]}"#, false),
        MatchRow(143, #"{"a":{"b":[2],"c":[{"exists":false}]}}"#, #"{"a":[{"c":1},{"b":2}]}"#, true),
        MatchRow(144, #"{"a":[{"exists":false},"x"]}"#, #"{"a":"x"}"#, true),
        MatchRow(145, #"{"a":[{"exists":false},"x"]}"#, #"{"a":"y"}"#, false),
        MatchRow(146, #"{"a":[{"exists":true},{"prefix":"no"}]}"#, #"{"a":"yes"}"#, true),
    ]
}
