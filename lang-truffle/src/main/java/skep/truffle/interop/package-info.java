/**
 * Traces, maps, histograms, events, C programs and their tables as values of other languages.
 *
 * <p>Every kind is a {@code GuestObject}, whose members stand in one table a kind; arrays, hashes and iterators add their
 * messages. {@code Guest} converts values both ways. {@code Waiting} is how a guest's thread waits so that Truffle can have it
 * back. {@code Handover} carries things between Java and guests by reference.
 *
 * <p>Start reading at {@code TraceObject}.
 */
@NullMarked
package skep.truffle.interop;

import org.jspecify.annotations.NullMarked;
