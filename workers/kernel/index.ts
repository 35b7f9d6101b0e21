// What the host calls. The kernel imports nothing.
import { INPUT, MESSAGE, OUTPUT, TABLE } from './abi'
import { spellShares } from './as-write-request'
import * as merge from './merge-v2'
import * as decoder from './snappy-decode'
import * as encoder from './snappy-encode'
import { scanRequest } from './request-v2'
import { writeShares } from './share'
import { openSharesV2, writeSharesV2 } from './share-v2'
import { scanWriteRequest } from './write-request'

/** The length that the block of n bytes in the input claims, or FAULT. */
export function claim(n: u32): f64 {
  return decoder.claim(load<u32>(INPUT), n)
}

/** Decodes the input of n bytes, whose claim was read, into the message. Answers 0 or FAULT. */
export function decode(n: u32, claimed: u32): i32 {
  return decoder.decode(load<u32>(INPUT), n, load<u32>(MESSAGE), claimed)
}

/** Encodes the message of n bytes into the output; returns the length of the block. */
export function encode(n: u32, literalsOnly: bool): u32 {
  encoder.setEncoder(load<u32>(TABLE), literalsOnly)
  const from = <usize>load<u32>(OUTPUT)
  return <u32>(encoder.encode(load<u32>(MESSAGE), n, from) - from)
}

/**
 * Remote write 1.0. `mayKeep`: whether a share may be the push itself; `asV2`: whether shares are to be of 2.0, which
 * write2 writes then. Answers 0, FAULT or what it needs.
 */
export function scan1(n: u32, mayKeep: bool, asV2: bool): i32 {
  openSharesV2(true)
  return scanWriteRequest(n, mayKeep, asV2)
}

/** Remote write 1.0: writes the shares of the last scan to the output; returns how long they are together. */
export function write1(literalsOnly: bool): u32 {
  encoder.setEncoder(load<u32>(TABLE), literalsOnly)
  return writeShares()
}

/** Remote write 2.0: the same. `asV1`: whether shares are to be of 1.0. */
export function scan2(n: u32, mayKeep: bool, asV1: bool): i32 {
  openSharesV2(false)
  return scanRequest(n, mayKeep, asV1)
}

/** Writes the shares of the last scan of 2.0 as 1.0; returns how long they are together. */
export function write2as1(literalsOnly: bool): u32 {
  encoder.setEncoder(load<u32>(TABLE), literalsOnly)
  return spellShares()
}

/**
 * Writes the shares of the last scan as 2.0 to the output; answers how long they are together, FAULT, or
 * NEED_OUTPUT.
 */
export function write2(literalsOnly: bool): i32 {
  encoder.setEncoder(load<u32>(TABLE), literalsOnly)
  return writeSharesV2()
}

/** Remote write 2.0: merges the messages in the input; answers how long the merged one is, FAULT, or what it needs. */
export function mergeMessages(count: u32, bytes: u32): i32 {
  return merge.merge(count, bytes)
}

/** Encodes the merged message to the output; returns the length of the block. */
export function encodeMerged(literalsOnly: bool): u32 {
  encoder.setEncoder(load<u32>(TABLE), literalsOnly)
  return merge.encodeMerged(load<u32>(OUTPUT))
}
