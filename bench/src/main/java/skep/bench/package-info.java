/**
 * Benchmarks, one per published claim.
 */
@NullMarked
package skep.bench;

import org.jspecify.annotations.NullMarked;
