/// What was found for the last few policy texts.
///
/// Texts compare by canonical equivalence, under which two that differ in bytes can be equal, and then one tenant's policy
/// could stand for another's. So only ASCII texts are kept: whatever is equivalent to one of these and as long in bytes is the
/// same bytes, since every other spelling of an ASCII character is longer.
struct RecentPolicies<Value> {
    private var slots: [(text: String, value: Value)] = []
    private var next = 0
    private static var capacity: Int { 8 }

    subscript(text: String) -> Value? {
        let count = text.utf8.count
        // Comparing a text with itself looks at no character, and that is the usual case: the catalog holds one copy.
        for slot in slots where slot.text.utf8.count == count && slot.text == text { return slot.value }
        return nil
    }

    mutating func insert(_ text: String, _ value: Value) {
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { return }
        if slots.count < Self.capacity {
            slots.append((text, value))
        } else {
            slots[next] = (text, value)
            next = (next + 1) % Self.capacity
        }
    }
}
