/// The one table of wire errors (spec: control §1.3, §2.7, §3.7, §13.6).
extension AWSErrorKind {
    /// A constraint or a business rule is violated.
    public static let validation = AWSErrorKind("ValidationException")
    /// The body is not what the protocol needs.
    public static let serialization = AWSErrorKind("SerializationException")
    /// There is no such operation, or Busbar does not have it.
    public static let unknownOperation = AWSErrorKind("UnknownOperationException")
    /// The query protocol's form of an unknown operation.
    public static let invalidAction = AWSErrorKind("InvalidAction")
    /// A named resource does not exist.
    public static let resourceNotFound = AWSErrorKind("ResourceNotFoundException")
    /// A name is taken.
    public static let resourceAlreadyExists = AWSErrorKind("ResourceAlreadyExistsException")
    /// A quota is used up.
    public static let limitExceeded = AWSErrorKind("LimitExceededException")
    /// An event pattern is not valid.
    public static let invalidEventPattern = AWSErrorKind("InvalidEventPatternException")
    /// The policy is too long.
    public static let policyLengthExceeded = AWSErrorKind("PolicyLengthExceededException")
    /// A rule that a service manages.
    public static let managedRule = AWSErrorKind("ManagedRuleException")
    /// Two writers met.
    public static let concurrentModification = AWSErrorKind("ConcurrentModificationException")
    /// A policy refuses.
    public static let accessDenied = AWSErrorKind("AccessDeniedException")
    /// Too many requests.
    public static let throttling = AWSErrorKind("ThrottlingException")
    /// Something failed inside.
    public static let internalFailure = AWSErrorKind("InternalException", status: 500, fault: .receiver)
    /// The body is over the listener's limit.
    public static let requestTooLarge = AWSErrorKind("RequestEntityTooLargeException", status: 413)
    /// A request that is well formed but that this version cannot do.
    public static let unsupported = AWSErrorKind("UnsupportedOperationException")

    /// `QueueDoesNotExist`
    public static let queueDoesNotExist = AWSErrorKind(
        "com.amazonaws.sqs#QueueDoesNotExist",
        legacyCode: "AWS.SimpleQueueService.NonExistentQueue"
    )
    /// `QueueNameExists`
    public static let queueNameExists = AWSErrorKind(
        "com.amazonaws.sqs#QueueNameExists",
        legacyCode: "QueueAlreadyExists"
    )
    /// `PurgeQueueInProgress`
    public static let purgeQueueInProgress = AWSErrorKind(
        "com.amazonaws.sqs#PurgeQueueInProgress",
        status: 403,
        legacyCode: "AWS.SimpleQueueService.PurgeQueueInProgress"
    )
    /// `TooManyEntriesInBatchRequest`
    public static let tooManyEntriesInBatch = AWSErrorKind(
        "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
        legacyCode: "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"
    )
    /// `EmptyBatchRequest`
    public static let emptyBatch = AWSErrorKind(
        "com.amazonaws.sqs#EmptyBatchRequest",
        legacyCode: "AWS.SimpleQueueService.EmptyBatchRequest"
    )
    /// `BatchEntryIdsNotDistinct`
    public static let batchEntryIDsNotDistinct = AWSErrorKind(
        "com.amazonaws.sqs#BatchEntryIdsNotDistinct",
        legacyCode: "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"
    )
    /// `InvalidBatchEntryId`
    public static let invalidBatchEntryID = AWSErrorKind(
        "com.amazonaws.sqs#InvalidBatchEntryId",
        legacyCode: "AWS.SimpleQueueService.InvalidBatchEntryId"
    )
    /// `BatchRequestTooLong`
    public static let batchRequestTooLong = AWSErrorKind(
        "com.amazonaws.sqs#BatchRequestTooLong",
        legacyCode: "AWS.SimpleQueueService.BatchRequestTooLong"
    )
    /// `InvalidParameterValueException`, unmodelled in SQS.
    public static let invalidParameterValue = AWSErrorKind(
        "com.amazonaws.sqs#InvalidParameterValueException",
        legacyCode: "InvalidParameterValue"
    )
    /// `MissingRequiredParameterException`, unmodelled in SQS.
    public static let missingParameter = AWSErrorKind(
        "com.amazonaws.sqs#MissingRequiredParameterException",
        legacyCode: "MissingParameter"
    )
    /// `InvalidAttributeName`
    public static let invalidAttributeName = AWSErrorKind("com.amazonaws.sqs#InvalidAttributeName")
    /// `InvalidAttributeValue`
    public static let invalidAttributeValue = AWSErrorKind("com.amazonaws.sqs#InvalidAttributeValue")
    /// `InvalidMessageContents`
    public static let invalidMessageContents = AWSErrorKind("com.amazonaws.sqs#InvalidMessageContents")
    /// `ReceiptHandleIsInvalid`
    public static let receiptHandleIsInvalid = AWSErrorKind("com.amazonaws.sqs#ReceiptHandleIsInvalid")
    /// `MessageNotInflight`
    public static let messageNotInflight = AWSErrorKind(
        "com.amazonaws.sqs#MessageNotInflight",
        legacyCode: "AWS.SimpleQueueService.MessageNotInflight"
    )
    /// `UnsupportedOperation` of SQS.
    public static let queueUnsupportedOperation = AWSErrorKind(
        "com.amazonaws.sqs#UnsupportedOperation",
        legacyCode: "AWS.SimpleQueueService.UnsupportedOperation"
    )
    /// `AccessDenied` of SQS.
    public static let queueAccessDenied = AWSErrorKind(
        "com.amazonaws.sqs#AccessDeniedException",
        status: 403,
        legacyCode: "AccessDenied"
    )
    /// `OverLimit`
    public static let queueOverLimit = AWSErrorKind("com.amazonaws.sqs#OverLimit", status: 403)
    /// `RequestThrottled` of SQS.
    public static let queueThrottled = AWSErrorKind("com.amazonaws.sqs#RequestThrottled", status: 403)
    /// `ResourceNotFoundException` of SQS.
    public static let queueResourceNotFound = AWSErrorKind(
        "com.amazonaws.sqs#ResourceNotFoundException",
        status: 404,
        legacyCode: "ResourceNotFoundException"
    )
}
