/** Random numbers that are the same for the same seed (an xorshift of 32 bits), in some distributions. */
export function randomFrom(seed: number) {
  let state = (Math.imul(seed + 1, 0x9e3779b1) ^ 0x5bd1e995) >>> 0 || 1
  const uniform = () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return ((state >>> 0) + 0.5) / 4_294_967_296
  }
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())
  /** Counts of events; a normal stand-in above 200, where nobody sees the difference. */
  const poisson = (mean: number) => {
    if (mean > 200) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal()))
    const limit = Math.exp(-mean)
    let count = 0
    for (let product = uniform(); product > limit; product *= uniform()) count++
    return count
  }
  for (let i = 0; i < 20; i++) uniform()
  return { uniform, normal, poisson }
}
export type Random = ReturnType<typeof randomFrom>
