/*
 * Half precision numbers, as graphics cards take them and old browsers have no array for.
 */

const single = new Float32Array(1)
const bits = new Uint32Array(single.buffer)

/**
 * The nearest half precision number, ties to even; what is too large becomes the largest.
 * @param {number} value
 * @returns {number} its 16 bits
 */
export function toHalf(value) {
  single[0] = value
  const all = bits[0]
  const sign = (all >>> 16) & 0x8000
  const exponent = ((all >>> 23) & 255) - 112
  let mantissa = all & 0x7fffff
  if (exponent >= 31) return sign | 0x7bff
  if (exponent > 0) return sign | round((exponent << 10) | (mantissa >> 13), mantissa & 0x1fff, 0x1000)
  if (exponent < -10) return sign
  mantissa |= 0x800000
  const shift = 14 - exponent
  return sign | round(mantissa >> shift, mantissa & ((1 << shift) - 1), 1 << (shift - 1))
}

function round(kept, rest, middle) {
  return kept + (rest > middle || (rest === middle && kept & 1) ? 1 : 0)
}

/** What each of the 65536 patterns of bits is worth. */
export const HALVES = Float32Array.from({ length: 65536 }, (_, all) => {
  const sign = all & 0x8000 ? -1 : 1
  const exponent = (all >> 10) & 31
  const mantissa = all & 1023
  if (exponent === 31) return mantissa ? NaN : sign * Infinity
  return sign * (exponent ? (1 + mantissa / 1024) * 2 ** (exponent - 15) : mantissa * 2 ** -24)
})
