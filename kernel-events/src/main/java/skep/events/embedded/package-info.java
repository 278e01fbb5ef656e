/**
 * The embedded kernel: a discrete-event model that fires probes and obeys the laws tracing tools reveal.
 */
@NullMarked
package skep.events.embedded;

import org.jspecify.annotations.NullMarked;
