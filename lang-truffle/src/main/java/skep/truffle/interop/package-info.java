/**
 * Maps, histograms and events as interop values.
 */
@NullMarked
package skep.truffle.interop;

import org.jspecify.annotations.NullMarked;
