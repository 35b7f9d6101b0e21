/**
 * What the kernel and its host agree on: words in memory, modes, codes. Plain numbers only, because this file is read
 * by both compilers: `asc` for the kernel and TypeScript for the host.
 *
 * The host lays out the arenas and writes their places into the desk; the kernel writes its report there. All
 * words are u32, little-endian.
 */

/**
 * Bytes behind each arena that may be read and written without meaning: whole vectors are moved, and a word is
 * looked at before its length is known.
 */
export const SLACK = 512

// The desk: a page of words at a fixed place.
export const DESK = 8192

// Arenas, in the order of their addresses. Those that may grow in the middle of a push stand behind the decoded
// message.
export const RULES = DESK + 0
/** The encoder's hash table. */
export const TABLE = DESK + 4
export const INPUT = DESK + 8
export const MESSAGE = DESK + 12
/** Rows of TENANT_BYTES. */
export const TENANTS = DESK + 16
export const TENANTS_ROOM = DESK + 20
/** Hash slots: u32, the number of a tenant + 1; a power of two of them, zeroed by the host when it lays out. */
export const SLOTS = DESK + 24
export const SLOTS_MASK = DESK + 28
/** For each tenant, place and length of each HA value of its first series. */
export const REPLICAS = DESK + 32
/** 2.0: SYMBOL_BYTES for each symbol. */
export const SYMBOLS = DESK + 36
export const SYMBOLS_ROOM = DESK + 40
/** Rows for the entries, of different lengths. The room is in bytes. */
export const ENTRIES = DESK + 44
export const ENTRIES_ROOM = DESK + 48
/** 2.0: the label references of all series, a word each. The room is in bytes. */
export const REFS = DESK + 52
export const REFS_ROOM = DESK + 56
/** Where a share is put together. */
export const BUILD = DESK + 60
/** Compressed shares, one behind the other. The last arena: it can grow while it is in use. The room is in bytes. */
export const OUTPUT = DESK + 64
export const OUTPUT_ROOM = DESK + 68
/** The room for BUILD in bytes. */
export const BUILD_ROOM = DESK + 72
/** 16 bytes: the key of `sipHash`, another one in each instance. */
export const HASH_KEY = DESK + 80
/** Words: rows of names that were reported not long ago; SEEN_COUNT of them, a power of two. */
export const SEEN = DESK + 96
export const SEEN_COUNT = 8192

// The report.
export const FAULT_CODE = DESK + 256
export const FAULT_AT = DESK + 260
export const FAULT_DETAIL = DESK + 264
/** How many tenants have a share. */
export const TENANT_COUNT = DESK + 268
/** Whether the message has fields beside its entries. */
export const HAS_OPTIONS = DESK + 272
/** Whether the one share is the whole message, every byte in its place. */
export const UNTOUCHED = DESK + 276
export const DISAGREEMENTS = DESK + 280
/** Metadata entries that the rules drop or report. */
export const METADATA_DROPPED = DESK + 284
/** How long all shares are before compression. */
export const TOTAL = DESK + 288
/** 2.0: how many symbols there are, and bytes of all their records. */
export const SYMBOL_COUNT = DESK + 296
export const SYMBOLS_SIZE = DESK + 300
/** How much room the output needs, where a call says so. */
export const OUTPUT_NEEDED = DESK + 304
/** The same of BUILD. */
export const BUILD_NEEDED = DESK + 292
/** The first of the rows for metadata entries that are reported, and of those for names of series; 0 where there is none. */
export const REPORTED_ENTRIES = DESK + 308
export const REPORTED_NAMES = DESK + 312
/** 2.0 that goes out as 1.0: start and created timestamps that are left out. */
export const TIMES_LOST = DESK + 316
/** Rows of REFUSAL_BYTES: one for each reason, first those that the sender hears of, then the dropped ones. */
export const REFUSALS = DESK + 320
/** How long all that goes aside is before compression; 0 where there is nothing. */
export const ASIDE_TOTAL = DESK + 640
/** 2.0 that goes out as 1.0: histograms that are left out, and series that have nothing else. */
export const HISTOGRAMS_LOST = DESK + 644
export const SERIES_LOST = DESK + 648

/** 24 bytes each: what the first labels of the last series looked like; and one more, that no label looks like. */
export const SHAPES = DESK + 1024
export const SHAPE_COUNT = 64

/** 1.0 that goes out as 2.0: 16 bytes for each place of a label in a series. Behind the desk, in a page of their own. */
export const MEMOS = DESK + 4096
export const MEMO_COUNT = 256

/** 2.0 that goes out as 1.0, in the same page: words, where each label of the last series was written. */
export const PLACES = DESK + 4096
export const MOST_PLACES = 1000

