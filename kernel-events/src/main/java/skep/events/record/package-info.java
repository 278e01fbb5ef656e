/**
 * Recording of probe events.
 */
@NullMarked
package skep.events.record;

import org.jspecify.annotations.NullMarked;
