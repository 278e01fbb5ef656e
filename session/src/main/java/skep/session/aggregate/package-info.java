/**
 * What map entries add up to, merged over CPUs, runs and hosts.
 *
 * <p>{@link skep.session.aggregate.Aggregate} is a sealed family of immutable values: counts, sums, extremes, averages,
 * histograms and time series. {@code merge} is associative and commutative, and the empty aggregate of a shape is its
 * neutral element, so the order in which CPUs or hosts are added does not matter; tests state this as properties.
 *
 * <p>Bytes of maps come in through {@link skep.session.aggregate.AggregateReader}, which knows the layouts that the
 * compiled programs keep ({@link skep.dsl.Type.Aggregation}); values go out to {@code skep.session.view}. Start reading
 * at {@link skep.session.aggregate.Aggregate}.
 */
@NullMarked
package skep.session.aggregate;

import org.jspecify.annotations.NullMarked;
