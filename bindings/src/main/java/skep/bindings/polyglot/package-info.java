/**
 * One session in several languages: the tracing language, BCC's C, Python, JavaScript and Java, which see each other's variables
 * by name and by reference. Behind the prompt {@code skep repl}, notebooks and {@code skep js}.
 *
 * <p>{@link skep.bindings.polyglot.PolyglotSession} runs pieces of text and can be stopped; {@code GuestContext} makes the Truffle
 * context with what guests may reach, and carries values between Java and guests; {@code GuestVariables} keeps the variables of
 * a language in step with the shared ones.
 *
 * <p>Start reading at {@link skep.bindings.polyglot.PolyglotSession}.
 */
@NullMarked
package skep.bindings.polyglot;

import org.jspecify.annotations.NullMarked;
