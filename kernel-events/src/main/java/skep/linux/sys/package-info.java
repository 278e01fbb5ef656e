/**
 * System calls through FFM: the only place in this module that makes them.
 */
@NullMarked
package skep.linux.sys;

import org.jspecify.annotations.NullMarked;
