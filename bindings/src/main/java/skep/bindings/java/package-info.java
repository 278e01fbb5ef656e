/**
 * The scripting API in Java, under all others.
 */
@NullMarked
package skep.bindings.java;

import org.jspecify.annotations.NullMarked;
