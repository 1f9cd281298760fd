import Testing

@testable import Transport

@Suite struct DateCacheTests {
    @Test(arguments: [
        (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"),
        (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
        (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
    ])
    func formats(_ second: Int64, _ text: String) {
        #expect(String(decoding: DateCache.format(second), as: UTF8.self) == text)
    }

    @Test func formatsAgainWhenTheSecondChanges() {
        var cache = DateCache()
        cache.update(to: 0)
        let first = cache.bytes
        cache.update(to: 1)
        #expect(cache.bytes != first)
        #expect(cache.bytes == DateCache.format(1))
    }
}
