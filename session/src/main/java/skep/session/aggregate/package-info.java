/**
 * Mergeable results: counts, sums, histograms.
 */
@NullMarked
package skep.session.aggregate;

import org.jspecify.annotations.NullMarked;
