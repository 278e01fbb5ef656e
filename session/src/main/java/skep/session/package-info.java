/**
 * The conductor: compile, load, attach, drain, aggregate, view.
 */
@NullMarked
package skep.session;

import org.jspecify.annotations.NullMarked;
