/**
 * Registration of the Truffle languages.
 */
@NullMarked
package skep.truffle.lang;

import org.jspecify.annotations.NullMarked;
