// SipHash-1-3, keyed: who does not know the key can't choose bytes that share a hash. The hash of tenants.ts, which is
// faster, would not do here: two changes far enough apart cancel each other in it whatever the seed, and a message has
// room for many more strings than a push may have tenants.
import { HASH_KEY } from './abi'

/** 32 bits for n bytes. Reads up to eight bytes beyond them. */
export function sipHash(p: usize, n: u32): u32 {
  const a = load<u64>(HASH_KEY)
  const b = load<u64>(HASH_KEY, 8)
  let v0 = a ^ 0x736f6d6570736575
  let v1 = b ^ 0x646f72616e646f6d
  let v2 = a ^ 0x6c7967656e657261
  let v3 = b ^ 0x7465646279746573
  const whole = n >> 3
  // One round for each word, one for what is left with the length, three to finish: one loop, so that it stays small.
  for (let k: u32 = 0; k < whole + 4; k++) {
    let word: u64 = 0
    if (k < whole) word = load<u64>(p + (<usize>k << 3))
    else if (k == whole) {
      const rest = load<u64>(p + (<usize>k << 3)) & ((<u64>1 << ((n & 7) << 3)) - 1)
      word = rest | (<u64>n << 56)
    } else if (k == whole + 1) v2 ^= 0xff
    v3 ^= word
    v0 += v1
    v1 = rotl<u64>(v1, 13) ^ v0
    v0 = rotl<u64>(v0, 32)
    v2 += v3
    v3 = rotl<u64>(v3, 16) ^ v2
    v0 += v3
    v3 = rotl<u64>(v3, 21) ^ v0
    v2 += v1
    v1 = rotl<u64>(v1, 17) ^ v2
    v2 = rotl<u64>(v2, 32)
    v0 ^= word
  }
  return <u32>(v0 ^ v1 ^ v2 ^ v3)
}
