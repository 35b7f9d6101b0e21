declare module 'snappyjs' {
  /** For a plain Uint8Array: a fresh Uint8Array that owns its memory. */
  export function compress(message: Uint8Array): Uint8Array<ArrayBuffer>

  export function uncompress(block: Uint8Array): Uint8Array
}
