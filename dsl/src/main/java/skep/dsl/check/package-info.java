/**
 * Names, types and rules: from the syntax tree to a typed tree without errors.
 *
 * <p>Entry: {@link skep.dsl.check.Checker#check}. Types of maps and variables follow from all their uses in the whole
 * script, so the bodies are visited until the types stand still ({@link skep.dsl.check.Scope} and
 * {@link skep.dsl.check.Symbols} hold them), then once more to say what is wrong and to build the
 * {@link skep.dsl.check.Typed} tree. {@link skep.dsl.check.ProbeResolver} turns attach points into probes,
 * {@link skep.dsl.check.MacroExpander} replaces macros, {@link skep.dsl.check.CTypes} finds structures.
 * {@link skep.dsl.check.ExpressionChecker} types expressions; {@link skep.dsl.check.CallChecker} knows the functions,
 * each kind of them in a class of its own.
 */
@NullMarked
package skep.dsl.check;

import org.jspecify.annotations.NullMarked;
