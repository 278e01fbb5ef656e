/**
 * The languages {@code skep} (the tracing language) and {@code bpf-c} (BCC's C) for every GraalVM Polyglot program.
 *
 * <p>No semantics of their own: evaluating a text compiles it through the front ends of the session, lets the verifier see it and
 * returns an object of {@code skep.truffle.interop}. {@code Tracing} is what a context holds: the target, and all that is open.
 *
 * <p>Start reading at {@code SkepLanguage}.
 */
@NullMarked
package skep.truffle.lang;

import org.jspecify.annotations.NullMarked;
