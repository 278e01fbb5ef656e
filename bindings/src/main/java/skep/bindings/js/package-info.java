/**
 * Tracing from JavaScript: {@code skep js FILE} and the cells of notebooks, on GraalJS.
 *
 * <p>A script sees one module, {@code skep} (a resource of this package), and behind it one bridge object with a handful of
 * exported methods; nothing else of the JVM. Traces come from the Truffle languages of {@code lang-truffle}. {@link
 * skep.bindings.js.JsHost} runs files, {@link skep.bindings.js.JsModule} puts the module into a context, {@code JsBridge} is what the
 * module talks to, {@code JsonText} how many values cross at once: as text, which is faster than one object a value.
 *
 * <p>Start reading at {@code skep.mjs}.
 */
@NullMarked
package skep.bindings.js;

import org.jspecify.annotations.NullMarked;
