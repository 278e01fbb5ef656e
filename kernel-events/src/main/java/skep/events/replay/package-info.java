/**
 * Recordings played back as a target.
 */
@NullMarked
package skep.events.replay;

import org.jspecify.annotations.NullMarked;