// The rules.
export const PRECEDENCE = 0
export const STRIP = 4
export const MISSING = 8
export const INVALID = 12
/** Whether the tenant is an account of VictoriaMetrics; else any bytes that ALLOWED has a 1 for. */
export const ACCOUNT = 16
export const METADATA = 20
export const MAX_TENANTS = 24
export const MAX_ENTRIES = 28
export const MAX_OUTPUT = 84
export const PREFIX = 32
export const PREFIX_LENGTH = 36
/** Without prefix; place 0 means that there is no default tenant. */
export const DEFAULT = 40
export const DEFAULT_LENGTH = 44
export const SEED = 48
/** Place of rows [length, place]: values that are no tenant although all of their bytes are allowed. */
export const FORBIDDEN = 56
export const FORBIDDEN_COUNT = 60
/** Place of the rows of WATCH_BYTES: labels that are looked for. Tenant labels come first, in configured order. */
export const WATCHES = 64
export const WATCH_COUNT = 68
export const TENANT_LABELS = 72
/** Place of words: for each HA label, the place of its watch. */
export const HA = 76
export const HA_COUNT = 80
/** What of the series is reported: 0, NAMES_OF_SERIES or METADATA_OF_SERIES. */
export const FAMILIES = 96
/** Place of the watch for `__name__`, where anything is. */
export const NAME_WATCH = 100
/** 128 words: the first watch whose name has that many bytes. */
export const BY_LENGTH = 128
/** 256 bytes. */
export const ALLOWED = BY_LENGTH + 512
export const RULES_BYTES = ALLOWED + 256

export const WATCH_BYTES = 64
export const TENANT_BYTES = 64
export const SYMBOL_BYTES = 24
export const REFUSAL_BYTES = 32
export const SLOT_BYTES = 4
/** Longest tenant of each format, as in tenant.ts; the longest account is `4294967295:4294967295`. */
export const MAX_TENANT_BYTES = 150
export const ACCOUNT_BYTES = 32
/** Longest name and text of a metric family that is reported, as in family.ts. */
export const MAX_NAME_BYTES = 512
export const MAX_TEXT_BYTES = 4096
/** Longest HA value that is compared, as in ha-value.ts. */
export const MAX_HA_BYTES = 2048

// A tenant's row.
export const TENANT_KEY = 0
export const TENANT_KEY_LENGTH = 4
export const TENANT_HASH = 8
export const TENANT_SIZE = 12
export const TENANT_SERIES = 16
export const TENANT_SAMPLES = 20
export const TENANT_HISTOGRAMS = 24
export const TENANT_EXEMPLARS = 28
export const TENANT_METADATA = 32
export const TENANT_ALONE = 44
export const TENANT_HEAD = 36
export const TENANT_OUT = 52
export const TENANT_OUT_LENGTH = 56
export const TENANT_ASIDE = 60

// The row of what a tenant has beside its share.
export const ASIDE_HEAD = 4
export const ASIDE_SERIES = 12
export const ASIDE_EXEMPLARS = 16
export const ASIDE_METADATA = 20
export const ASIDE_SIZE = 24
export const ASIDE_OUT = 28
export const ASIDE_OUT_LENGTH = 32

// The row of a metadata entry that is reported.
export const ENTRY_FROM = 0
export const ENTRY_END = 4
export const ENTRY_NEXT = 8

// The row of a name that is reported.
export const NAMED_TENANT = 0
export const NAMED_HASH = 4
export const NAMED_NAME = 8
export const NAMED_TYPE = 16
export const NAMED_HELP = 20
export const NAMED_UNIT = 28
export const NAMED_NEXT = 36

// A refusal's row.
/** Its place in the order of first sight, counted from 1; 0 where there is none. */
export const REFUSAL_ORDER = 0
export const REFUSAL_SERIES = 4
export const REFUSAL_SAMPLES = 8
export const REFUSAL_HISTOGRAMS = 12
export const REFUSAL_EXEMPLARS = 16
export const REFUSAL_METADATA = 20
export const REFUSAL_EXAMPLE = 24
export const REFUSAL_EXAMPLE_LENGTH = 28

// Modes.
export const BY_CONFIG = 0
export const BY_FIRST = 1
export const BY_LAST = 2

export const TO_REJECT = 0
export const TO_DROP = 1
export const TO_DEFAULT = 2
export const TO_REPORT = 3

export const NAMES_OF_SERIES = 1
export const METADATA_OF_SERIES = 2

// Reasons of refusals.
export const MISSING_TENANT = 0
export const INVALID_TENANT = 1
export const REPEATED_LABEL = 2
export const TOO_MANY_TENANTS = 3
export const BAD_REFERENCE = 4
export const REASONS = 5

// What a call answers instead of a length.
export const FAULT = -1
/** The arena of that name is full: enlarge it and call again. */
export const NEED_ENTRIES = -2
export const NEED_TENANTS = -3
export const NEED_SYMBOLS = -4
export const NEED_REFS = -5
export const NEED_OUTPUT = -6
export const NEED_BUILD = -7

// Fault codes.
export const SNAPPY_CORRUPT = 1
export const PROTOBUF_MALFORMED = 2
export const WRONG_PROTOCOL = 3
export const TOO_MANY_SERIES = 4
export const OUTPUT_TOO_LARGE = 5

// What was found; the host has the sentences.
export const SNAPPY_NO_LENGTH = 1
export const SNAPPY_CUT_OFF = 2
export const SNAPPY_NO_OFFSET = 3
export const SNAPPY_TOO_LONG = 4
export const SNAPPY_BEFORE_START = 5
export const SNAPPY_TOO_SHORT = 6
export const BAD_TAG = 7
export const BAD_NUMBER = 8
export const BAD_VARINT = 9
export const BAD_FIXED = 10
export const BAD_LENGTH = 11
export const LENGTH_PAST_END = 12
export const BAD_WIRE_TYPE = 13
export const WRONG_WIRE_TYPE = 14
export const FIELD_OF_2_0 = 15
export const FIELD_OF_1_0 = 16
export const MORE_ENTRIES = 17
export const MORE_OUTPUT = 18
