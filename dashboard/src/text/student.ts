// Quantiles of Student's t, for intervals by a standard error.

const STEPS = 4000;

/** More degrees of freedom make no difference that is shown. */
const MOST_DEGREES = 1000;

/**
 * The value that Student's t with `degreesOfFreedom` (at least 1) stays below with
 * `probability`, from .5 to less than 1. With t = sqrt(d) tan(a), the density of the angle a is
 * as cos(a) to the power d - 1: its integral is a sum, and where the sum has reached the
 * probability is found while adding up.
 */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  const degrees = Math.min(degreesOfFreedom, MOST_DEGREES);
  const step = Math.PI / 2 / STEPS;
  const densities = Array.from(
    { length: STEPS },
    (_, index) => Math.cos((index + 0.5) * step) ** (degrees - 1),
  );
  const total = densities.reduce((sum, density) => sum + density);
  let missing = (2 * probability - 1) * total;
  let index = 0;
  while (missing > densities[index]!) missing -= densities[index++]!;
  const angle = (index + missing / densities[index]!) * step;
  return Math.sqrt(degrees) * Math.tan(angle);
}
